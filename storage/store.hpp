#pragma once

// What a store must do. Two implementations, one contract
// (tests/store_contract.hpp).

#include "messages/result.hpp"
#include "messages/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace leasehold {

/// Keeps environments, leases, plugins and their history.
///
/// Threading: `apply`, `apply_beside`, and `read` are each called from one
/// thread at a time, which may be three different ones; all block. Nothing
/// throws.
class store {
public:
  virtual ~store() = default;

  /// Writes a batch in one transaction and answers each command in order.
  /// Returns after the commit. A command whose guard does not hold is answered
  /// with `conflict` and leaves the others alone; if the transaction fails as a
  /// whole, every command gets that error (`store_unavailable`,
  /// `store_unusable`, or `commit_unknown`).
  virtual std::vector<result<written>> apply(std::span<const store_write> batch)
    = 0;

  /// Whether another batch can be written while `apply` writes one.
  [[nodiscard]] virtual bool writes_beside() const {
    return false;
  }

  /// As `apply`, at the same time, and in no particular order with it: who
  /// writes a lease here waits for the answer before he writes it there. Only
  /// if `writes_beside`.
  virtual std::vector<result<written>>
  apply_beside(std::span<const store_write> batch) {
    return apply(batch);
  }

  /// Answers a question from what has been committed.
  virtual result<store_answer> read(const store_query& question) = 0;
};

/// The store's clock, in milliseconds since the Unix epoch.
using store_clock = std::function<timestamp()>;

/// Opens or creates the SQLite database at `path`, brings its schema up to
/// date, and gets its write lock for as long as an `apply` takes. Other
/// processes may have it open too. `self` is the engine that asks; it counts as
/// alive until the store is destroyed or its process ends.
/// Errors: `store_unusable` (newer schema, corrupt, not a database, read-only,
/// directory missing), `store_unavailable` (full disk, locked for too long).
result<std::unique_ptr<store>> open_sqlite_store(const std::string& path,
                                                 const instance_id& self,
                                                 store_clock clock);

/// What an engine that shares its store learns about its own life.
enum class life_sign : uint8_t {
  /// It has been without its store for so long that other engines may soon take
  /// its leases over.
  lost,
  /// It has its store again, and nobody can take anything over any more. What
  /// was taken before is in the store.
  back,
};

/// How an engine shows others that it lives.
struct life_options {
  /// How long it may be without its store before others may count it as dead.
  milliseconds grace = std::chrono::seconds{10};
  /// Called on a thread of the store. `back` may come without a `lost`.
  std::function<void(life_sign)> on_sign = {};
};

/// Opens the PostgreSQL database (version 13 or newer) at this
/// `postgres://` URL, and creates the tables or brings them up to date, in a
/// schema named `leasehold`. Its clock is the server's. Several engines may
/// have it open; `self` counts as alive as above, and for a while after its
/// connection is lost. A batch waits for a server that is away, within limits.
/// Errors: `store_unavailable` (cannot be reached now), `store_unusable` (no
/// such database or user, read-only, too old, newer schema). No text of an
/// error has the URL's password in it.
result<std::unique_ptr<store>> open_postgres_store(const std::string& url,
                                                   const instance_id& self,
                                                   life_options life = {});

} // namespace leasehold
