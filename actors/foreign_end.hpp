#pragma once

// What becomes of a lease that no actor minds: an operator or a late caller
// wants it to end, or its engine is dead.

#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/lease_life.hpp"
#include "messages/result.hpp"
#include "messages/store.hpp"

#include <optional>
#include <string>
#include <variant>

namespace leasehold {

/// Somebody wants a lease to end that has no actor here.
struct foreign_request {
  lease_handle lease = {};
  std::string reason = {};
  /// How the run ended; none: the resource must go, whatever the lease is.
  std::optional<release_status> status = {};
};

// -- verdicts: what to do about it --------------------------------------------

namespace foreign_verdict {

/// It has ended: say how.
struct answer {
  lease_ended how;
};

struct refuse {
  failure why;
};

/// Find out whether its engine is dead, and judge again.
struct ask_owner {};

/// It has ended and left something: note that it must go, then clean up.
struct remove {
  owe_cleanup what;
};

/// Write its end. `after` is the row as it will be then; a cleanup that it
/// owes is carried out before anybody is answered.
struct end {
  end_lease what;
  lease_row after;
};

using any = std::variant<answer, refuse, ask_owner, remove, end>;

} // namespace foreign_verdict

/// Judges a request by the lease's row. `owner_is_dead` is what `ask_owner`
/// found out. Pure.
[[nodiscard]] foreign_verdict::any
judge(const foreign_request& what, const lease_row& row,
      std::optional<bool> owner_is_dead = std::nullopt);

/// How a tenancy ends that nobody minds any more: its engine is dead, or is
/// `self` and has forgotten it. Pure.
[[nodiscard]] end_lease end_of_orphan(const lease_row& row,
                                      const instance_id& self);

/// What to write about such a tenancy: its end; or, if its engine is dead and
/// its run may come back, that it waits for its run. Pure.
[[nodiscard]] store_write settle_orphan(const lease_row& row,
                                        const instance_id& self);

/// Whether somebody has to clean up after this tenancy if it ends now.
[[nodiscard]] bool holds_resource(const lease_row& row) noexcept;

/// A row, told to whoever ends its lease.
[[nodiscard]] lease_ended ended(const lease_row& row);

} // namespace leasehold
