#pragma once

// What a workspace folder holds, what was placed of it before, and what has to
// be sent.

#include "messages/result.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold::ssh {

/// The file that says what we placed, in the remote workspace.
inline constexpr std::string_view listing_name = ".leasehold-placed";

/// Something in a folder. Times and sizes count for files only.
struct listed_entry {
  enum class kind : uint8_t { file, folder, link };
  kind what = kind::file;
  /// Permissions, as in `chmod`.
  uint32_t mode = 0;
  uint64_t size = 0;
  /// The time of the last change, in nanoseconds.
  int64_t changed_ns = 0;
  /// Where a link leads.
  std::string target = {};

  friend bool operator==(const listed_entry&, const listed_entry&) = default;
};

/// Entries by their paths below the folder, parents before children.
using listing = std::map<std::string, listed_entry>;

/// Lists a folder. Links are not followed; sockets, pipes and devices are left
/// out. Blocks; ends early when `cancelled` becomes true.
result<listing> list_folder(const std::string& path,
                            const std::atomic<bool>& cancelled);

/// One ASCII line per entry.
std::string to_text(const listing& what);

/// Reads such a text. Lines that are no entries, or that lead out of the
/// folder, are left out: commands may have written there.
listing parse_listing(std::string_view text);

/// What the remote workspace says about itself.
struct remote_state {
  listing placed = {};
  /// What is there now.
  std::set<std::string> present = {};
  /// What has changed since it was placed.
  std::set<std::string> changed = {};
};

/// Reads what the remote side says: the listing, then what has changed, then
/// what is present; an empty name ends each, every name ends in NUL.
remote_state parse_remote_state(std::string_view text);

/// What makes the remote workspace hold what the local folder does. Files that
/// we did not place stay.
struct upload_plan {
  std::vector<std::string> send = {};
  std::vector<std::string> remove_files = {};
  /// Children before parents.
  std::vector<std::string> remove_folders = {};

  [[nodiscard]] bool empty() const {
    return send.empty() && remove_files.empty() && remove_folders.empty();
  }
};

upload_plan plan_upload(const listing& local, const remote_state& remote);

} // namespace leasehold::ssh
