#pragma once

// Slow work beside the loop.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace leasehold {

class io_loop;

/// A thread that does one job after the other.
class background {
public:
  /// What a job wants done on the loop's thread when it is through.
  using follow_up = std::function<void()>;

  explicit background(io_loop& loop);

  background(const background&) = delete;

  background& operator=(const background&) = delete;

  /// Waits for the job that runs; those that wait are dropped.
  ~background();

  /// Queues a job. Thread-safe.
  void run(std::function<follow_up()> job);

private:
  void work();

  io_loop& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<follow_up()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace leasehold
