#pragma once

// Takes a command's output for a test.

#include "messages/command.hpp"
#include "tests/support/child_watch.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace leasehold::test {

/// Collects what a command prints; may say that it has no room.
struct test_sink : output_sink {
  bool put(output_chunk chunk) override {
    std::lock_guard guard{mutex};
    (chunk.stream == output_stream::out ? out : err) += chunk.text;
    bytes += chunk.text.size();
    changed.notify_all();
    return !full;
  }

  void when_ready(std::function<void()> resume) override {
    std::unique_lock guard{mutex};
    waiting = std::move(resume);
    changed.notify_all();
  }

  void make_room() {
    std::function<void()> resume;
    {
      std::lock_guard guard{mutex};
      full = false;
      resume = std::exchange(waiting, nullptr);
    }
    if (resume)
      resume();
  }

  template <class Predicate>
  bool wait(Predicate met) {
    std::unique_lock guard{mutex};
    return changed.wait_for(guard, patience, met);
  }

  bool says(std::string_view text) {
    return wait([&] { return out.find(text) != std::string::npos; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::string out;
  std::string err;
  size_t bytes = 0;
  bool full = false;
  std::function<void()> waiting;
};

} // namespace leasehold::test
