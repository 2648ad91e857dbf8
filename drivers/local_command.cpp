#include "drivers/local_command.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

namespace leasehold {

local_command::local_command(io_loop& loop, process_launcher& launcher,
                             local_limits limits, request what,
                             completion<command_result> then)
  : loop_{loop}, launcher_{launcher}, limits_{limits}, what_{std::move(what)},
    then_{std::move(then)}, stdout_{output_stream::out,
                                    output_buffer{limits.stdout_max}},
    stderr_{output_stream::err, output_buffer{limits.stderr_max}} {
  // nop
}

local_command::~local_command() {
  if (timer_)
    timer_->cancel();
  tell(failure{ec::outcome_unknown,
               "Nobody saw how \"" + what_.name + "\" ended."});
}

void local_command::start() {
  loop_.post([weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->launch();
  });
}

void local_command::cancel() {
  loop_.post([weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->stop(&command_result::cancelled);
  });
}

// Whoever holds the command ends it by letting go, so callbacks hold it weakly.
void local_command::launch() {
  auto weak = weak_from_this();
  process_events events;
  events.on_failure = [weak](failure why) {
    if (auto self = weak.lock())
      self->tell(std::move(why));
  };
  events.on_stdout = [weak](std::string_view bytes) {
    if (auto self = weak.lock())
      self->on_bytes(self->stdout_, bytes);
  };
  events.on_stderr = [weak](std::string_view bytes) {
    if (auto self = weak.lock())
      self->on_bytes(self->stderr_, bytes);
  };
  events.on_exit = [weak](exit_report report) {
    if (auto self = weak.lock())
      self->on_exit(report);
  };
  child_ = launcher_.start(std::move(what_.launch), std::move(events));
  child_->write(std::move(what_.stdin_text));
  child_->close_stdin();
  if (what_.timeout.count() == 0)
    return;
  // A clock that runs over would be a time-out at once.
  auto timeout
    = std::min<milliseconds>(what_.timeout, std::chrono::hours{24 * 365});
  timer_ = loop_.after(timeout, [weak] {
    if (auto self = weak.lock())
      self->stop(&command_result::timed_out);
  });
}

void local_command::on_bytes(output& from, std::string_view bytes) {
  auto text = from.decoder.feed(bytes);
  from.kept.append(text);
  pass_on(from, std::move(text));
}

void local_command::pass_on(output& from, std::string text) {
  // While the command is being ended nobody waits for a slow sink.
  if (!what_.sink || text.empty() || (blocked_ && stopping_))
    return;
  if (what_.sink->put({from.stream, std::move(text)}))
    return;
  blocked_ = true;
  if (!stopping_)
    child_->pause_output();
  wait_for_sink();
}

void local_command::wait_for_sink() {
  what_.sink->when_ready([weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self)
      return;
    self->loop_.post([weak] {
      if (auto strong = weak.lock()) {
        strong->blocked_ = false;
        strong->child_->resume_output();
      }
    });
  });
}

void local_command::stop(bool command_result::*why) {
  if (stopping_ || !child_)
    return;
  stopping_ = true;
  result_.*why = true;
  child_->signal(SIGTERM);
  child_->resume_output();
  if (timer_)
    timer_->cancel();
  timer_ = loop_.after(limits_.term_grace + limits_.guard_grace,
                       [weak = weak_from_this()] {
                         if (auto self = weak.lock())
                           self->child_->signal(SIGKILL);
                       });
}

void local_command::on_exit(exit_report report) {
  for (auto* from : {&stdout_, &stderr_}) {
    auto rest = from->decoder.finish();
    from->kept.append(rest);
    pass_on(*from, std::move(rest));
  }
  if (report.code < 0 && report.signal == 0)
    return tell(failure{ec::outcome_unknown,
                        "Nobody saw how \"" + what_.name + "\" ended.",
                        "The host collects the ends of its child processes."});
  if (report.signal != 0)
    result_.signal = signal_name(report.signal);
  else if (!stopping_)
    result_.exit_code = report.code;
  result_.stdout_text = stdout_.kept.text();
  result_.stderr_text = stderr_.kept.text();
  tell(std::move(result_));
}

void local_command::tell(result<command_result> outcome) {
  if (auto then = std::exchange(then_, nullptr))
    then(std::move(outcome));
}

} // namespace leasehold
