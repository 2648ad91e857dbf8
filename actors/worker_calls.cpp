// The calls of a WORKER: who is sent, who waits, who is answered. The rest of
// the actor is in worker_actor.cpp and worker_requests.cpp.

#include "actors/mail.hpp"
#include "actors/worker_actor.hpp"

namespace leasehold {

namespace {

/// Timed-out calls that may still be told of their late answer.
constexpr size_t overdue_max = 1'024;

failure timeout_failure(const std::string& method, milliseconds after) {
  return {ec::call_timed_out,
          "RPC call \"" + method + "\" timed out after "
            + std::to_string(after.count()) + "ms",
          {}};
}

} // namespace

void worker_state::take(call_worker& what) {
  // The supervisor learns of the end before it gets this back.
  if (now_.phase == worker_phase::gone)
    return tell(self_, supervisor_, std::move(what));
  if (now_.phase > worker_phase::ready && what.wait)
    return for_successor_.push_back(std::move(what));
  if (now_.phase > worker_phase::ready) {
    auto words = "Cannot call \"" + what.call.method + "\" — worker for \""
                 + plugin_.id.value + "\" is " + to_string(now_.phase);
    return what.then(failure{ec::worker_not_ready, std::move(words), {}});
  }
  if (now_.phase == worker_phase::ready
      && in_flight_.size() < options_.calls_max)
    return send(std::move(what));
  auto company = what.call.company;
  // Not always this call: a company that floods the queue makes room.
  if (auto refused = queue_.push(company, std::move(what)))
    refused->then(failure{ec::overloaded,
                          "The worker of plugin \"" + plugin_.key + "\" has "
                            + std::to_string(options_.queue_max)
                            + " calls waiting already; try again later.",
                          {}});
}

void worker_state::send(call_worker what) {
  auto id = ++last_id_;
  auto timeout
    = what.call.timeout.count() > 0 ? what.call.timeout : options_.call_timeout;
  learn(what.call);
  pending call;
  std::optional<rpc::invocation> scope;
  if (!what.call.company.empty()) {
    scope = rpc::invocation{with_->make_id(), what.call.company.value};
    call.invocation = scope->id;
    by_invocation_.emplace(scope->id, id);
  }
  say(rpc::encode_request(id, what.call.method, what.call.params, scope));
  // The texts are on their way; only the answer matters from now on.
  what.call.params = json_text{};
  what.call.timeout = timeout;
  call.output = live_output{std::move(what.call.output)};
  call.what = std::move(what);
  call.deadline = after(self_, timeout, [this, id] { on_timeout(id); });
  in_flight_.emplace(id, std::move(call));
}

void worker_state::say(std::string_view line) {
  // What is said while this mailbox is worked off goes out together.
  if (process_->send(line))
    after_mail(self_, [this] { process_->flush(); });
}

void worker_state::send_next() {
  while (takes_calls(now_.phase) && in_flight_.size() < options_.calls_max) {
    auto call = queue_.pop();
    if (!call)
      return;
    send(std::move(*call));
  }
}

void worker_state::on_timeout(int64_t id) {
  auto call = in_flight_.extract(id);
  if (!call)
    return;
  auto& what = call.mapped().what;
  by_invocation_.erase(call.mapped().invocation);
  overdue_.emplace_back(id, std::move(what.call.late));
  if (overdue_.size() > overdue_max)
    overdue_.pop_front();
  what.then(timeout_failure(what.call.method, what.call.timeout));
  send_next();
  check_idle();
}

void worker_state::check_idle() {
  if (in_flight_.empty() && queue_.empty())
    on(worker_event::idle{});
}

void worker_state::ask_process(const char* method, json_text params,
                               milliseconds timeout,
                               completion<json_text> then) {
  call_worker what;
  what.call.method = method;
  what.call.params = std::move(params);
  what.call.timeout = timeout;
  what.then = std::move(then);
  send(std::move(what));
}

// -- what the process says ----------------------------------------------------

void worker_state::read(const std::string& line) {
  auto what = rpc::parse_line(line);
  if (auto* junk = std::get_if<rpc::garbage>(&what))
    junk->why += ": " + line.substr(0, 200);
  std::visit([this](auto& x) { read(x); }, what);
}

void worker_state::on_overlong(const process_overlong_line& what) {
  auto words = "The worker sent a line of " + std::to_string(what.bytes)
               + " bytes; " + std::to_string(options_.line_max)
               + " is the limit.";
  log(log_rank::warning, words);
  auto id = rpc::response_id_of(what.head);
  auto call = in_flight_.extract(id.value_or(0));
  if (!call)
    return;
  call.mapped().deadline.dispose();
  by_invocation_.erase(call.mapped().invocation);
  call.mapped().what.then(failure{ec::too_large, words, {}, acted::yes});
  send_next();
  check_idle();
}

void worker_state::read(rpc::response& what) {
  auto call = in_flight_.extract(what.id);
  if (call) {
    call.mapped().deadline.dispose();
    by_invocation_.erase(call.mapped().invocation);
    auto& origin = call.mapped().what;
    if (what.error_code)
      origin.then(hide_.error(rpc::failure_of(origin.call.method, what)));
    else
      origin.then(cleaned(origin.call.method, std::move(what.result)));
    send_next();
    return check_idle();
  }
  for (auto i = overdue_.begin(); i != overdue_.end(); ++i) {
    if (i->first != what.id)
      continue;
    auto late = std::move(i->second);
    overdue_.erase(i);
    if (late && !what.error_code)
      late(std::move(what.result));
    return;
  }
  log(log_rank::warning,
      "received response for unknown request id " + std::to_string(what.id));
}

void worker_state::read(rpc::notification& what) {
  if (what.method == "log") {
    if (auto line = rpc::parse_log_line(what.params); !line.empty())
      log(log_rank::info, line);
    return;
  }
  if (what.method != "execute.log")
    return log(log_rank::debug, "ignored notification " + what.method);
  auto id = by_invocation_.find(what.invocation);
  auto chunk = rpc::parse_log_chunk(what.params);
  if (id == by_invocation_.end() || !chunk)
    return log(log_rank::debug, "dropped an execute.log of no running command");
  auto stream = chunk->is_stderr ? output_stream::err : output_stream::out;
  in_flight_.at(id->second).output.put({stream, std::move(chunk->text)});
}

void worker_state::read(rpc::garbage& what) {
  log(log_rank::warning, "unparseable message from worker: " + what.why);
}

} // namespace leasehold
