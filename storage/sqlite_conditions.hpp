#pragma once

// The conditions of partial indexes of a SQLite store. Queries must repeat them
// word for word to use the indexes.

#include <string>

namespace leasehold {

/// Somebody lives there: index `leases_live`.
inline const std::string live = "status IN ('acquiring', 'active')";

/// Nobody lives there, and it must be cleaned up: index `leases_owed`.
inline const std::string cleanup_owed
  = "cleanup_status = 'failed' AND parked = 0 "
    "AND status NOT IN ('acquiring', 'active')";

/// There may still be a resource: what these leases need must not go away.
inline const std::string held
  = "(" + live
    + " OR parked = 1 OR cleanup_status = 'failed'"
      " OR (status = 'retained' AND cleanup_status IS NULL))";

/// Nothing is left to do about it, nor anything to find.
inline const std::string finished
  = "status NOT IN ('acquiring', 'active') AND parked = 0"
    " AND (cleanup_status = 'success'"
    " OR (cleanup_status IS NULL AND status <> 'retained'))";

} // namespace leasehold
