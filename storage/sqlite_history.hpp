#pragma once

// What a SQLite store forgets: finished leases, the use of secrets, engines.

#include "messages/store.hpp"
#include "storage/sqlite.hpp"

namespace leasehold {

/// Removes what is finished and old, inside a transaction that somebody else
/// has begun. Errors are thrown as `sqlite::error`.
class sqlite_history {
public:
  /// `self` is never forgotten.
  sqlite_history(sqlite::connection& db, instance_id self);

  /// A transaction has begun, at this time.
  void begin(timestamp now) {
    now_ = now;
  }

  result<written> write(const prune_history& x);

private:
  /// Prunes a stretch of leases; answers with where the next one begins.
  uint64_t prune_leases(const prune_history& x);

  timestamp now_;
  instance_id self_;
  sqlite::statement last_of_stretch_;
  sqlite::statement prune_events_;
  sqlite::statement prune_leases_;
  sqlite::statement prune_accesses_;
  sqlite::statement prune_instances_;
};

} // namespace leasehold
