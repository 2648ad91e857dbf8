#pragma once

// Small file system work that has to hold across crashes and against what runs
// in a sandbox.

#include "messages/result.hpp"

#include <string>
#include <string_view>

namespace leasehold::kit {

/// `<what> <path>: <the system's words>`.
failure disk_failure(std::string_view what, const std::string& path,
                     int error_number);

/// Whether a file has to outlast a failure of power.
enum class lasting : bool { no, yes };

/// Writes a whole file in place.
result<> write_file(const std::string& path, std::string_view content,
                    lasting how);

/// Replaces a file so that it is the old one or the new one after a crash.
result<> replace_file(const std::string& path, std::string_view content);

/// Removes `name` in `directory` with all that is below it: never follows a
/// link, needs no permission but ownership, takes any depth. On the way, what
/// lies deep is moved up into `directory`, so that nothing else must be there
/// that starts with `name`. Success if there is no such thing.
result<> remove_tree(const std::string& directory, const std::string& name);

} // namespace leasehold::kit
