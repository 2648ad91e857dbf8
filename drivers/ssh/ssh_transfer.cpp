#include "drivers/ssh/ssh_transfer.hpp"

#include "drivers/utf8.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace leasehold::ssh {

namespace {

/// How much of what a host says is kept for a message.
constexpr size_t kept_max = 8'192;

/// Runs the first `$1` words that follow, piped into the rest; prints how each
/// of them ended.
constexpr auto pipeline = R"sh(
count=$1
shift
exec 3>&1
{
  n=0
  for word in "$@"; do
    [ "$n" -lt "$count" ] || break
    n=$((n + 1))
    [ "$n" -eq 1 ] && set --
    set -- "$@" "$word"
  done
  "$@" 3>&-
  echo "producer $?" >&3
} | {
  shift "$count"
  "$@" >/dev/null 3>&-
  echo "consumer $?" >&3
}
)sh";

void append(std::string& to, std::string_view bytes) {
  to.append(bytes.substr(0, kept_max - std::min(kept_max, to.size())));
}

} // namespace

ssh_transfer::ssh_transfer(io_loop& loop, process_launcher& launcher,
                           request what, completion<> then)
  : loop_{loop}, launcher_{launcher}, what_{std::move(what)}, then_{std::move(
                                                                then)} {
  // nop
}

ssh_transfer::~ssh_transfer() {
  tell(failure{ec::outcome_unknown,
               "Nobody saw how a transfer to an SSH host ended."});
}

void ssh_transfer::start(result<std::shared_ptr<session>> on) {
  loop_.post([weak = weak_from_this(), on = std::move(on)]() mutable {
    if (auto self = weak.lock())
      self->launch(std::move(on));
  });
}

void ssh_transfer::cancel() {
  loop_.post([weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self)
      return;
    self->stopping_ = true;
    if (self->child_)
      self->child_->signal(SIGKILL);
  });
}

void ssh_transfer::launch(result<std::shared_ptr<session>> on) {
  if (stopping_)
    return tell(failure{ec::cancelled, "The transfer was called off."});
  if (!on)
    return tell(on.error());
  session_ = std::move(*on);
  auto launch = session_->launch(what_.consumer);
  std::vector<std::string> argv{"sh", "-c", pipeline, "sh",
                                std::to_string(what_.producer.size())};
  argv.insert(argv.end(), what_.producer.begin(), what_.producer.end());
  argv.insert(argv.end(), launch.argv.begin(), launch.argv.end());
  launch.argv = std::move(argv);
  auto weak = weak_from_this();
  process_events events;
  events.on_failure = [weak](failure why) {
    if (auto self = weak.lock())
      self->tell(std::move(why));
  };
  events.on_stdout = [weak](std::string_view bytes) {
    if (auto self = weak.lock())
      append(self->statuses_, bytes);
  };
  events.on_stderr = [weak](std::string_view bytes) {
    if (auto self = weak.lock())
      append(self->words_, bytes);
  };
  events.on_exit = [weak](exit_report) {
    if (auto self = weak.lock())
      self->on_exit();
  };
  child_ = launcher_.start(std::move(launch), std::move(events));
  child_->write(std::move(what_.input));
  child_->close_stdin();
}

void ssh_transfer::on_exit() {
  session_.reset();
  if (stopping_)
    return tell(failure{ec::cancelled, "The transfer was called off."});
  auto says = [this](std::string_view text) {
    return statuses_.find(text) != std::string::npos;
  };
  // tar ends with 1 if a file changed while it was read; it is sent again next
  // time.
  if (says("consumer 0\n") && (says("producer 0\n") || says("producer 1\n")))
    return tell(done{});
  tell(failure{ec::provider_refused, "Files could not be sent to the SSH host.",
               to_utf8(words_), acted::unknown});
}

void ssh_transfer::tell(result<> outcome) {
  if (auto then = std::exchange(then_, nullptr))
    then(std::move(outcome));
}

} // namespace leasehold::ssh
