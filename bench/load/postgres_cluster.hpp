#pragma once

// A PostgreSQL server for one run of the benchmarks: a private cluster in a
// directory of its own, reached by a socket in it, with its settings as they
// ship, `fsync` above all.

#include <sys/types.h>

#include <string>

namespace leasehold::bench {

class postgres_cluster {
public:
  /// Whether its programs are on this machine.
  static bool is_here();

  /// Makes and starts one in `folder`, which must be empty and is given to the
  /// server's user. Throws if it does not start.
  explicit postgres_cluster(std::string folder);

  postgres_cluster(const postgres_cluster&) = delete;
  postgres_cluster& operator=(const postgres_cluster&) = delete;

  /// Returns when it is gone.
  ~postgres_cluster();

  [[nodiscard]] const std::string& folder() const noexcept {
    return folder_;
  }

  [[nodiscard]] pid_t process() const noexcept {
    return pid_;
  }

private:
  void await_ready();

  std::string folder_;
  pid_t pid_ = -1;
};

} // namespace leasehold::bench
