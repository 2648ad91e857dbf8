#pragma once

// Who may have a lease of one environment now, who waits for it, and how long.

#include "actors/fair_queue.hpp"
#include "messages/environment_use.hpp"
#include "messages/errors.hpp"
#include "messages/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace leasehold {

//           +--- a place is free -----------------------+
//           |                                           v
//  asked ---+--- no place --> waiting --its turn--> acquiring --placed--> live
//           |                   |                       |                  |
//           +- queue full       +- time out, cancelled  +----- left -------+
//           v                   v                       v
//        refused             refused                  gone
//
// A place that becomes free goes to the next one at once: whoever waits is
// asked for whenever something leaves. Companies take turns by their weights,
// and nobody waits longer than he said.

/// One that waits for its turn.
struct waiting_lease {
  lease_id lease;
  company_id company;
  run_id run;
  /// When it came, and when it gives up.
  milliseconds since{0};
  milliseconds until{0};

  friend bool operator==(const waiting_lease&, const waiting_lease&) = default;
};

/// The door of one environment. A value: copy, compare, store it.
struct admission {
  admission_limits limits;
  fair_queue<waiting_lease> queue{1'024};
  /// Whoever has a place, and whether its lease lives already.
  std::unordered_map<lease_id, bool> places;
  uint32_t acquiring = 0;
  /// When time is looked at again: not after the first one gives up.
  std::optional<milliseconds> armed;

  [[nodiscard]] uint32_t live() const noexcept {
    return static_cast<uint32_t>(places.size()) - acquiring;
  }
};

// -- events: what happened ----------------------------------------------------

namespace admission_event {

struct asked {
  lease_id lease;
  company_id company;
  run_id run;
  milliseconds now;
  /// How long it waits; zero: as the environment says.
  milliseconds patience{0};
  /// Whether it needs no place.
  bool again = false;
};

/// Its lease lives. It may have come past the door: then it has a place from
/// now on, whether or not there is one.
struct placed {
  lease_id lease;
};

/// It needs no place any more, or does not want one.
struct left {
  lease_id lease;
};

/// These live, whoever let them in.
struct counted {
  std::vector<lease_id> live;
};

struct limited {
  admission_limits limits;
};

/// Some may have waited long enough.
struct time_passed {
  milliseconds now;
};

/// Nobody is let in any more.
struct shut {
  failure why;
};

using any
  = std::variant<asked, placed, left, counted, limited, time_passed, shut>;

} // namespace admission_event

// -- effects: what to do about it ---------------------------------------------

namespace admission_effect {

struct admit {
  lease_id lease;
  /// Whether it has a place, which it has to leave.
  bool counted;
  friend bool operator==(const admit&, const admit&) = default;
};

struct refuse {
  lease_id lease;
  failure why;
  friend bool operator==(const refuse&, const refuse&) = default;
};

/// It waits, behind so many others less one.
struct enqueue {
  lease_id lease;
  uint32_t position;
  friend bool operator==(const enqueue&, const enqueue&) = default;
};

/// `time_passed` follows then, instead of whenever it was to follow before.
struct arm {
  milliseconds at;
  friend bool operator==(const arm&, const arm&) = default;
};

using any = std::variant<admit, refuse, enqueue, arm>;

} // namespace admission_effect

/// One step: the next state, and what to do, in order.
struct admission_step {
  admission next;
  std::vector<admission_effect::any> effects;
};

/// Advances a door by one event. Pure: no clock, no I/O, no actors.
[[nodiscard]] admission_step step(admission now,
                                  const admission_event::any& what);

/// Whether leases are counted at all.
[[nodiscard]] bool has_limit(const admission_limits& x) noexcept;

/// Whether somebody waits or has a place.
[[nodiscard]] bool is_busy(const admission& x) noexcept;

/// Where a lease stands in the queue, counted from 1; zero if it does not.
[[nodiscard]] uint32_t position_of(const admission& x, const lease_id& lease);

} // namespace leasehold
