#pragma once

// What tests turn at a SQLite store; everybody else uses storage/store.hpp.

#include "storage/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace leasehold {

struct sqlite_settings {
  /// How long to wait for another process's transaction.
  milliseconds busy_timeout = std::chrono::seconds{10};
  /// The size at which the disk counts as full; zero means none.
  int64_t pages_max = 0;
  /// Keeps everything in memory, for as long as anybody in this process has a
  /// database of this name open: the path is a name only.
  bool in_memory = false;
  /// Tells which engines are dead, instead of the locked files.
  std::function<bool(const instance_id&)> is_dead = {};
};

/// As the function of this name in storage/store.hpp.
result<std::unique_ptr<store>> open_sqlite_store(const std::string& path,
                                                 const instance_id& self,
                                                 store_clock clock,
                                                 sqlite_settings settings);

} // namespace leasehold
