#pragma once

// Tells which of the engines that share a SQLite file are alive: each holds a
// lock on a file of its own, and the kernel drops it however the engine ends.

#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <string>

namespace leasehold {

/// One engine's sign of life, for as long as this exists.
class instance_lock {
public:
  /// Nobody's sign of life.
  instance_lock() = default;

  ~instance_lock();

  instance_lock(instance_lock&& other) noexcept;
  instance_lock(const instance_lock&) = delete;
  instance_lock& operator=(const instance_lock&) = delete;

  /// Makes `directory` if needed, and `self`'s lock file in it.
  static result<instance_lock> take(const std::string& directory,
                                    const instance_id& self);

private:
  instance_lock(std::string path, int file);

  std::string path_;
  int file_ = -1;
};

/// Whether this engine has ended. Only says so when it is certain.
bool is_dead(const std::string& directory, const instance_id& who);

/// Removes the lock files that dead engines left.
void remove_dead_locks(const std::string& directory);

} // namespace leasehold
