#pragma once

// The writes that concern environments, plugins and engines, one at a time,
// inside a transaction that somebody else has begun.

#include "messages/store.hpp"
#include "storage/postgres.hpp"

namespace leasehold {

/// Performs writes on what leases are made from. A write whose guard does not
/// hold has changed nothing. What a constraint refuses is thrown as
/// `postgres::error` too; the caller has a savepoint and asks what it means.
class postgres_catalog_writes {
public:
  explicit postgres_catalog_writes(postgres::connection& db);

  result<written> write(const put_environment& x, timestamp now);
  result<written> write(const remove_environment& x, timestamp now);
  result<written> write(const put_plugin& x, timestamp now);
  result<written> write(const change_plugin& x, timestamp now);
  result<written> write(const remove_plugin& x, timestamp now);
  result<written> write(const register_instance& x, timestamp now);
  result<written> write(const open_breaker& x, timestamp now);
  result<written> write(const close_breaker& x, timestamp now);

  /// What a constraint's refusal means for the command that met it.
  failure refused(const postgres::error& why, const put_environment& x);
  failure refused(const postgres::error& why, const put_plugin& x);

private:
  postgres::connection& db_;
};

} // namespace leasehold
