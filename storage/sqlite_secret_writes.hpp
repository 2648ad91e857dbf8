#pragma once

// The writes that concern secrets, as statements inside a transaction that
// somebody else has begun.

#include "messages/store.hpp"
#include "storage/secret_records.hpp"
#include "storage/sqlite.hpp"

#include <optional>
#include <string>

namespace leasehold {

/// Performs writes on secrets, their versions and their bindings. A write whose
/// guard does not hold has changed nothing. Errors that concern the whole
/// transaction are thrown as `sqlite::error`.
class sqlite_secret_writes {
public:
  explicit sqlite_secret_writes(sqlite::connection& db);

  /// A transaction has begun, at this time.
  void begin(timestamp now) {
    now_ = now;
  }

  result<written> write(const put_secret& x);
  result<written> write(const add_secret_version& x);
  result<written> write(const set_secret_status& x);
  result<written> write(const set_secret_version_status& x);
  result<written> write(const bind_secret& x);
  result<written> write(const unbind_secret& x);
  result<written> write(const remove_secret& x);
  result<written> write(const record_secret_access& x);

  /// The part of a `put_environment` that concerns secrets. May have changed
  /// something when it fails: the caller has a savepoint.
  result<written> attach(const put_environment& x);

  /// An environment or plugin has been removed: so are its bindings, and the
  /// secrets that were made for it and are used nowhere else.
  void forget(secret_target target, const std::string& id);

private:
  result<written> attach(const environment_id& environment,
                         const secret_use& use);

  std::optional<found_secret> find(const secret_id& id);
  std::optional<secret_version_status> find(const secret_id& id,
                                            uint32_t version);

  timestamp now_;

  sqlite::statement put_;
  sqlite::statement put_version_;
  sqlite::statement find_;
  sqlite::statement find_version_;
  sqlite::statement raise_latest_;
  sqlite::statement set_status_;
  sqlite::statement set_version_status_;
  sqlite::statement bind_;
  sqlite::statement unbind_;
  sqlite::statement unbind_others_;
  sqlite::statement attach_;
  sqlite::statement places_;
  sqlite::statement remove_;
  sqlite::statement record_;
  sqlite::statement forget_bindings_;
  sqlite::statement forget_secrets_;
  sqlite::statement disown_;
};

} // namespace leasehold
