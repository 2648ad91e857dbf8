#pragma once

// The life of one granted lease, from its grant to the row that ends it.

#include "actors/lease_term.hpp"
#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <variant>
#include <vector>

namespace leasehold {

//  active --released, destroyed, expired--> draining --last command ended,
//    |  |                                      |        or patience over
//    |  +--no command is running---------------+
//    |                                         v
//    |  nothing to release                  ending --provider answered,
//    |                                         |     or patience over
//    +-----------------------------------------+
//                                              v
//                                          recording --recorded--> ended
//                                           |     ^
//                           store is unwell |     | try again
//                                           +-----+
//
// The same run may take the lease again while it is active. Until the store has
// said under which fence that is, an end is not recorded: it would name the old
// one.
//
// A destroy turns a release that is not being recorded yet into a removal;
// once the row is ended, removing what it left is the janitor's. Whoever asks
// while a lease is ending is answered when it has ended.
//
// An engine that was without its store may find that another one has taken the
// lease over: then nothing is called and nothing written any more.

enum class tenancy_phase : uint8_t {
  active,
  draining,
  ending,
  recording,
  ended,
};

template <>
inline constexpr auto names<tenancy_phase> = named<tenancy_phase>({
  {tenancy_phase::active, "active"},
  {tenancy_phase::draining, "draining"},
  {tenancy_phase::ending, "ending"},
  {tenancy_phase::recording, "recording"},
  {tenancy_phase::ended, "ended"},
});

/// One granted lease. A value: copy, compare, store it.
struct tenancy {
  lease_terms terms;
  tenancy_phase phase = tenancy_phase::active;
  std::set<execution_id> running;
  /// Whether the commands have been told to end.
  bool hurried = false;
  lease_ending ending;
  /// Provider calls so far. An answer carries the number of its call.
  uint32_t call = 0;
  /// Whether the provider is asked to release, not to destroy.
  bool releasing = false;
  /// How many new fences are still being written.
  uint32_t retaking = 0;
  /// Whether the end may have been written although nobody said so.
  bool unsure = false;
  lease_outcome outcome;

  friend bool operator==(const tenancy&, const tenancy&) = default;
};

// -- events: what happened ----------------------------------------------------

namespace tenancy_event {

struct command_began {
  execution_id execution;
};

struct command_ended {
  execution_id execution;
};

/// The run takes the lease again: a new fence is being written.
struct retake_began {};

/// It has been written, or could not be.
struct retake_over {};

/// Somebody wants the lease to end, or its time is up.
struct asked_to_end {
  lease_ending how;
  bool wait_for_commands = false;
};

/// Commands, or the provider, have had time enough.
struct patience_over {};

struct provider_answered {
  uint32_t call;
  result<> answer;
};

struct recorded {};

struct unrecorded {
  failure why;
};

/// The store may be well again.
struct retry_due {};

/// Another engine has the lease, or has ended it.
struct taken_over {
  std::string why;
};

using any
  = std::variant<command_began, command_ended, retake_began, retake_over,
                 asked_to_end, patience_over, provider_answered, recorded,
                 unrecorded, retry_due, taken_over>;

} // namespace tenancy_event

// -- effects: what to do about it ---------------------------------------------

namespace tenancy_effect {

struct cancel_commands {
  friend bool operator==(const cancel_commands&, const cancel_commands&)
    = default;
};

/// Count patience anew: `patience_over` follows unless the phase changes.
struct arm_patience {
  friend bool operator==(const arm_patience&, const arm_patience&) = default;
};

struct call_release {
  uint32_t call;
  release_status status;
  friend bool operator==(const call_release&, const call_release&) = default;
};

struct call_destroy {
  uint32_t call;
  friend bool operator==(const call_destroy&, const call_destroy&) = default;
};

/// Write the end.
struct record {
  lease_outcome outcome;
  friend bool operator==(const record&, const record&) = default;
};

/// Try to write again in a while.
struct arm_retry {
  friend bool operator==(const arm_retry&, const arm_retry&) = default;
};

/// Tell those who asked how it ended, and leave.
struct announce {
  lease_outcome outcome;
  friend bool operator==(const announce&, const announce&) = default;
};

/// Tell those who asked why there is no answer yet.
struct excuse {
  failure why;
  friend bool operator==(const excuse&, const excuse&) = default;
};

/// Somebody else has ended the lease: tell those who asked, and leave.
struct withdraw {
  failure why;
  friend bool operator==(const withdraw&, const withdraw&) = default;
};

using any
  = std::variant<cancel_commands, arm_patience, call_release, call_destroy,
                 record, arm_retry, announce, excuse, withdraw>;

} // namespace tenancy_effect

/// One step: the next state, and what to do, in order.
struct tenancy_step {
  tenancy next;
  std::vector<tenancy_effect::any> effects;
};

/// Advances a tenancy by one event. Pure: no clock, no I/O, no actors.
[[nodiscard]] tenancy_step step(tenancy now, const tenancy_event::any& what);

} // namespace leasehold
