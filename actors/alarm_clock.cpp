#include "actors/alarm_clock.hpp"

#include "actors/mail.hpp"

#include <algorithm>

namespace leasehold {

alarm_clock::alarm_clock() : thread_{[this] { run(); }} {
  // nop
}

alarm_clock::~alarm_clock() {
  close();
}

void alarm_clock::close() {
  {
    std::lock_guard guard{mutex_};
    closed_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable())
    thread_.join();
  // Nobody adds anything now, and what an actor calls off as it goes is gone.
  std::exchange(all_, {}).clear();
}

alarm_clock::key alarm_clock::set(std::chrono::milliseconds delay,
                                  caf::strong_actor_ptr whose,
                                  caf::action what) {
  // Later than anybody waits, and far from where a clock ends.
  constexpr std::chrono::milliseconds longest
    = std::chrono::hours{24 * 365 * 100};
  auto at = steady::now() + std::min(delay, longest);
  std::unique_lock guard{mutex_};
  key which{at, ++last_};
  if (closed_)
    return which;
  auto pos
    = all_.emplace(which, alarm{std::move(whose), std::move(what)}).first;
  auto is_next = pos == all_.begin();
  guard.unlock();
  if (is_next)
    changed_.notify_one();
  return which;
}

void alarm_clock::call_off(const key& which) {
  std::unique_lock guard{mutex_};
  auto gone = all_.extract(which);
  // An actor that ends with it may have others to call off.
  guard.unlock();
}

void alarm_clock::run() {
  std::unique_lock guard{mutex_};
  while (!closed_) {
    if (all_.empty()) {
      changed_.wait(guard);
      continue;
    }
    auto next = all_.begin()->first.first;
    if (steady::now() < next) {
      changed_.wait_until(guard, next);
      continue;
    }
    auto due = all_.extract(all_.begin());
    guard.unlock();
    tell_from_outside(caf::actor_cast<caf::actor>(due.mapped().whose),
                      std::move(due.mapped().what));
    due = {};
    guard.lock();
  }
}

} // namespace leasehold
