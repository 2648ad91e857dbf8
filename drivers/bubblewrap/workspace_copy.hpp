#pragma once

// Copies a workspace folder into a box.

#include "messages/result.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace leasehold::bubblewrap {

/// What to copy where. All paths are on the host.
struct copy_job {
  /// The folder whose contents are copied.
  std::string from;
  /// An existing directory. What commands left there, links included, is never
  /// followed.
  std::string to;
  /// A directory that is never copied: the one that boxes live in.
  std::string leave_out;
  /// Takes directories that are in the way of a file; on the same file system
  /// as `to`.
  std::string trash;
  /// Ends the job early, from any thread.
  std::shared_ptr<std::atomic<bool>> cancelled
    = std::make_shared<std::atomic<bool>>(false);
};

struct copy_report {
  uint64_t files = 0;
  uint64_t bytes = 0;
  /// Sockets, pipes and devices, which are not copied.
  uint64_t skipped = 0;
  /// Names of what was moved to the trash.
  std::vector<std::string> replaced;
};

/// Copies files, directories and links, with permissions and times of change.
/// What is there already and not in `from` stays. Blocks.
result<copy_report> copy_workspace(const copy_job& job);

} // namespace leasehold::bubblewrap
