#pragma once

// Where a run gets its resource: resume a parked one, else make one.

#include "messages/driver.hpp"
#include "messages/environment_use.hpp"
#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace leasehold {

//  fresh --opened--> planning --planned--> choosing ----chosen----+
//                       |                    ^  (reusable only)   |
//                       |                    | lost the claim     v
//                       +------(else)--------+-------------> recording
//                                                          |    |    |
//                      resource chosen                     |    |    | no
//         +------------------------------------------------+    |    | resource
//         v                                                     |    | needed
//     resuming --gone or failed--> replacing --recorded--+      |    |
//         |                                              v      v    |
//         |                                             acquiring    |
//         | came_up                                        | came_up |
//         +--------------------> confirming <--------------+         |
//                                    | recorded                      v
//                                    +--------------------------> granted
//
// A resource that the same run holds already is taken again under a new fence:
// it needs no confirmation, and if it does not resume its lease is destroyed
// and this one recorded after all.
//
// A run may also ask for the resource of one lease by its id: then it is
// recorded without a plan, resumed, and nothing is made in its place. What such
// a run holds already is resumed before it gets its new fence, so that a resume
// that fails changes nothing.
//
// Whatever fails on the way ends the row first (closing) and answers then
// (closed). The intent is on disk before a provider is called, the grant before
// the run is told. A resource that comes up when nobody waits for it any more
// goes to the janitor.

enum class placement_phase : uint8_t {
  fresh,
  planning,
  choosing,
  recording,
  resuming,
  replacing,
  acquiring,
  confirming,
  closing,
  granted,
  closed,
};

template <>
inline constexpr auto names<placement_phase> = named<placement_phase>({
  {placement_phase::fresh, "fresh"},
  {placement_phase::planning, "planning"},
  {placement_phase::choosing, "choosing"},
  {placement_phase::recording, "recording"},
  {placement_phase::resuming, "resuming"},
  {placement_phase::replacing, "replacing"},
  {placement_phase::acquiring, "acquiring"},
  {placement_phase::confirming, "confirming"},
  {placement_phase::closing, "closing"},
  {placement_phase::granted, "granted"},
  {placement_phase::closed, "closed"},
});

/// Numbers the driver calls of one placement. Answers and deadlines carry the
/// attempt they belong to, so that a late one is known to be late.
using attempt_no = uint32_t;

/// The search for one run's resource. A value: copy, compare, store it.
struct placement {
  lease_id lease;
  placement_phase phase = placement_phase::fresh;
  attempt_no attempt = 0;
  /// Driver calls that have not been answered yet.
  uint32_t unanswered = 0;
  /// Whether the run no longer wants it.
  bool cancelled = false;
  /// Whether its plugin had changed by the time of the first record.
  bool replanned = false;
  lease_plan plan;
  /// The parked resource that this lease took over, or the one that the run
  /// holds already.
  std::optional<parked_resource> claim;
  /// Whether only this one will do: its run has named it.
  bool only_resume = false;
  /// What becomes of it if it does not come back.
  give_up_resource::fate fate_of_claim = give_up_resource::fate::owed;
  /// What the first driver call was to bring back; empty if it made something.
  resource_id asked_back;
  lease_origin origin = lease_origin::fresh;
  std::string origin_note;
  /// What the driver brought up.
  resource_id resource;
  /// What to say once the row has been ended, and whether it owes a cleanup.
  failure verdict;
  bool owed = false;
};

// -- events: what happened ----------------------------------------------------

namespace placement_event {

struct opened {};

struct planned {
  lease_plan plan;
};

/// There can be no lease now.
struct unplannable {
  failure why;
};

struct chosen {
  std::optional<parked_resource> resource;
};

/// The run has named what it wants back.
struct asked_back {
  parked_resource resource;
  /// What its lease was, for the one to come.
  lease_plan plan;
};

/// The last write is on disk.
struct recorded {};

/// The last write did not happen, or nobody knows.
struct unrecorded {
  failure why;
};

struct came_up {
  attempt_no attempt;
  resource_ready ready;
};

struct refused {
  attempt_no attempt;
  failure why;
};

/// Nobody waits for this attempt any longer.
struct timed_out {
  attempt_no attempt;
};

/// The run no longer wants a lease.
struct cancelled {};

using any
  = std::variant<opened, planned, unplannable, chosen, asked_back, recorded,
                 unrecorded, came_up, refused, timed_out, cancelled>;

} // namespace placement_event

// -- effects: what to do about it ---------------------------------------------

namespace placement_effect {

/// Ask the driver what the lease would be.
struct make_plan {};

/// Ask the environment for a parked resource.
struct choose {};

/// Write the row: `acquiring`, or `active` if no resource is needed.
struct record {};

struct resume {
  attempt_no attempt;
};

struct acquire {
  attempt_no attempt;
};

/// Destroy the run's own lease: what it holds did not come back.
struct abandon {
  parked_resource claim;
  std::string note;
};

/// Write that the claimed resource goes back to where it came from.
struct give_up {
  parked_resource claim;
  give_up_resource::fate fate;
  std::string note;
};

/// Write the grant.
struct confirm {
  resource_ready ready;
};

/// Write that the row failed, whether or not the grant is written already.
struct end {
  /// Whether a cleanup is owed.
  bool owed;
  resource_id resource;
  std::string reason;
};

/// Tell the environment that a resource waits again.
struct give_back {
  parked_resource what;
};

/// Tell the janitor of a resource that nobody waits for.
struct dispose {
  resource_id resource;
};

/// Tell the janitor that a cleanup is owed by this lease or that one.
struct report_owed {
  lease_id lease;
};

struct grant {};

struct deny {
  failure why;
};

using any
  = std::variant<make_plan, choose, record, resume, acquire, abandon, give_up,
                 confirm, end, give_back, dispose, report_owed, grant, deny>;

} // namespace placement_effect

/// One step: the next state, and what to do, in order.
struct placement_step {
  placement next;
  std::vector<placement_effect::any> effects;
};

/// Advances a placement by one event. Pure: no clock, no I/O, no actors.
[[nodiscard]] placement_step step(placement now, placement_event::any what);

/// Whether nothing can happen to `x` any more.
[[nodiscard]] bool is_finished(const placement& x) noexcept;

} // namespace leasehold
