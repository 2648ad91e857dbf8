#pragma once

// The life of one worker process, from its start to its exit.

#include "messages/enums.hpp"
#include "messages/errors.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace leasehold {

//  launching --started--> initializing --initialized--> ready
//      |                       |                          |
//      | not started           | failed          stop asked|   condemned
//      |                       v                          v        |
//      |                    killing <---+   draining (finish calls)|
//      |                       ^        |         | done, or deadline
//      |                       |        |         v                |
//      |                       |        |   asking (`shutdown`)    |
//      |                       |        |         | deadline       |
//      |                       |        |         v                |
//      |                       |        +-- terminating (SIGTERM)  |
//      |                       +-----------------------------------+
//      v                       | exited, in any phase
//     gone <-------------------+
//
// One that is to be relieved serves on, new calls included, until it has
// nothing to do for a moment or patience ends; then it stops.
// A worker that exits without having been asked has crashed, and so has one
// that had to be killed for what it did.

enum class worker_phase : uint8_t {
  launching,
  initializing,
  ready,
  draining,
  asking,
  terminating,
  killing,
  gone,
};

template <>
inline constexpr auto names<worker_phase> = named<worker_phase>({
  {worker_phase::launching, "launching"},
  {worker_phase::initializing, "initializing"},
  {worker_phase::ready, "ready"},
  {worker_phase::draining, "draining"},
  {worker_phase::asking, "stopping"},
  {worker_phase::terminating, "terminating"},
  {worker_phase::killing, "killing"},
  {worker_phase::gone, "gone"},
});

/// One worker process. A value: copy, compare, store it.
struct worker_life {
  worker_phase phase = worker_phase::launching;
  /// Whether somebody asked it to stop.
  bool stop_asked = false;
  /// Whether it stops as soon as it has nothing to do.
  bool relieved = false;
  /// Health checks in a row that were not answered.
  uint32_t missed = 0;
  /// Why it is being killed.
  failure verdict;

  friend bool operator==(const worker_life&, const worker_life&) = default;
};

/// Health checks in a row that may go unanswered.
inline constexpr uint32_t health_misses_max = 3;

// -- events: what happened ----------------------------------------------------

namespace worker_event {

struct started {};

struct not_started {
  failure why;
};

struct initialized {};

struct initialize_failed {
  failure why;
};

struct stop_asked {
  /// Whether calls are still being answered.
  bool busy;
};

/// A successor waits until this one has nothing to do.
struct relief_asked {
  /// Whether calls are still being answered.
  bool busy;
};

/// The last call has been answered.
struct idle {};

/// The phase has lasted long enough, or patience with one that is relieved.
struct deadline {};

struct health_missed {};

struct healthy {};

/// The worker did something that it must not survive.
struct condemned {
  failure why;
};

struct exited {
  failure how;
};

using any = std::variant<started, not_started, initialized, initialize_failed,
                         stop_asked, relief_asked, idle, deadline,
                         health_missed, healthy, condemned, exited>;

} // namespace worker_event

// -- effects: what to do about it ---------------------------------------------

namespace worker_effect {

/// Send `initialize`.
struct initialize {
  friend bool operator==(const initialize&, const initialize&) = default;
};

/// `deadline` follows after this phase's time unless the phase changes.
struct arm_deadline {
  friend bool operator==(const arm_deadline&, const arm_deadline&) = default;
};

struct announce_ready {
  friend bool operator==(const announce_ready&, const announce_ready&)
    = default;
};

/// Send `shutdown` and end standard input after its answer.
struct ask_to_exit {
  friend bool operator==(const ask_to_exit&, const ask_to_exit&) = default;
};

struct send_signal {
  int number;
  friend bool operator==(const send_signal&, const send_signal&) = default;
};

/// Answer every call that waits with this.
struct fail_calls {
  failure why;
  friend bool operator==(const fail_calls&, const fail_calls&) = default;
};

/// Tell the supervisor, and leave.
struct leave {
  bool expected;
  failure why;
  friend bool operator==(const leave&, const leave&) = default;
};

using any = std::variant<initialize, arm_deadline, announce_ready, ask_to_exit,
                         send_signal, fail_calls, leave>;

} // namespace worker_effect

/// One step: the next state, and what to do, in order.
struct worker_step {
  worker_life next;
  std::vector<worker_effect::any> effects;
};

/// Advances a worker's life by one event. Pure: no clock, no I/O, no actors.
[[nodiscard]] worker_step step(worker_life now, const worker_event::any& what);

/// Whether calls are sent to the process.
[[nodiscard]] constexpr bool takes_calls(worker_phase x) noexcept {
  return x == worker_phase::ready || x == worker_phase::draining;
}

} // namespace leasehold
