#include "storage/sqlite_history.hpp"

#include "storage/sqlite_conditions.hpp"

#include <utility>

namespace leasehold {

namespace {

// A stretch of leases lies between two numbers; there is no index of what is
// finished, which every lease would have to pay for.
const std::string stretch
  = "SELECT seq FROM leases WHERE seq > ?1 AND seq <= ?2 AND updated_at <= ?3 "
    "AND "
    + finished;

constexpr const char* last_of_stretch = R"(
SELECT seq, acquired_at FROM leases WHERE seq > ?1
ORDER BY seq LIMIT 1 OFFSET ?2)";

constexpr const char* prune_accesses = R"(
DELETE FROM secret_access_events WHERE at <= ?1 AND id IN (
  SELECT id FROM secret_access_events ORDER BY id LIMIT ?2))";

const std::string prune_instances
  = "DELETE FROM engine_instances WHERE id IN (SELECT e.id "
    "FROM engine_instances e WHERE e.started_at <= ?1 AND e.id IS NOT ?2 "
    "AND NOT EXISTS (SELECT 1 FROM leases WHERE owner_instance = e.id AND "
    + live + ") LIMIT ?3)";

} // namespace

sqlite_history::sqlite_history(sqlite::connection& db, instance_id self)
  : self_{std::move(self)}, last_of_stretch_{db, last_of_stretch},
    prune_events_{db, "DELETE FROM lease_events WHERE lease_seq IN (" + stretch
                        + ")"},
    prune_leases_{db, "DELETE FROM leases WHERE seq IN (" + stretch + ")"},
    prune_accesses_{db, prune_accesses}, prune_instances_{db, prune_instances} {
  // nop
}

result<written> sqlite_history::write(const prune_history& x) {
  auto last = x.after;
  uint64_t next = 0;
  if (x.leases_older.count() > 0) {
    next = prune_leases(x);
    prune_instances_.run(timestamp{now_.ms - x.leases_older.count()}, self_,
                         x.limit);
  }
  if (x.accesses_older.count() > 0) {
    auto gone = prune_accesses_.run(
      timestamp{now_.ms - x.accesses_older.count()}, x.limit);
    // There may be more.
    if (gone >= x.limit && next == 0)
      next = last + 1;
  }
  return written{now_, 0, next};
}

uint64_t sqlite_history::prune_leases(const prune_history& x) {
  auto cutoff = timestamp{now_.ms - x.leases_older.count()};
  // The whole rest, unless there is more than one stretch left.
  uint64_t last = INT64_MAX;
  timestamp made;
  if (auto found = last_of_stretch_.ask(x.after, x.limit - 1); found.next())
    found.read(last, made);
  prune_events_.run(x.after, last, cutoff);
  prune_leases_.run(x.after, last, cutoff);
  // What was made later than the cut ended later, too.
  return last == INT64_MAX || made > cutoff ? 0 : last;
}

} // namespace leasehold
