#include "storage/postgres_history.hpp"

#include "storage/postgres_conditions.hpp"

namespace leasehold {

namespace {

using postgres::parameters;

// As storage/sqlite_history.cpp: a stretch of leases between two numbers.
const std::string prune_leases_sql
  = "WITH gone AS (DELETE FROM leases WHERE seq > $1::bigint "
    "AND seq <= $2::bigint AND updated_at <= $3::bigint AND "
    + pg::finished
    + " RETURNING seq) DELETE FROM lease_events "
      "WHERE lease_seq IN (SELECT seq FROM gone)";

const std::string last_of_stretch_sql = R"(
SELECT seq, acquired_at FROM leases WHERE seq > $1::bigint
ORDER BY seq LIMIT 1 OFFSET $2::bigint)";

const std::string prune_accesses_sql = R"(
DELETE FROM secret_access_events WHERE at <= $1::bigint AND id IN (
  SELECT id FROM secret_access_events ORDER BY id LIMIT $2::bigint))";

const std::string prune_instances_sql
  = "DELETE FROM engine_instances WHERE id IN (SELECT e.id "
    "FROM engine_instances e WHERE e.started_at <= $1::bigint "
    "AND NOT EXISTS (SELECT FROM engine_lives v WHERE v.id = e.id) "
    "AND NOT EXISTS (SELECT FROM leases WHERE owner_instance = e.id AND "
    + pg::live + ") LIMIT $2::bigint)";

// Engines that died left their mark; who lives, or may live, has a lock, or
// registered not long ago.
const std::string prune_lives_sql = R"(
DELETE FROM engine_lives v
WHERE NOT EXISTS (SELECT FROM pg_locks k
    WHERE k.locktype = 'advisory' AND k.objsubid = 1
      AND ((k.classid::bigint << 32) | k.objid::bigint)
        = hashtextextended('leasehold ' || v.id, 0))
  AND EXISTS (SELECT FROM engine_instances e
    WHERE e.id = v.id AND e.started_at <= $1::bigint)
  AND NOT EXISTS (SELECT FROM leases WHERE owner_instance = v.id
    AND status IN ('acquiring', 'active')))";

} // namespace

postgres_history::postgres_history(postgres::connection& db) : db_{db} {
  // nop
}

result<written> postgres_history::write(const prune_history& x, timestamp now) {
  uint64_t next = 0;
  if (x.leases_older.count() > 0) {
    auto cutoff = timestamp{now.ms - x.leases_older.count()};
    next = prune_leases(x, cutoff);
    db_.run(prune_lives_sql, parameters{cutoff});
    db_.run(prune_instances_sql, parameters{cutoff, x.limit});
  }
  if (x.accesses_older.count() > 0) {
    auto cutoff = timestamp{now.ms - x.accesses_older.count()};
    auto gone = db_.run(prune_accesses_sql, parameters{cutoff, x.limit});
    // There may be more.
    if (gone.changed() >= x.limit && next == 0)
      next = x.after + 1;
  }
  return written{now, 0, next};
}

uint64_t postgres_history::prune_leases(const prune_history& x,
                                        timestamp cutoff) {
  // The whole rest, unless there is more than one stretch left.
  int64_t last = INT64_MAX;
  timestamp made;
  auto found = db_.run(last_of_stretch_sql, parameters{x.after, x.limit - 1});
  if (found.next())
    found.read(last, made);
  db_.run(prune_leases_sql, parameters{x.after, last, cutoff});
  // What was made later than the cut ended later, too.
  return last == INT64_MAX || made > cutoff ? 0 : static_cast<uint64_t>(last);
}

} // namespace leasehold
