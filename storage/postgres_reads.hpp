#pragma once

// The questions that a PostgreSQL store answers.

#include "messages/store.hpp"
#include "storage/postgres.hpp"

#include <functional>
#include <vector>

namespace leasehold {

/// Answers questions from what has been committed. Errors of the database are
/// thrown as `postgres::error`.
class postgres_reads {
public:
  /// Which of these engines have ended.
  using coroner = std::function<std::vector<instance_id>(
    const std::vector<instance_id>& suspects)>;

  /// The store's clock, asked where an answer tells the time.
  using clock = std::function<timestamp()>;

  postgres_reads(postgres::connection& db, clock now, coroner find_dead);

  result<store_answer> read(const get_lease& x);
  result<store_answer> read(const list_leases& x);
  result<store_answer> read(const list_scheduled_cleanups& x);
  result<store_answer> read(const list_owed_cleanups& x);
  result<store_answer> read(const list_orphans& x);
  result<store_answer> read(const list_parked_until& x);
  result<store_answer> read(const list_claims& x);
  result<store_answer> read(const list_owned& x);
  result<store_answer> read(const list_instances& x);
  result<store_answer> read(const list_events& x);
  result<store_answer> read(const get_environment& x);
  result<store_answer> read(const list_environments& x);
  result<store_answer> read(const get_plugin& x);
  result<store_answer> read(const list_plugins& x);
  result<store_answer> read(const list_breakers& x);

private:
  /// Owners of live leases, but for this one.
  std::vector<instance_id> other_owners(const instance_id& asker);

  postgres::connection& db_;
  clock now_;
  coroner find_dead_;
};

} // namespace leasehold
