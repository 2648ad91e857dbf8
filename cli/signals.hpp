#pragma once

// Ctrl-C and its relatives as a request to stop, then as an order.

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

namespace leasehold::cli {

/// Makes writes to a pipe without reader fail instead of ending the program.
/// Programs that we start are not affected, as they would be if we ignored
/// the signal.
void survive_broken_pipes();

/// Takes SIGINT, SIGTERM and SIGHUP on a thread of its own while it lives,
/// except those that were being ignored. Make it before any other thread:
/// they all must inherit the blocked signals.
class interrupts {
public:
  /// Takes the number of the signal.
  using reaction = std::function<void(int)>;

  /// `first` is called at the first signal, `again` at every later one.
  interrupts(reaction first, reaction again);

  interrupts(const interrupts&) = delete;

  interrupts& operator=(const interrupts&) = delete;

  ~interrupts();

  /// The first signal, or 0.
  [[nodiscard]] int signal() const noexcept {
    return signal_;
  }

private:
  void watch();

  reaction first_;
  reaction again_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> ending_ = false;
  sigset_t watched_{};
  sigset_t previous_{};
  std::thread thread_;
};

} // namespace leasehold::cli
