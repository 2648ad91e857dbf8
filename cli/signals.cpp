// Ctrl-C and its relatives as a request to stop, then as an order.

#include "cli/signals.hpp"

#include <pthread.h>

#include <utility>

namespace leasehold::cli {

namespace {

/// Whether whoever started us wants us not to hear of it, as nohup(1) does.
bool is_ignored(int number) {
  struct sigaction now {};
  return sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

} // namespace

void survive_broken_pipes() {
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};
  nothing.sa_flags = SA_RESTART;
  sigaction(SIGPIPE, &nothing, nullptr);
}

interrupts::interrupts(reaction first, reaction again)
  : first_{std::move(first)}, again_{std::move(again)} {
  sigemptyset(&watched_);
  sigaddset(&watched_, SIGTERM); // always: it also ends our thread
  for (auto number : {SIGINT, SIGHUP})
    if (!is_ignored(number))
      sigaddset(&watched_, number);
  pthread_sigmask(SIG_BLOCK, &watched_, &previous_);
  thread_ = std::thread{[this] { watch(); }};
}

interrupts::~interrupts() {
  ending_ = true;
  // It is blocked there and only ends the wait.
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread)
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void interrupts::watch() {
  for (;;) {
    auto number = 0;
    if (sigwait(&watched_, &number) != 0)
      continue;
    if (ending_)
      return;
    if (signal_ != 0) {
      again_(number);
      continue;
    }
    signal_ = number;
    first_(number);
  }
}

} // namespace leasehold::cli
