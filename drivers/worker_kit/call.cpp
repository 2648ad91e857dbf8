#include "drivers/worker_kit/call.hpp"

#include "drivers/fd_writer.hpp"

#include <utility>

namespace leasehold::kit {

struct call::state {
  std::string method;
  json params;
  json id;
  /// What notifications for this call name; may be null.
  json invocation;
  std::weak_ptr<fd_writer> host;
  std::function<void(const json&)> look;
  bool answered = false;

  ~state() {
    if (!answered)
      answer("error", {{"code", error_code::worker_error},
                       {"message", method + " ended without an answer"}});
  }

  void send(const json& message) {
    if (auto to = host.lock())
      to->write(to_line(message));
  }

  void answer(const char* key, json content) {
    if (std::exchange(answered, true))
      return;
    send({{"jsonrpc", "2.0"}, {"id", id}, {key, std::move(content)}});
  }
};

call::call(json request, std::weak_ptr<fd_writer> host)
  : state_{std::make_shared<state>()} {
  state_->method = request.at("method").get<std::string>();
  state_->id = std::move(request["id"]);
  state_->params = json::object();
  state_->host = std::move(host);
  if (auto pos = request.find("params");
      pos != request.end() && pos->is_object())
    state_->params = std::move(*pos);
  if (auto pos = request.find("paperclipInvocation");
      pos != request.end() && pos->is_object())
    state_->invocation = std::move((*pos)["id"]);
}

const std::string& call::method() const noexcept {
  return state_->method;
}

const json& call::params() const noexcept {
  return state_->params;
}

bool call::answered() const noexcept {
  return state_->answered;
}

void call::reply(const json& result) const {
  try {
    if (auto look = std::exchange(state_->look, nullptr))
      look(result);
  } catch (const rpc_error& why) {
    return fail(why.code(), why.what());
  }
  state_->answer("result", result);
}

void call::before_reply(std::function<void(const json&)> look) const {
  state_->look = std::move(look);
}

void call::fail(int code, std::string_view message) const {
  state_->answer("error", {{"code", code}, {"message", message}});
}

void call::log_output(output_stream stream, std::string_view text) const {
  if (text.empty() || state_->answered)
    return;
  json note{{"jsonrpc", "2.0"},
            {"method", "execute.log"},
            {"params", {{"stream", to_string(stream)}, {"chunk", text}}}};
  if (!state_->invocation.is_null())
    note["paperclipInvocationId"] = state_->invocation;
  state_->send(note);
}

std::string to_line(const json& message) {
  auto line = message.dump(-1, ' ', false, json::error_handler_t::replace);
  line += '\n';
  return line;
}

} // namespace leasehold::kit
