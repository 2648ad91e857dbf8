#pragma once

// The writes that concern secrets, one at a time, inside a transaction that
// somebody else has begun.

#include "messages/store.hpp"
#include "storage/postgres.hpp"
#include "storage/secret_records.hpp"

#include <optional>
#include <string>

namespace leasehold {

/// Performs writes on secrets. A write whose guard does not hold may have
/// changed something: the caller has a savepoint. Errors of the database are
/// thrown as `postgres::error`.
class postgres_secret_writes {
public:
  explicit postgres_secret_writes(postgres::connection& db);

  result<written> write(const put_secret& x, timestamp now);
  result<written> write(const add_secret_version& x, timestamp now);
  result<written> write(const set_secret_status& x, timestamp now);
  result<written> write(const set_secret_version_status& x, timestamp now);
  result<written> write(const bind_secret& x, timestamp now);
  result<written> write(const unbind_secret& x, timestamp now);
  result<written> write(const remove_secret& x, timestamp now);
  result<written> write(const record_secret_access& x, timestamp now);

  /// Makes and binds the secrets of an environment.
  result<written> attach(const put_environment& x, timestamp now);

  /// Forgets what was bound to an environment or plugin that is gone, and the
  /// secrets that were made for it.
  void forget(secret_target target, const std::string& id);

private:
  result<written> attach(const environment_id& environment,
                         const secret_use& use, timestamp now);

  void put_version(const secret_id& secret, uint32_t version,
                   const std::string& sealed, timestamp now);

  std::optional<found_secret> find(const secret_id& id);
  std::optional<secret_version_status> find(const secret_id& id,
                                            uint32_t version);

  postgres::connection& db_;
};

} // namespace leasehold
