#pragma once

// What a PostgreSQL store forgets: finished leases, the use of secrets,
// engines.

#include "messages/store.hpp"
#include "storage/postgres.hpp"

namespace leasehold {

/// Removes what is finished and old, inside a transaction that somebody else
/// has begun. Errors are thrown as `postgres::error`.
class postgres_history {
public:
  explicit postgres_history(postgres::connection& db);

  result<written> write(const prune_history& x, timestamp now);

private:
  /// Prunes a stretch of leases; answers with where the next one begins.
  uint64_t prune_leases(const prune_history& x, timestamp cutoff);

  postgres::connection& db_;
};

} // namespace leasehold
