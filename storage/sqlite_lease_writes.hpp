#pragma once

// The writes that concern leases, as statements inside a transaction that
// somebody else has begun.

#include "messages/store.hpp"
#include "storage/sqlite.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace leasehold {

/// Performs writes on leases. Every `write` changes what it says and adds a
/// line of history, or answers `conflict` and has changed nothing. Guards are
/// part of the statements; a row is only read to explain a conflict.
///
/// Errors that concern the whole transaction are thrown as `sqlite::error`.
class sqlite_lease_writes {
public:
  /// `self` signs the history.
  sqlite_lease_writes(sqlite::connection& db, instance_id self);

  /// A transaction has begun, at this time.
  void begin(timestamp now);

  /// The transaction is about to be committed.
  void finish();

  result<written> write(const insert_lease& x);
  result<written> write(const reacquire_lease& x);
  result<written> write(const activate_lease& x);
  result<written> write(const give_up_resource& x);
  result<written> write(const end_lease& x);
  result<written> write(const extend_lease& x);
  result<written> write(const describe_lease& x);
  result<written> write(const record_cleanup& x);
  result<written> write(const owe_cleanup& x);
  result<written> write(const leasehold::take_fence& x);
  result<written> write(const await_run& x);
  result<written> write(const adopt_late& x);
  result<written> write(const confirm_gone& x);

private:
  /// The next fence. Fences are counted in memory while we have the write lock
  /// and stored when the transaction ends.
  fence_no next_fence();

  /// Adds a line of history: what the lease is now, and what it was before
  /// unless that is the same.
  void record(const lease_id& who, std::optional<lease_status> before,
              std::string_view note);

  /// The first line of history: nothing was before.
  void record_first(const lease_id& who, std::string_view note);

  /// `written`, with the fence that the lease has.
  lease_status status_of(const lease_id& who);

  written done_to(const lease_id& who);

  /// Why the guard of a write on this lease does not hold. `asked` is the
  /// fence that the write was for; zero if it was for any.
  failure conflict(std::string_view verb, const lease_id& who, fence_no asked);

  /// Why the database does not take a write on this lease.
  failure refused(const sqlite::error& why, std::string_view verb,
                  const lease_id& who, const resource_id& resource = {},
                  std::optional<std::string_view> provider = {},
                  const plugin_id& plugin = {});

  /// Why the plugin of a new lease does not do, if it does not.
  std::optional<failure> unfit_plugin(const insert_lease& x);

  /// Whether the lease that this one claims was still parked.
  bool claim(const insert_lease& x);

  void insert(const insert_lease& x, fence_no fence);

  sqlite::connection& db_;
  instance_id self_;
  timestamp now_;
  /// The last fence, once this transaction has taken one.
  std::optional<fence_no> last_fence_;

  sqlite::statement read_fence_;
  sqlite::statement store_fence_;
  sqlite::statement insert_;
  sqlite::statement claim_;
  sqlite::statement reacquire_;
  sqlite::statement activate_;
  sqlite::statement give_up_;
  sqlite::statement give_back_;
  sqlite::statement end_;
  sqlite::statement extend_;
  sqlite::statement describe_;
  sqlite::statement record_cleanup_;
  sqlite::statement owe_cleanup_;
  sqlite::statement await_run_;
  sqlite::statement adopt_late_;
  sqlite::statement confirm_gone_;
  sqlite::statement record_;
  sqlite::statement read_state_;
  sqlite::statement find_holder_;
  sqlite::statement is_held_;
  sqlite::statement read_plugin_;
};

} // namespace leasehold
