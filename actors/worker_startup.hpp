#pragma once

// When a plugin has a worker: whom to let through, whom to let wait and for how
// long, and when to start the next worker after a crash.

#include "messages/enums.hpp"
#include "messages/errors.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

namespace leasehold {

//  stopped --wanted--> starting --ready--> running
//     ^                   |  ^                |
//     | retired           |  | pause over     |
//     |                   v  |                v
//     +---- any ------- pausing <--crashed----+
//                         |  ^
//      too many crashes   |  | the half-open probe crashed
//                         v  |
//                       broken --pause over--> starting
//
// Who wants a worker is let through while one runs, waits while one may become
// ready, and is refused at once while the worker is broken.

enum class startup_phase : uint8_t {
  stopped,
  starting,
  running,
  pausing,
  broken,
};

template <>
inline constexpr auto names<startup_phase> = named<startup_phase>({
  {startup_phase::stopped, "stopped"},
  {startup_phase::starting, "starting"},
  {startup_phase::running, "running"},
  {startup_phase::pausing, "backoff"},
  {startup_phase::broken, "broken"},
});

/// Whether the worker crashed and is not being started again yet.
constexpr bool is_down(startup_phase x) noexcept {
  return x == startup_phase::pausing || x == startup_phase::broken;
}

/// A point in time of a clock that never goes back.
using steady_time = milliseconds;

/// Who waits for a worker.
using waiter_no = uint64_t;

struct worker_startup_options {
  milliseconds restart_delay{1'000};
  milliseconds restart_delay_max{300'000};
  milliseconds stable_after{60'000};
  size_t crashes_max = 10;
  milliseconds crash_window{600'000};
};

/// Whether and when a plugin has a worker. A value: copy, compare, store it.
struct worker_startup {
  worker_startup_options options;
  startup_phase phase = startup_phase::stopped;
  /// Counts the workers started; a worker's news carry its number.
  uint64_t incarnation = 0;
  /// Crashes in a row, without a stable run between them.
  uint32_t crashes_in_row = 0;
  /// When the worker crashed, within the window.
  std::deque<steady_time> crashes;
  steady_time ready_at{0};
  /// Whether the worker is one more try after too many crashes, and has not
  /// been stable yet.
  bool probing = false;
  std::vector<waiter_no> waiting;
  /// Why there is no worker.
  failure last;
};

// -- events: what happened ----------------------------------------------------

namespace startup_event {

/// Somebody needs a worker.
struct wanted {
  waiter_no who;
  bool may_wait = true;
};

/// This one has waited long enough.
struct grace_over {
  waiter_no who;
};

struct became_ready {
  uint64_t incarnation;
  steady_time now;
};

struct crashed {
  uint64_t incarnation;
  failure why;
  steady_time now;
  /// In [0, 1): spreads the restarts of many workers.
  double dice;
};

struct pause_over {};

/// The worker stopped because somebody asked for it.
struct retired {
  uint64_t incarnation;
};

/// An operator wants a broken worker tried again.
struct reset {};

using any = std::variant<wanted, grace_over, became_ready, crashed, pause_over,
                         retired, reset>;

} // namespace startup_event

// -- effects: what to do about it ---------------------------------------------

namespace startup_effect {

struct start {
  uint64_t incarnation;
  friend bool operator==(const start&, const start&) = default;
};

/// `pause_over` follows after this time.
struct arm_pause {
  milliseconds delay;
  friend bool operator==(const arm_pause&, const arm_pause&) = default;
};

/// `grace_over` follows after the grace period, unless it is answered before.
struct arm_grace {
  waiter_no who;
  friend bool operator==(const arm_grace&, const arm_grace&) = default;
};

struct admit {
  waiter_no who;
  friend bool operator==(const admit&, const admit&) = default;
};

struct refuse {
  waiter_no who;
  /// `worker_not_ready` or `worker_broken`, and why.
  ec code;
  std::string why;
  friend bool operator==(const refuse&, const refuse&) = default;
};

using any = std::variant<start, arm_pause, arm_grace, admit, refuse>;

} // namespace startup_effect

/// One step: the next state, and what to do, in order.
struct worker_startup_step {
  worker_startup next;
  std::vector<startup_effect::any> effects;
};

/// Advances a worker's startup by one event. Pure: no clock, no I/O, no dice.
[[nodiscard]] worker_startup_step step(worker_startup now,
                                       const startup_event::any& what);

/// The pause before the restart that follows the `n`th crash in a row, without
/// jitter: none, then the delay, doubling up to the cap.
[[nodiscard]] milliseconds
restart_pause(uint32_t n, const worker_startup_options& options) noexcept;

} // namespace leasehold
