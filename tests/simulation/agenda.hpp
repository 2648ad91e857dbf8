#pragma once

// What happens outside the engines, and when: the simulated world's own clock.

#include "messages/values.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace leasehold::sim {

class agenda {
public:
  [[nodiscard]] milliseconds now() const {
    return now_;
  }

  /// What is due at the same time happens in the order in which it was noted.
  void at(milliseconds when, std::function<void()> what) {
    entries_.emplace(std::pair{std::max(when, now_), ++last_}, std::move(what));
  }

  void in(milliseconds delay, std::function<void()> what) {
    at(now_ + delay, std::move(what));
  }

  /// When the next thing is due.
  [[nodiscard]] std::optional<milliseconds> next() const {
    if (entries_.empty())
      return std::nullopt;
    return entries_.begin()->first.first;
  }

  /// Never back.
  void move_to(milliseconds when) {
    now_ = std::max(now_, when);
  }

  /// Does one thing that is due; says whether there was one.
  bool do_one() {
    if (entries_.empty() || entries_.begin()->first.first > now_)
      return false;
    auto what = std::move(entries_.begin()->second);
    entries_.erase(entries_.begin());
    what();
    return true;
  }

  void clear() {
    entries_.clear();
    now_ = milliseconds{0};
    last_ = 0;
  }

private:
  using key = std::pair<milliseconds, uint64_t>;

  milliseconds now_{0};
  uint64_t last_ = 0;
  std::map<key, std::function<void()>> entries_;
};

} // namespace leasehold::sim
