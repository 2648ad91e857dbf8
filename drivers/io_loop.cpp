#include "drivers/io_loop.hpp"

#include "drivers/io_loop_impl.hpp"

#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <utility>

namespace leasehold {

namespace {

/// Writing to a pipe that nobody reads raises SIGPIPE on the writing thread.
/// While this lives the thread keeps such signals to itself, so that the host
/// needs no handler.
class quiet_sigpipe {
public:
  quiet_sigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }

  quiet_sigpipe(const quiet_sigpipe&) = delete;

  quiet_sigpipe& operator=(const quiet_sigpipe&) = delete;

  ~quiet_sigpipe() {
    const timespec now{};
    while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {
      // nop
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

private:
  sigset_t pipe_{};
  sigset_t before_{};
};

/// Leaves all signals that can be put off to the host's own threads.
void leave_signals_to_host() {
  sigset_t all;
  sigfillset(&all);
  for (auto fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
    sigdelset(&all, fault);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

class loop_timer : public timer_handle,
                   public std::enable_shared_from_this<loop_timer> {
public:
  loop_timer(std::shared_ptr<loop_context> context, std::function<void()> what)
    : context_{std::move(context)}, timer_{*context_}, what_{std::move(what)} {
    // nop
  }

  void start(milliseconds delay) {
    timer_.expires_after(delay);
    timer_.async_wait([self = shared_from_this()](auto) { self->fire(); });
  }

  void cancel() override {
    if (!off_.exchange(true))
      context_->submit([self = shared_from_this()] { self->timer_.cancel(); });
  }

private:
  void fire() {
    auto what = std::move(what_);
    if (!off_.exchange(true))
      what();
  }

  std::shared_ptr<loop_context> context_;
  boost::asio::steady_timer timer_;
  std::function<void()> what_;
  std::atomic<bool> off_ = false;
};

} // namespace

io_loop::io_loop() : impl_{std::make_unique<impl>()} {
  // nop
}

io_loop::~io_loop() {
  stop();
  impl_->work.reset();
  impl_->context->close();
}

void io_loop::start() {
  std::lock_guard guard{impl_->mutex};
  if (impl_->thread.joinable())
    return;
  impl_->thread = std::thread{[this] {
    leave_signals_to_host();
    run();
  }};
}

void io_loop::run() {
  quiet_sigpipe quiet;
  impl_->context->run();
}

void io_loop::stop() {
  impl_->context->stop();
  std::lock_guard guard{impl_->mutex};
  if (impl_->thread.joinable()
      && impl_->thread.get_id() != std::this_thread::get_id())
    impl_->thread.join();
}

void io_loop::post(std::function<void()> what) {
  impl_->context->submit(std::move(what));
}

std::shared_ptr<timer_handle> io_loop::after(milliseconds delay,
                                             std::function<void()> what) {
  auto timer = std::make_shared<loop_timer>(impl_->context, std::move(what));
  timer->start(delay);
  return timer;
}

std::shared_ptr<input_handle>
io_loop::read(int descriptor, std::function<void(std::string_view)> on_bytes,
              std::function<void()> on_end) {
  auto reader = std::make_shared<stream_reader>(
    impl_->context, descriptor, std::move(on_bytes), std::move(on_end));
  reader->start();
  return reader;
}

} // namespace leasehold
