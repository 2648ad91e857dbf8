#include "drivers/running_process.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

namespace leasehold {

namespace {

namespace asio = boost::asio;

using boost::system::error_code;

/// How long descendants may hold an ended child's output open.
constexpr auto linger_grace = std::chrono::milliseconds{500};

/// How long an abandoned child may take to end before it is killed.
constexpr auto abandon_grace = std::chrono::milliseconds{5'000};

/// What is still read of an output when that time is over.
constexpr auto linger_bytes_max = size_t{1} << 20;

} // namespace

running_process::running_process(std::shared_ptr<loop_context> context,
                                 int abandon_signal, process_events tell)
  : context_{std::move(context)},
    abandon_signal_{abandon_signal}, tell_{std::move(tell)}, watch_{*context_},
    linger_{*context_}, stdin_{std::make_shared<stream_writer>(context_)} {
  // nop
}

running_process::~running_process() {
  if (pid_ < 0 || reaped_)
    return;
  signal(abandon_signal_);
  pollfd wait{watch_.native_handle(), POLLIN, 0};
  if (::poll(&wait, 1, static_cast<int>(abandon_grace.count())) != 1)
    signal(SIGKILL);
  while (!collect(0) && errno == EINTR) {
    // nop
  }
}

void running_process::start(result<spawned> child) {
  if (!child) {
    stdin_->close();
    auto tell = std::move(tell_);
    tell_ = {};
    if (tell.on_failure)
      tell.on_failure(child.error());
    return;
  }
  watch_.assign(child->watch.release());
  stdin_->open(child->in.release());
  {
    std::lock_guard guard{mutex_};
    pid_ = child->pid;
    stdout_ = read(std::move(child->out), tell_.on_stdout, tell_.on_stdout_end);
    stderr_ = read(std::move(child->err), tell_.on_stderr, {});
    for (auto& from : {stdout_, stderr_})
      paused_ ? from->pause() : from->start();
  }
  watch();
  if (abandoned_)
    signal(abandon_signal_);
  else if (tell_.on_start)
    tell_.on_start(child->pid);
}

void running_process::abandon() {
  abandoned_ = true;
  signal(abandon_signal_);
  context_->submit([self = shared_from_this()] { self->drop(); });
}

void running_process::write(std::string bytes) {
  stdin_->write_now(std::move(bytes));
}

void running_process::close_stdin() {
  stdin_->finish();
}

size_t running_process::unwritten() const {
  return stdin_->unwritten();
}

void running_process::signal(int number) {
  std::lock_guard guard{mutex_};
  if (reaped_)
    return;
  if (pid_ < 0) {
    // Not started yet: the start is queued before this.
    context_->submit([weak = weak_from_this(), number] {
      if (auto self = weak.lock(); self && self->pid_ > 0)
        self->signal(number);
    });
    return;
  }
  if (::getpgid(pid_) != pid_)
    ::syscall(SYS_pidfd_send_signal, watch_.native_handle(), number, nullptr,
              0u);
  ::kill(-pid_, number);
}

void running_process::pause_output() {
  std::lock_guard guard{mutex_};
  paused_ = true;
  for (auto& from : {stdout_, stderr_})
    if (from)
      from->pause();
}

void running_process::resume_output() {
  std::lock_guard guard{mutex_};
  if (!std::exchange(paused_, false))
    return;
  for (auto& from : {stdout_, stderr_})
    if (from)
      from->resume();
  context_->submit([self = shared_from_this()] {
    if (self->lingered_)
      self->linger();
  });
}

std::shared_ptr<stream_reader>
running_process::read(unique_fd from,
                      std::function<void(std::string_view)> tell,
                      std::function<void()> tell_end) {
  auto on_bytes = [self = weak_from_this(), tell = std::move(tell)](auto x) {
    if (auto strong = self.lock(); strong && !strong->abandoned_ && tell)
      tell(x);
  };
  auto on_end = [self = weak_from_this(), tell = std::move(tell_end)] {
    if (auto strong = self.lock())
      strong->on_output_end(tell);
  };
  return std::make_shared<stream_reader>(
    context_, from.release(), std::move(on_bytes), std::move(on_end));
}

void running_process::watch() {
  watch_.async_wait(asio::posix::descriptor_base::wait_read,
                    [self = shared_from_this()](const error_code& error) {
                      if (error)
                        return;
                      if (self->collect(WNOHANG))
                        self->on_reaped();
                      else
                        self->watch();
                    });
}

bool running_process::collect(int flags) {
  constexpr auto by_pidfd = static_cast<idtype_t>(3); // P_PIDFD
  std::lock_guard guard{mutex_};
  siginfo_t info{};
  auto id = static_cast<id_t>(watch_.native_handle());
  if (::waitid(by_pidfd, id, &info, WEXITED | flags) != 0) {
    // Somebody else has reaped it: nobody will tell how it ended.
    reaped_ = errno == ECHILD;
    return reaped_;
  }
  if (info.si_pid == 0)
    return false;
  reaped_ = true;
  if (info.si_code == CLD_EXITED)
    report_.code = info.si_status;
  else
    report_.signal = info.si_status;
  return true;
}

void running_process::on_reaped() {
  stdin_->close();
  error_code ignored;
  watch_.close(ignored);
  linger_.cancel();
  if (abandoned_)
    return;
  if (open_outputs_ > 0)
    linger();
  finish_if_done();
}

void running_process::linger() {
  lingered_ = false;
  linger_.expires_after(linger_grace);
  linger_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error)
      self->on_lingered();
  });
}

void running_process::on_lingered() {
  for (auto& from : {stdout_, stderr_})
    from->drain(linger_bytes_max);
  {
    std::lock_guard guard{mutex_};
    lingered_ = paused_;
  }
  if (!lingered_)
    finish();
}

void running_process::on_output_end(const std::function<void()>& tell) {
  --open_outputs_;
  if (tell && !abandoned_)
    tell();
  finish_if_done();
}

void running_process::finish_if_done() {
  if (reaped_ && open_outputs_ == 0)
    finish();
}

void running_process::finish() {
  linger_.cancel();
  for (auto& from : {stdout_, stderr_})
    from->close();
  auto tell = std::move(tell_.on_exit);
  tell_ = {};
  if (tell && !abandoned_)
    tell(report_);
}

void running_process::drop() {
  tell_ = {};
  stdin_->close();
  for (auto& from : {stdout_, stderr_})
    if (from)
      from->close();
  linger_.cancel();
  if (reaped_)
    return;
  linger_.expires_after(abandon_grace);
  linger_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error)
      self->signal(SIGKILL);
  });
}

} // namespace leasehold
