#pragma once

// Many deadlines of one actor on one timer. A timer of the actor system wakes
// the thread of its clock when it is armed and stays there until it is due;
// most calls are answered long before, and pay for neither here.

#include "actors/mail.hpp"
#include "messages/values.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace leasehold {

/// What an actor has to do, by when.
struct alarm_book {
  /// When, and which of those that are due then.
  using key = std::pair<milliseconds, uint64_t>;

  std::map<key, std::function<void()>> all;
};

/// Owns an alarm: setting it anew or destroying it calls the old one off. Must
/// not outlive the `alarms` that it comes from.
class alarm {
public:
  alarm() = default;

  alarm(alarm_book& book, alarm_book::key which) : book_{&book}, which_{which} {
    // nop
  }

  alarm(alarm&& other) noexcept
    : book_{std::exchange(other.book_, nullptr)}, which_{other.which_} {
    // nop
  }

  alarm& operator=(alarm&& other) noexcept {
    dispose();
    book_ = std::exchange(other.book_, nullptr);
    which_ = other.which_;
    return *this;
  }

  ~alarm() {
    dispose();
  }

  /// Calls it off; harmless if it has gone off.
  void dispose() {
    if (auto* book = std::exchange(book_, nullptr))
      book->all.erase(which_);
  }

private:
  alarm_book* book_ = nullptr;
  alarm_book::key which_;
};

/// The alarms of one actor: part of its state, declared before what holds them.
template <class Self>
class alarms {
public:
  explicit alarms(Self* self) : self_{self} {
    // nop
  }

  alarms(const alarms&) = delete;

  alarms& operator=(const alarms&) = delete;

  /// Runs `what` in the actor after `delay`, unless it is called off.
  alarm set(milliseconds delay, std::function<void()> what) {
    alarm_book::key which{steady_now(self_) + delay, ++last_};
    book_.all.emplace(which, std::move(what));
    arm();
    return {book_, which};
  }

private:
  /// A timer that goes off too early, since its alarm has been called off, finds
  /// nothing to do and is set anew.
  void arm() {
    auto at = book_.all.begin()->first.first;
    if (armed_ && *armed_ <= at)
      return;
    armed_ = at;
    auto left = std::max(at - steady_now(self_), milliseconds{0});
    timer_ = after_if_alive(self_, left, [this] { go_off(); });
  }

  void go_off() {
    armed_.reset();
    auto& all = book_.all;
    // What goes off may call off others, and set some that are due at once:
    // those have to wait for the next time.
    alarm_book::key until{steady_now(self_), last_};
    while (!all.empty() && all.begin()->first <= until) {
      auto what = all.extract(all.begin());
      what.mapped()();
    }
    if (!all.empty())
      arm();
  }

  Self* self_;
  alarm_book book_;
  uint64_t last_ = 0;
  /// When the timer goes off, while it is armed.
  std::optional<milliseconds> armed_;
  timer timer_;
};

} // namespace leasehold
