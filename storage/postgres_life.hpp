#pragma once

// Tells which of the engines that share a PostgreSQL database are alive.
//
// Each engine holds a session of its own with an advisory lock in it, which
// PostgreSQL drops when the session ends. But a session also ends when the
// network or the server fails, while the engine goes on. So a lock that is gone
// proves nothing by itself. An engine is dead if
//   - it has left: it took its row out of `engine_lives`; or
//   - its process has ended, which whoever runs on the same machine can see; or
//   - its lock is gone and has not come back for a grace period, in which a
//     living engine connects again.
// Clocks of different machines are never compared.
//
// An engine notices when it has lost touch: it asks its server for a sign of
// life several times in a grace period. It says so to whoever watches before
// anybody else can count it as dead. Who takes over from a dead engine holds a
// share of its lock meanwhile, so that it cannot come back before that is over,
// and sees what was taken when it does.

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "storage/postgres.hpp"
#include "storage/postgres_url.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace leasehold {

/// One engine's sign of life, for as long as this exists.
class postgres_life {
public:
  virtual ~postgres_life() = default;
};

/// Shows from now on that `self` lives, on a thread and a session of its own.
/// Connects again when the session is lost. `prepare` readies new sessions.
/// Throws `postgres::error`. Errors: `already_exists`.
result<std::unique_ptr<postgres_life>>
show_life(const postgres_url& url, const instance_id& self,
          std::function<void(postgres::connection&)> prepare,
          life_options life);

/// Finds out which engines are dead. Only says so when it is certain.
class postgres_coroner {
public:
  explicit postgres_coroner(milliseconds grace);

  /// Those of the suspects that are dead. Throws `postgres::error`.
  std::vector<instance_id> find_dead(postgres::connection& db,
                                     const std::vector<instance_id>& suspects);

private:
  using steady = std::chrono::steady_clock;

  /// Whether a lock that is gone has been so for long.
  bool gone_for_long(const instance_id& who);

  milliseconds grace_;
  /// Since when we have seen no lock of an engine that has not left.
  std::unordered_map<instance_id, steady::time_point> missed_since_;
};

} // namespace leasehold
