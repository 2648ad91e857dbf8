#pragma once

// What waits to be written, between the STORE and the thread that writes.

#include "messages/store.hpp"

#include <cstddef>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace leasehold {

/// First come, first written. Whoever writes takes all that waits as soon as it
/// is free: no commit waits for the turn of an actor. Any thread.
class write_queue {
public:
  /// Commands that one transaction takes at the most.
  static constexpr size_t batch_max = 1'024;

  explicit write_queue(size_t lane = 0) : lane_{lane} {
    // nop
  }

  /// See write_lanes.hpp.
  [[nodiscard]] size_t lane() const noexcept {
    return lane_;
  }

  /// Adds a command. Returns whether nobody is writing: somebody has to begin.
  [[nodiscard]] bool push(store_write what) {
    std::lock_guard guard{mutex_};
    waiting_.push_back(std::move(what));
    return !std::exchange(taken_care_of_, true);
  }

  /// The next batch. If it is empty, whoever asked writes no more until `push`
  /// wants somebody to begin again.
  [[nodiscard]] std::vector<store_write> take() {
    std::lock_guard guard{mutex_};
    taken_care_of_ = !waiting_.empty();
    if (waiting_.size() <= batch_max)
      return std::exchange(waiting_, {});
    auto end = waiting_.begin() + batch_max;
    std::vector<store_write> out{std::make_move_iterator(waiting_.begin()),
                                 std::make_move_iterator(end)};
    waiting_.erase(waiting_.begin(), end);
    return out;
  }

private:
  size_t lane_;
  std::mutex mutex_;
  std::vector<store_write> waiting_;
  bool taken_care_of_ = false;
};

} // namespace leasehold
