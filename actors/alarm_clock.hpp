#pragma once

// The clock of an engine's actors. That of CAF 0.18 keeps what is armed in a
// vector, in no order; an engine may have a hundred thousand leases that end.

#include <caf/action.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/actor_system_config.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace leasehold {

/// Runs actions in actors, each at its time. Arming and calling off cost a
/// look-up in a map. Thread-safe.
class alarm_clock {
public:
  using steady = std::chrono::steady_clock;

  /// When, and which of those that are due then.
  using key = std::pair<steady::time_point, uint64_t>;

  alarm_clock();

  ~alarm_clock();

  alarm_clock(const alarm_clock&) = delete;

  alarm_clock& operator=(const alarm_clock&) = delete;

  /// Has `whose` run `what` after `delay`; keeps `whose` alive until then.
  key set(std::chrono::milliseconds delay, caf::strong_actor_ptr whose,
          caf::action what);

  /// Harmless for what has been run.
  void call_off(const key& which);

  /// Drops what is armed and takes nothing more. To be called before the actor
  /// system goes.
  void close();

private:
  struct alarm {
    caf::strong_actor_ptr whose;
    caf::action what;
  };

  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<key, alarm> all_;
  uint64_t last_ = 0;
  bool closed_ = false;
  std::thread thread_;
};

/// What all actors of an engine share, where CAF has a place for it. `after`
/// looks for it here; in tests the config is another one, and time is virtual.
struct actor_config : caf::actor_system_config {
  mutable alarm_clock clock;
};

} // namespace leasehold
