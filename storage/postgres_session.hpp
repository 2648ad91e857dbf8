#pragma once

// Sessions of a PostgreSQL store: connected, checked, and set up.

#include "storage/postgres.hpp"
#include "storage/postgres_store.hpp"
#include "storage/postgres_url.hpp"

#include <chrono>
#include <memory>

namespace leasehold {

/// Where a store is and how it is used.
struct postgres_place {
  postgres_url url;
  postgres_settings settings;
};

/// A new session. Throws `postgres::error`, with the server's own reason where
/// it gives one.
std::unique_ptr<postgres::connection> connect(const postgres_place& to);

/// Sets time-outs and the like on a session that is only connected. Throws
/// `postgres::error`.
void set_up(postgres::connection& db, const postgres_settings& settings);

/// Makes sure that this session may write. Throws `postgres::error`.
void expect_writable(postgres::connection& db);

/// The server's clock, unless the settings have one.
timestamp now_of(postgres::connection& db, const postgres_settings& settings);

/// Says for how long something may be tried again, and waits in between.
class retry_budget {
public:
  explicit retry_budget(milliseconds how_long);

  /// Whether there is time for another try; waits a little longer each time.
  bool wait();

private:
  std::chrono::steady_clock::time_point end_;
  milliseconds pause_{0};
};

} // namespace leasehold
