#pragma once

// What the janitor does next: which leases of dead engines end or wait for
// their runs, which cleanups start, what parked resource has waited for too
// long, and when to look again.

#include "actors/cleanup.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"
#include "messages/store.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace leasehold {

//  Leases of dead engines, a page at a time:
//
//   resting --started or due--> listing --listed--> writing --all answered--+
//      ^                          |                                         |
//      |                          | unlisted: soon again                    |
//      +--------------------------+-----------------------------------------+
//        soon again after a full page, or if a write was refused; else later
//
//  Cleanups and parked resources, by two questions in a row:
//
//   resting --due--> what is owed, and when? --> what is parked? --+
//      ^                (start what is due)       (give these up)  |
//      +-----------------------------------------------------------+
//
//  Each page has `batch_max` rows at the most, and so many cleanups are under
//  way at a time. History is pruned a stretch at a time.

struct sweep_options {
  cleanup_options cleanup;
  /// Rows per page, and cleanups under way at a time.
  uint32_t batch_max = 100;
  /// How often leases of dead engines are looked for, and how soon again at
  /// first where something went wrong, or there is more.
  milliseconds orphan_interval{10'000};
  milliseconds orphan_retry{50};
  /// How often owed cleanups are looked for at the latest.
  milliseconds sweep_interval{60'000};
  /// How often old history is looked for; how old it gets. Zero: no end.
  milliseconds prune_interval{3'600'000};
  milliseconds history_ttl{0};
  milliseconds secret_access_ttl{0};
};

/// A value: copy, compare, store it.
struct sweeps {
  instance_id self;
  sweep_options options;

  // -- leases of dead engines
  bool looking = false;
  /// Writes that have not been answered.
  size_t writing = 0;
  /// Whether this pass cannot have been the last: there are more, or something
  /// went wrong.
  bool unfinished = false;
  /// Whether its page was full, and whether a write of it was refused.
  bool more_orphans = false;
  bool refused = false;
  /// How soon one of those that wait for their run may be over.
  milliseconds soonest{0};
  /// Unfinished passes in a row.
  uint32_t retries = 0;
  /// Whether there was a pass with nothing left to do.
  bool resolved = false;

  // -- cleanups
  enum class stage : uint8_t { resting, cleanups, parked };
  stage at = stage::resting;
  /// Whether a sweep has ended since then.
  bool swept = false;
  /// Somebody asked meanwhile.
  bool again = false;
  /// Whether more cleanups may be due than were started.
  bool more = false;
  /// When to look again, as far as this sweep knows.
  milliseconds pause{0};
  std::set<lease_id> under_way;
};

// -- events: what happened ----------------------------------------------------

namespace sweep_event {

struct started {};

/// It is time to look for leases of dead engines.
struct orphans_due {};

struct orphans_listed {
  lease_rows found;
};

struct orphans_unlisted {
  failure why;
};

/// What was to be written about one of them was, or was not.
struct orphan_written {
  lease_id lease;
  result<> outcome;
};

/// It is time to sweep, or somebody owes something.
struct sweep_due {};

/// The answer to the last question of a sweep.
struct listed {
  lease_rows found;
};

struct unlisted {};

/// Somebody wants this one cleaned up now.
struct wanted {
  lease_row row;
};

/// A cleanup was tried. `dice` in [0, 1) moves the pause until the next try.
struct tried {
  lease_row row;
  result<> outcome;
  double dice = 0.5;
};

/// What became of it is in the store; the next try is due after `again`.
struct recorded {
  lease_id lease;
  std::optional<milliseconds> again;
};

struct unrecorded {
  lease_id lease;
};

struct prune_due {};

/// A stretch was pruned; the next one begins there, if there is one.
struct pruned {
  uint64_t next = 0;
};

using any = std::variant<started, orphans_due, orphans_listed, orphans_unlisted,
                         orphan_written, sweep_due, listed, unlisted, wanted,
                         tried, recorded, unrecorded, prune_due, pruned>;

} // namespace sweep_event

// -- effects: what to do about it ---------------------------------------------

namespace sweep_effect {

/// Ask the store for leases of dead engines.
struct list_orphans {
  uint32_t limit;
};

/// Write about one of them; comes back as `orphan_written`.
struct settle_orphan {
  lease_id lease;
  store_write what;
};

struct arm_orphans {
  milliseconds in;
};

/// Ask the store; comes back as `listed` or `unlisted`.
struct ask {
  store_query what;
};

/// Have the resource of this lease removed; comes back as `tried`.
struct clean {
  lease_row row;
};

/// Write how that went, then tell whoever waits for it.
struct record {
  record_cleanup what;
  lease_row row;
  result<> outcome;
};

/// Write that a parked resource is to be removed, and sweep then.
struct give_up_parked {
  owe_cleanup what;
};

/// Sweep after this time. `sooner_only`: unless that happens before anyway.
struct arm_sweep {
  milliseconds in;
  bool sooner_only = false;
};

struct prune {
  prune_history what;
};

struct arm_prune {
  milliseconds in;
};

/// Tell those who wait for it that nothing is left of dead engines, and every
/// cleanup that was due has been tried; the last one too, if nothing is owed.
struct check_settled {};

struct say {
  /// Whether somebody has to do something about it.
  bool bad;
  std::string what;
};

using any = std::variant<list_orphans, settle_orphan, arm_orphans, ask, clean,
                         record, give_up_parked, arm_sweep, prune, arm_prune,
                         check_settled, say>;

} // namespace sweep_effect

/// One step: the next state, and what to do, in order.
struct sweep_step {
  sweeps next;
  std::vector<sweep_effect::any> effects;
};

/// Advances the sweeps by one event. Pure: no clock, no I/O, no actors.
[[nodiscard]] sweep_step step(sweeps now, const sweep_event::any& what);

/// Whether nothing is left of dead engines, and no cleanup is under way or
/// about to be.
[[nodiscard]] bool is_settled(const sweeps& x) noexcept;

} // namespace leasehold
