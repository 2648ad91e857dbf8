#pragma once

// The conditions of partial indexes of a PostgreSQL store.

#include <string>

namespace leasehold::pg {

/// Somebody lives there: index `leases_live`.
inline const std::string live = "status IN ('acquiring', 'active')";

/// Nobody lives there, and it must be cleaned up: index `leases_owed`.
inline const std::string cleanup_owed
  = "cleanup_status = 'failed' AND NOT parked "
    "AND status NOT IN ('acquiring', 'active')";

/// There may still be a resource: what these leases need must not go away.
inline const std::string held
  = "(" + live
    + " OR parked OR cleanup_status = 'failed'"
      " OR (status = 'retained' AND cleanup_status IS NULL))";

/// Nothing is left to do about it, nor anything to find.
inline const std::string finished
  = "status NOT IN ('acquiring', 'active') AND NOT parked"
    " AND (cleanup_status = 'success'"
    " OR (cleanup_status IS NULL AND status <> 'retained'))";

} // namespace leasehold::pg
