#pragma once

// The questions that a SQLite store answers.

#include "messages/store.hpp"
#include "storage/sqlite.hpp"

#include <functional>
#include <string>
#include <unordered_map>

namespace leasehold {

/// Answers questions from what has been committed. Errors of the database are
/// thrown as `sqlite::error`.
class sqlite_reads {
public:
  /// Whether this engine has ended.
  using death_certificate = std::function<bool(const instance_id&)>;

  sqlite_reads(sqlite::connection& db, death_certificate is_dead);

  result<store_answer> read(const get_lease& x, timestamp now);
  result<store_answer> read(const list_leases& x, timestamp now);
  result<store_answer> read(const list_scheduled_cleanups& x, timestamp now);
  result<store_answer> read(const list_owed_cleanups& x, timestamp now);
  result<store_answer> read(const list_orphans& x, timestamp now);
  result<store_answer> read(const list_parked_until& x, timestamp now);
  result<store_answer> read(const list_claims& x, timestamp now);
  result<store_answer> read(const list_owned& x, timestamp now);
  result<store_answer> read(const list_instances& x, timestamp now);
  result<store_answer> read(const list_events& x, timestamp now);
  result<store_answer> read(const get_environment& x, timestamp now);
  result<store_answer> read(const list_environments& x, timestamp now);
  result<store_answer> read(const get_plugin& x, timestamp now);
  result<store_answer> read(const list_plugins& x, timestamp now);
  result<store_answer> read(const list_breakers& x, timestamp now);

private:
  /// The statement of this text, prepared at its first use and kept.
  sqlite::statement& prepared(const std::string& sql);

  sqlite::connection& db_;
  death_certificate is_dead_;
  std::unordered_map<std::string, sqlite::statement> statements_;
};

} // namespace leasehold
