#pragma once

// What the writes of leases ask the database, beside what their statements
// answer: why a guard did not hold, and whether an engine is dead.

#include <string>

namespace leasehold::pg {

/// A share of an engine's life lock: only a dead engine's can be had. As long
/// as we have it, the engine cannot come back to life; see postgres_life.hpp.
inline const std::string hold_death
  = "SELECT pg_try_advisory_xact_lock_shared("
    "hashtextextended('leasehold ' || $1::text, 0))";

inline const std::string read_state
  = "SELECT status, fence, parked, cleanup_status FROM leases "
    "WHERE id = $1::text";

inline const std::string find_environment
  = "SELECT id FROM environments WHERE id = $1::text";

inline const std::string read_plugin_state
  = "SELECT plugin_key, status, updated_at FROM plugins WHERE id = $1::text";

/// Who else holds this resource of this provider and plugin; of the lease's own
/// where they are not given.
inline const std::string find_holder = R"(
SELECT id FROM leases
WHERE id <> $1::text AND exclusive
  AND provider_lease_id = coalesce($2::text,
    (SELECT provider_lease_id FROM leases WHERE id = $1::text))
  AND provider = coalesce($3::text,
    (SELECT provider FROM leases WHERE id = $1::text))
  AND plugin_id = coalesce(
    (SELECT plugin_id FROM leases WHERE id = $1::text), $4::text, '')
  AND (status IN ('acquiring', 'active') OR parked))";

} // namespace leasehold::pg
