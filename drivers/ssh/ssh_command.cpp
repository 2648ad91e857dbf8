#include "drivers/ssh/ssh_command.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <utility>

namespace leasehold::ssh {

namespace {

std::string make_nonce() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device dice;
  std::string out;
  for (auto i = 0; i < 32; ++i)
    out += digits[dice() % digits.size()];
  return out;
}

} // namespace

ssh_command::ssh_command(io_loop& loop, process_launcher& launcher,
                         command_limits limits, request what,
                         completion<command_result> then)
  : loop_{loop}, launcher_{launcher}, limits_{limits}, what_{std::move(what)},
    then_{std::move(then)}, nonce_{make_nonce()},
    out_marks_{ready_mark(nonce_), {}}, err_marks_{ready_mark(nonce_),
                                                   end_mark(nonce_)},
    output_{std::make_shared<command_output>(
      loop, what_.sink, limits.stdout_max, limits.stderr_max)} {
  // nop
}

ssh_command::~ssh_command() {
  if (timer_)
    timer_->cancel();
  tell(failure{ec::outcome_unknown,
               "Nobody saw how \"" + what_.name + "\" ended."});
}

void ssh_command::start(result<std::shared_ptr<session>> on) {
  loop_.post([weak = weak_from_this(), on = std::move(on)]() mutable {
    if (auto self = weak.lock())
      self->launch(std::move(on));
  });
}

void ssh_command::cancel() {
  loop_.post([weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->stop(&command_result::cancelled);
  });
}

// Whoever holds the command ends it by letting go, so callbacks hold it weakly.
void ssh_command::launch(result<std::shared_ptr<session>> on) {
  if (stopping_)
    return tell(std::move(result_));
  if (!on)
    return tell(on.error());
  session_ = std::move(*on);
  auto weak = weak_from_this();
  process_events events;
  events.on_failure = [weak](failure why) {
    if (auto self = weak.lock())
      self->tell(std::move(why));
  };
  events.on_stdout = [weak](std::string_view bytes) {
    if (auto self = weak.lock())
      self->on_bytes(output_stream::out, bytes);
  };
  events.on_stderr = [weak](std::string_view bytes) {
    if (auto self = weak.lock())
      self->on_bytes(output_stream::err, bytes);
  };
  events.on_exit = [weak](exit_report) {
    if (auto self = weak.lock())
      self->on_exit();
  };
  client_
    = launcher_.start(session_->launch(bootstrap(nonce_)), std::move(events));
  output_->belongs_to(client_);
  if (what_.timeout.count() == 0 || timer_)
    return;
  // A clock that runs over would be a time-out at once.
  auto timeout
    = std::min<milliseconds>(what_.timeout, std::chrono::hours{24 * 365});
  timer_ = loop_.after(timeout, [weak] {
    if (auto self = weak.lock())
      self->stop(&command_result::timed_out);
  });
}

void ssh_command::on_bytes(output_stream stream, std::string_view bytes) {
  auto& marks = stream == output_stream::out ? out_marks_ : err_marks_;
  auto ended = err_marks_.ending().has_value();
  output_->put(stream, marks.feed(bytes));
  if (!sent_ && out_marks_.begun() && err_marks_.begun())
    send_job();
  if (!ended && err_marks_.ending())
    on_ending();
  else if (ended)
    arm(limits_.linger_grace, &ssh_command::on_silence);
}

void ssh_command::send_job() {
  sent_ = true;
  client_->write(header(what_.job, nonce_));
  what_.job.env.clear();
  what_.job.stdin_text.clear();
}

void ssh_command::on_ending() {
  client_->close_stdin();
  arm(limits_.linger_grace, &ssh_command::on_silence);
}

void ssh_command::on_silence() {
  if (output_->blocked() && !stopping_)
    return arm(limits_.linger_grace, &ssh_command::on_silence);
  kill_client();
}

void ssh_command::stop(bool command_result::*why) {
  if (stopping_ || err_marks_.ending())
    return;
  stopping_ = true;
  result_.*why = true;
  if (!client_)
    return;
  output_->let_go();
  // What has not been handed over whole does not run.
  cut_short_ = !sent_ || client_->unwritten() > 0;
  if (cut_short_)
    return kill_client();
  client_->close_stdin();
  arm(limits_.term_grace + limits_.answer_grace, &ssh_command::kill_client);
}

void ssh_command::on_exit() {
  output_->put(output_stream::out, out_marks_.finish());
  output_->put(output_stream::err, err_marks_.finish());
  if (!sent_)
    session_->distrust();
  session_.reset();
  if (!sent_ && !stopping_ && what_.reconnect) {
    // Nothing has run.
    out_marks_ = {ready_mark(nonce_), {}};
    err_marks_ = {ready_mark(nonce_), end_mark(nonce_)};
    return std::exchange(what_.reconnect, nullptr)();
  }
  output_->finish();
  tell(outcome());
}

result<command_result> ssh_command::outcome() {
  result_.stdout_text = output_->text(output_stream::out);
  result_.stderr_text = output_->text(output_stream::err);
  using kind = remote_end::kind;
  if (cut_short_)
    return std::move(result_);
  if (!sent_) {
    return failure{ec::command_not_started,
                   "\"" + what_.name
                     + "\" was not started: the SSH host gave "
                       "it no shell.",
                   to_utf8(err_marks_.noise())};
  }
  auto end
    = err_marks_.ending() ? parse_end(*err_marks_.ending()) : std::nullopt;
  if (!end)
    return failure{ec::outcome_unknown,
                   "The SSH connection ended before \"" + what_.name
                     + "\" did; nobody saw how it ended.",
                   result_.stderr_text};
  if (end->how == kind::no_folder)
    return failure{ec::command_not_started,
                   "The working directory \"" + what_.job.cwd
                     + "\" does not exist on the SSH host."};
  if (end->how == kind::not_run && !stopping_)
    return failure{ec::command_not_started,
                   "The SSH host could not start \"" + what_.name + "\".",
                   result_.stderr_text};
  if (end->how == kind::signalled)
    result_.signal = end->signal;
  else if (end->how == kind::exited && !stopping_)
    result_.exit_code = end->code;
  return std::move(result_);
}

void ssh_command::arm(milliseconds delay, void (ssh_command::*what)()) {
  if (timer_)
    timer_->cancel();
  timer_ = loop_.after(delay, [weak = weak_from_this(), what] {
    if (auto self = weak.lock())
      (*self.*what)();
  });
}

void ssh_command::kill_client() {
  client_->signal(SIGKILL);
}

void ssh_command::tell(result<command_result> outcome) {
  if (auto then = std::exchange(then_, nullptr))
    then(std::move(outcome));
}

} // namespace leasehold::ssh
