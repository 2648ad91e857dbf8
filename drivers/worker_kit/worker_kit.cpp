#include "drivers/worker_kit/worker_kit.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <utility>

namespace leasehold::kit {

namespace {

/// The longest message that is taken from the host.
constexpr auto line_max = size_t{128} << 20;

/// How long the last words wait for a host that does not read.
constexpr auto farewell_grace = std::chrono::seconds{2};

/// Moves a standard stream to a private descriptor and leaves `instead` in its
/// place.
int move_stream(int stream, int instead) {
  auto out = ::fcntl(stream, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  ::dup2(instead, stream);
  return out;
}

int move_stdin() {
  auto nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  auto out = move_stream(STDIN_FILENO, nothing);
  ::close(nothing);
  return out;
}

/// The name of the resource that a call is on; empty if it names none.
std::string resource_of(const json& x) {
  auto name = x.find("providerLeaseId");
  if (name != x.end() && name->is_string())
    return name->get<std::string>();
  auto lease = x.find("lease");
  return lease != x.end() && lease->is_object() ? resource_of(*lease) : "";
}

/// Whether a call that was answered so has removed its resource.
bool has_removed(const std::string& method, const json& result) {
  if (method == "environmentDestroyLease")
    return true;
  return method == "environmentReleaseLease" && result.is_object()
         && result.value("state", json()) == json("destroyed");
}

bool is_response(const json& message) {
  return !message.contains("method")
         && (message.contains("result") || message.contains("error"));
}

} // namespace

worker::worker(json manifest)
  : manifest_{std::move(manifest)}, launcher_{make_process_launcher(loop_)} {
  auto out = move_stream(STDOUT_FILENO, STDERR_FILENO);
  host_ = make_fd_writer(loop_, out, [this] { leave(); });
  lines_ = std::make_unique<line_splitter>(
    line_max, [this](std::string line) { take_line(line); },
    [this](const overlong_line&) {
      complain(error_code::parse_error, "Parse error: Message too long");
    });
  on("health", [](const call& what) { what.reply({{"status", "ok"}}); });
  default_health_ = true;
}

worker::~worker() = default;

void worker::on(std::string method, std::function<void(call)> handler) {
  if (method == "health")
    default_health_ = false;
  handlers_[std::move(method)] = std::move(handler);
}

void worker::on_shutdown(std::function<void()> hook) {
  shutdown_hook_ = std::move(hook);
}

void worker::keep_fences(std::shared_ptr<fence_keeper> keeper) {
  fences_ = std::move(keeper);
}

void worker::log(std::string_view level, std::string_view message, json meta) {
  json params{{"level", level}, {"message", message}};
  if (!meta.is_null())
    params["meta"] = std::move(meta);
  host_->write(to_line(
    {{"jsonrpc", "2.0"}, {"method", "log"}, {"params", std::move(params)}}));
}

int worker::run() {
  input_ = loop_.read(
    move_stdin(), [this](std::string_view bytes) { lines_->feed(bytes); },
    [this] { leave(); });
  loop_.run();
  return 0;
}

// -- messages of the host -----------------------------------------------------

void worker::take_line(std::string_view line) {
  json message;
  try {
    message = json::parse(line);
  } catch (const json::exception&) {
    return complain(error_code::parse_error,
                    "Parse error: Invalid JSON: "
                      + std::string{line.substr(0, 200)});
  }
  take_message(std::move(message));
}

void worker::take_message(json message) {
  if (!message.is_object())
    return complain(error_code::parse_error,
                    "Parse error: Message must be a JSON object");
  if (auto pos = message.find("jsonrpc");
      pos == message.end() || *pos != json("2.0"))
    return complain(error_code::parse_error,
                    "Parse error: Invalid or missing jsonrpc version "
                    "(expected \"2.0\")");
  if (is_response(message))
    return; // We ask the host nothing.
  auto method = message.find("method");
  if (method == message.end() || !method->is_string())
    return complain(error_code::invalid_request, "Invalid request: no method");
  // Without an id it is a notification; none of them concerns us.
  if (auto id = message.find("id"); id != message.end() && !id->is_null())
    dispatch(call{std::move(message), host_});
}

void worker::dispatch(call what) {
  if (what.method() == "initialize")
    return initialize(what);
  if (what.method() == "shutdown")
    return shut_down(what);
  auto pos = handlers_.find(what.method());
  if (pos == handlers_.end())
    return what.fail(error_code::unknown_method,
                     "Unknown method: " + what.method());
  try {
    check_fence(what);
    pos->second(what);
  } catch (const rpc_error& error) {
    what.fail(error.code(), error.what());
  } catch (const std::exception& error) {
    what.fail(error_code::worker_error, error.what());
  }
}

void worker::check_fence(const call& what) {
  auto fence = optional_number(what.params(), "leaseFence").value_or(0);
  if (fence == 0 || !what.method().starts_with("environment"))
    return;
  auto resource = resource_of(what.params());
  if (!resource.empty())
    fences_->pass(resource, fence);
  what.before_reply([keeper = fences_, method = what.method(), resource,
                     fence](const json& result) {
    auto made = result.is_object() ? resource_of(result) : "";
    if (method == "environmentAcquireLease" && !made.empty())
      keeper->pass(made, fence);
    else if (!resource.empty() && has_removed(method, result))
      keeper->forget(resource);
  });
}

void worker::initialize(const call& what) {
  if (std::exchange(initialized_, true))
    return what.fail(error_code::worker_error, "Worker already initialized");
  auto methods = json::array();
  for (const auto& [method, handler] : handlers_)
    if (method != "health" || !default_health_)
      methods.push_back(method);
  if (shutdown_hook_)
    methods.push_back("shutdown");
  // No method, but an ability of ours (DESIGN §6).
  if (fences_->lasts())
    methods.push_back("leaseFence");
  what.reply({{"ok", true}, {"supportedMethods", methods}});
}

void worker::shut_down(const call& what) {
  what.reply(nullptr);
  leave();
}

void worker::complain(int code, std::string_view message) {
  host_->write(to_line({{"jsonrpc", "2.0"},
                        {"id", nullptr},
                        {"error", {{"code", code}, {"message", message}}}}));
}

void worker::leave() {
  if (std::exchange(leaving_, true))
    return;
  if (shutdown_hook_)
    shutdown_hook_();
  input_->close();
  host_->when_below(0, [this] { loop_.stop(); });
  loop_.after(farewell_grace, [this] { loop_.stop(); });
}

} // namespace leasehold::kit
