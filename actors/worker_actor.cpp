#include "actors/worker_actor.hpp"

#include "actors/mail.hpp"
#include "drivers/host_methods.hpp"
#include "messages/json.hpp"
#include "messages/mutation.hpp"

#include <csignal>

namespace leasehold {

namespace {

constexpr size_t stderr_max = 8'000;

/// How long a worker may live on without its standard output.
constexpr milliseconds exit_grace{1'000};

failure exit_failure(const process_exited& how, const std::string& words) {
  auto code = how.code >= 0 ? std::to_string(how.code) : std::string{"null"};
  auto signal = how.signal ? signal_name(how.signal) : std::string{"null"};
  return {ec::worker_lost,
          "Worker process exited (code=" + code + ", signal=" + signal + ")",
          words};
}

} // namespace

worker_state::worker_state(worker_actor::pointer self,
                           supervisor_actor supervisor, plugin_row plugin,
                           uint64_t incarnation, process_launcher& launcher,
                           services_ptr with, worker_options options)
  : self_{self}, supervisor_{std::move(supervisor)}, plugin_{std::move(plugin)},
    incarnation_{incarnation}, launcher_{launcher}, with_{std::move(with)},
    options_{std::move(options)}, queue_{options_.queue_max},
    asking_{plugin_.id, rpc::capabilities_of(plugin_.manifest)} {
  // nop
}

// -- messages to events -------------------------------------------------------

worker_actor::behavior_type worker_state::make_behavior() {
  process_
    = std::make_unique<worker_process>(worker_actor{self_}, launcher_, plugin_,
                                       options_.host_env, options_.line_max);
  return {
    [this](call_worker& what) { take(what); },
    [this](stop_worker what) {
      auto busy = !in_flight_.empty() || !queue_.empty();
      if (what.when_idle)
        on(worker_event::relief_asked{busy});
      else
        on(worker_event::stop_asked{busy});
    },
    [this](const secret_resolved& what) { on_secret(what); },
    [this](const process_started& what) {
      log(log_rank::info, "started, pid " + std::to_string(what.pid));
      on(worker_event::started{});
    },
    [this](const process_not_started& what) {
      on(worker_event::not_started{what.why});
    },
    [this](const process_lines& what) {
      for (const auto& line : what.texts) {
        process_->handled(line.size());
        read(line);
      }
    },
    [this](const process_overlong_line& what) { on_overlong(what); },
    [this](const process_stderr& what) { on_stderr(what.text); },
    [this](process_closed_stdout) {
      // Usually its exit is on the way.
      closing_ = after(self_, exit_grace, [this] {
        on(worker_event::condemned{
          {ec::worker_lost,
           "The worker closed its standard output and can answer nobody.",
           stderr_words()}});
      });
    },
    [this](const process_exited& what) {
      on(worker_event::exited{exit_failure(what, stderr_words())});
    },
  };
}

void worker_state::on(const worker_event::any& what) {
  auto before = now_.phase;
  auto [next, effects] = step(now_, what);
  now_ = std::move(next);
  if (now_.phase != before) {
    deadline_.dispose();
    if (with_->observe)
      with_->observe(
        {"worker", plugin_.key, to_string(before), to_string(now_.phase), {}});
  }
  for (const auto& wish : effects)
    std::visit([this](const auto& x) { perform(x); }, wish);
}

// -- effects to messages ------------------------------------------------------

void worker_state::perform(const worker_effect::initialize&) {
  auto params = rpc::initialize_params(plugin_.manifest, with_->self.value,
                                       options_.host_version);
  auto prefix = "Worker initialize failed for \"" + plugin_.id.value + "\": ";
  auto fail = [this, prefix](failure why) {
    why.message = prefix + why.message;
    why.detail = stderr_words();
    why.code = ec::worker_lost;
    on(worker_event::initialize_failed{std::move(why)});
  };
  ask_process("initialize", std::move(params), options_.initialize_timeout,
              [this, fail](result<json_text> answer) {
                if (!answer)
                  return fail(answer.error());
                auto methods = rpc::parse_initialized(*answer);
                if (!methods)
                  return fail(methods.error());
                supported_methods_ = std::move(*methods);
                on(worker_event::initialized{});
              });
}

void worker_state::perform(const worker_effect::arm_deadline&) {
  auto time = [this] {
    switch (now_.phase) {
      case worker_phase::ready:
        return options_.relief_patience;
      case worker_phase::draining:
        return options_.drain_timeout;
      case worker_phase::asking:
        return options_.shutdown_timeout;
      case worker_phase::terminating:
        return options_.terminate_timeout;
      default:
        return options_.kill_timeout;
    }
  }();
  deadline_ = after(self_, time, [this] { on(worker_event::deadline{}); });
}

void worker_state::perform(const worker_effect::announce_ready&) {
  tell(self_, supervisor_,
       worker_is_ready{plugin_.id, incarnation_, supported_methods_});
  health_ = after(self_, options_.health_interval, [this] { check_health(); });
  send_config();
  send_next();
}

void worker_state::perform(const worker_effect::ask_to_exit&) {
  health_.dispose();
  ask_process("shutdown", json_text{}, options_.shutdown_timeout,
              [this](result<json_text>) { process_->close_stdin(); });
}

void worker_state::perform(const worker_effect::send_signal& wish) {
  process_->signal(wish.number);
}

void worker_state::perform(const worker_effect::fail_calls& wish) {
  auto lost = std::exchange(in_flight_, {});
  by_invocation_.clear();
  for (auto& [id, call] : lost) {
    call.deadline.dispose();
    if (mutated(mutation::lost_calls_succeed))
      call.what.then(json_text{});
    else
      call.what.then(wish.why);
  }
  // Nobody has seen these.
  while (auto call = queue_.pop())
    call->then(failure{ec::worker_not_ready,
                       "The worker was lost before it got this call: "
                         + wish.why.message,
                       wish.why.detail});
}

void worker_state::perform(const worker_effect::leave& wish) {
  health_.dispose();
  deadline_.dispose();
  closing_.dispose();
  on_stderr(stderr_line_.empty() ? "" : "\n");
  log(wish.expected ? log_rank::info : log_rank::warning,
      wish.expected ? "stopped" : wish.why.message);
  // What the supervisor passed on before it knew is handed back first.
  ask(
    self_, supervisor_, caf::infinite,
    worker_is_gone{plugin_.id, incarnation_, wish.expected, wish.why},
    [this] { self_->quit(); }, [this](const caf::error&) { self_->quit(); });
  for (auto& call : std::exchange(for_successor_, {}))
    tell(self_, supervisor_, std::move(call));
}

void worker_state::check_health() {
  ask_process("health", json_text{}, options_.health_interval,
              [this](const result<json_text>& answer) {
                // Any answer at all shows that it is alive.
                if (answer || answer.error().code != ec::call_timed_out)
                  on(worker_event::healthy{});
                else
                  on(worker_event::health_missed{});
                if (answer)
                  note_health(*answer);
              });
  health_ = after(self_, options_.health_interval, [this] { check_health(); });
}

void worker_state::note_health(const json_text& answer) {
  auto status = text_member(answer, "status");
  if (status == health_status_ || status.empty())
    return;
  auto well = status == "ok";
  auto words = text_member(answer, "message");
  // Nobody needs to know of one that has always been well.
  if (!well || !health_status_.empty())
    log(well ? log_rank::info : log_rank::warning,
        "health: " + status + (words.empty() ? "" : ", " + words));
  health_status_ = status;
}

std::string worker_state::stderr_words() const {
  return stderr_tail_.empty() ? std::string{}
                              : "Worker stderr:\n" + hide_.text(stderr_tail_);
}

void worker_state::on_stderr(const std::string& text) {
  stderr_tail_ += text;
  if (stderr_tail_.size() > stderr_max)
    stderr_tail_.erase(0, stderr_tail_.size() - stderr_max);
  stderr_line_ += text;
  for (;;) {
    auto end = stderr_line_.find('\n');
    if (end == std::string::npos && stderr_line_.size() < stderr_max)
      return;
    log(log_rank::info, "[plugin stderr] " + stderr_line_.substr(0, end));
    stderr_line_.erase(0, end == std::string::npos ? end : end + 1);
  }
}

void worker_state::learn(const worker_call& call) {
  if (!call.secrets)
    return;
  auto before = secrets_.size();
  secrets_.insert(call.secrets->begin(), call.secrets->end());
  if (secrets_.size() > before)
    hide_ = scrubber{{secrets_.begin(), secrets_.end()}};
}

void worker_state::log(log_rank rank, const std::string& what) const {
  if (with_->log)
    with_->log(rank, "worker " + plugin_.key + ": " + hide_.text(what));
}

} // namespace leasehold
