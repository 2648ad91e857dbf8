#pragma once

// What tests turn at a PostgreSQL store; everybody else uses storage/store.hpp.

#include "storage/store.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace leasehold {

struct postgres_settings {
  /// How long to try to connect; the server counts whole seconds.
  milliseconds connect_timeout = std::chrono::seconds{5};
  /// How long one statement may take, and wait for a lock.
  milliseconds statement_timeout = std::chrono::seconds{30};
  milliseconds lock_timeout = std::chrono::seconds{10};
  /// How long the server keeps a transaction of an engine that hangs.
  milliseconds idle_timeout = std::chrono::seconds{30};
  /// How long a batch or a question waits for a server that is away, and how
  /// long we ask what became of a commit.
  milliseconds retry_for = std::chrono::seconds{10};
  /// How long an engine on another machine may be without a connection before
  /// it counts as dead.
  milliseconds death_grace = std::chrono::seconds{10};
  /// Empty: the server's clock.
  store_clock clock = {};
  /// See `life_options`.
  std::function<void(life_sign)> on_sign = {};
};

/// As the function of this name in storage/store.hpp.
result<std::unique_ptr<store>> open_postgres_store(const std::string& url,
                                                   const instance_id& self,
                                                   postgres_settings settings);

} // namespace leasehold
