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
    then_{std::move(then)}, output_{std::make_shared<command_output>(
                              loop, what_.sink, limits.stdout_max,
                              limits.stderr_max)} {
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
      self->output_->put(output_stream::out, bytes);
  };
  events.on_stderr = [weak](std::string_view bytes) {
    if (auto self = weak.lock())
      self->output_->put(output_stream::err, bytes);
  };
  events.on_exit = [weak](exit_report report) {
    if (auto self = weak.lock())
      self->on_exit(report);
  };
  child_ = launcher_.start(std::move(what_.launch), std::move(events));
  output_->belongs_to(child_);
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

void local_command::stop(bool command_result::*why) {
  if (stopping_ || !child_)
    return;
  stopping_ = true;
  result_.*why = true;
  child_->signal(SIGTERM);
  output_->let_go();
  if (timer_)
    timer_->cancel();
  timer_ = loop_.after(limits_.term_grace + limits_.guard_grace,
                       [weak = weak_from_this()] {
                         if (auto self = weak.lock())
                           self->child_->signal(SIGKILL);
                       });
}

void local_command::on_exit(exit_report report) {
  output_->finish();
  if (report.code < 0 && report.signal == 0)
    return tell(failure{ec::outcome_unknown,
                        "Nobody saw how \"" + what_.name + "\" ended.",
                        "The host collects the ends of its child processes."});
  if (report.signal != 0)
    result_.signal = signal_name(report.signal);
  else if (!stopping_)
    result_.exit_code = report.code;
  result_.stdout_text = output_->text(output_stream::out);
  result_.stderr_text = output_->text(output_stream::err);
  tell(std::move(result_));
}

void local_command::tell(result<command_result> outcome) {
  if (auto then = std::exchange(then_, nullptr))
    then(std::move(outcome));
}

} // namespace leasehold
