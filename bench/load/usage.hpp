#pragma once

// What processes use: read from /proc, for every process that takes part.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace leasehold::bench {

/// All processes of one name that take part, together.
struct process_use {
  std::string name;
  size_t processes = 0;
  double cpu_seconds = 0;
  /// Resident, and the share of it that is not another's; in KiB.
  uint64_t rss_kib = 0;
  uint64_t pss_kib = 0;
};

/// A process and all that it started.
std::vector<pid_t> family_of(pid_t root);

/// The first word of what a process is, such as `postgres`.
std::string name_of(pid_t who);

double cpu_seconds_of(pid_t who);

/// Resident memory of this process, in bytes.
uint64_t own_rss();

/// Adds the processor time of `more`, and takes its memory.
void add_use(std::vector<process_use>& to,
             const std::vector<process_use>& more);

/// Such as `85 us of processor each`: of all processes together.
std::string cost_of_each(const std::vector<process_use>& all, uint64_t count);

/// Watches this process, what it starts, and the families of others.
class usage_meter {
public:
  explicit usage_meter(std::vector<pid_t> others = {});

  /// What was used since the meter was made.
  [[nodiscard]] std::vector<process_use> read() const;

private:
  [[nodiscard]] std::vector<pid_t> everybody() const;

  std::vector<pid_t> others_;
  std::map<pid_t, double> before_;
};

} // namespace leasehold::bench
