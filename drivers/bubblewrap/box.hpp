#pragma once

// A box on disk: a directory and the record in it.

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace leasehold::bubblewrap {

enum class box_state : uint8_t { active, parked };

std::string to_string(box_state state);

/// The record of a box: who holds it.
struct box {
  /// Its name on the wire (`providerLeaseId`) and on disk.
  std::string id;
  lease_id lease;
  /// Zero: none was given.
  fence_no fence = 0;
  company_id company;
  environment_id environment;
  run_id run;
  /// When it was made, as ISO 8601.
  std::string created;
  box_state state = box_state::active;
  /// The host folder that is its workspace; empty: a directory of its own.
  std::string bound_workspace;
};

/// Makes the directories and the synthetic system files of a box below the
/// existing directory `path`.
result<> furnish(const std::string& path, const std::string& hostname);

/// Reads the record below `path`; nothing if there is none or it is damaged.
std::optional<box> read_box(const std::string& path);

/// Writes the first record below `path`, where nobody looks yet.
result<> write_box(const std::string& path, const box& record);

/// Replaces the record below `path`: what a crash leaves is the old one or the
/// new one.
result<> replace_box(const std::string& path, const box& record);

} // namespace leasehold::bubblewrap
