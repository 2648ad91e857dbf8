#pragma once

// One thread that waits for descriptors and timers.

#include "messages/values.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace leasehold {

/// A timer that can be called off. Forgetting it does not call it off.
class timer_handle {
public:
  virtual ~timer_handle() = default;

  /// Calls the timer off. Thread-safe; harmless once it has fired.
  virtual void cancel() = 0;
};

/// Reads a descriptor until it ends.
class input_handle {
public:
  virtual ~input_handle() = default;

  /// Reads no more until `resume`. Thread-safe.
  virtual void pause() = 0;

  virtual void resume() = 0;

  /// Closes the descriptor; nothing is reported any more.
  virtual void close() = 0;
};

/// An event loop for everything that waits on a descriptor, on one long-lived
/// thread: its own (`start`) or the caller's (`run`). Everything that it calls,
/// it calls on that thread. What it hands out may outlive it and does nothing
/// then. Must not be destroyed on its own thread.
class io_loop {
public:
  io_loop();

  /// Stops and joins.
  ~io_loop();

  io_loop(const io_loop&) = delete;

  io_loop& operator=(const io_loop&) = delete;

  /// Runs the loop on a thread of its own.
  void start();

  /// Runs the loop on this thread until `stop`.
  void run();

  /// Makes `run` return, or ends and joins the thread. Idempotent; thread-safe,
  /// but from the loop's own thread it does not join.
  void stop();

  /// Calls `what` on the loop's thread. Thread-safe.
  void post(std::function<void()> what);

  /// Calls `what` on the loop's thread after `delay`. Thread-safe.
  std::shared_ptr<timer_handle> after(milliseconds delay,
                                      std::function<void()> what);

  /// Takes over `descriptor` and reads it: `on_bytes` for every piece of at
  /// most 64 KiB, then `on_end` once. Loop thread only.
  std::shared_ptr<input_handle>
  read(int descriptor, std::function<void(std::string_view)> on_bytes,
       std::function<void()> on_end);

  /// What `child_process.cpp` needs to know and nobody else.
  struct impl;

  [[nodiscard]] impl& internals() noexcept {
    return *impl_;
  }

private:
  std::unique_ptr<impl> impl_;
};

} // namespace leasehold
