#pragma once

// The writes that concern environments, plugins, their breakers, and engines, as statements
// inside a transaction that somebody else has begun.

#include "messages/store.hpp"
#include "storage/sqlite.hpp"

#include <string>

namespace leasehold {

/// Performs writes on what leases are made from. A write whose guard does not
/// hold has changed nothing. Errors that concern the whole transaction are
/// thrown as `sqlite::error`.
class sqlite_catalog_writes {
public:
  explicit sqlite_catalog_writes(sqlite::connection& db);

  /// A transaction has begun, at this time.
  void begin(timestamp now) {
    now_ = now;
  }

  result<written> write(const put_environment& x);
  result<written> write(const remove_environment& x);
  result<written> write(const put_plugin& x);
  result<written> write(const change_plugin& x);
  result<written> write(const remove_plugin& x);
  result<written> write(const register_instance& x);
  result<written> write(const open_breaker& x);
  result<written> write(const close_breaker& x);

private:
  timestamp now_;

  sqlite::statement put_environment_;
  sqlite::statement name_environment_;
  sqlite::statement count_environment_leases_;
  sqlite::statement remove_environment_;
  sqlite::statement put_plugin_;
  sqlite::statement change_plugin_;
  sqlite::statement name_plugin_;
  sqlite::statement count_plugin_leases_;
  sqlite::statement remove_plugin_;
  sqlite::statement register_instance_;
  sqlite::statement open_breaker_;
  sqlite::statement close_breaker_;
};

} // namespace leasehold
