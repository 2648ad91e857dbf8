#pragma once

// What resuming a lease by its id means, by the lease's row: which resource
// comes back, and what its next lease is to be.

#include "messages/driver.hpp"
#include "messages/environment_use.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"

namespace leasehold {

/// What a placement begins with that is to resume one lease and nothing else.
struct resumption {
  parked_resource from;
  /// What the lease captured, whatever its environment has become.
  lease_plan plan;
};

/// Judges a wish to resume the lease of this row; `self` is this engine, and
/// `patience` how long the resume may take. Pure. Errors: `invalid_request` (no
/// run, or still being acquired), `in_use` (another run holds it),
/// `held_elsewhere`, `resource_gone` (it has left nothing).
[[nodiscard]] result<resumption> judge(const resume_lease& what,
                                       const lease_row& row,
                                       const instance_id& self,
                                       milliseconds patience);

} // namespace leasehold
