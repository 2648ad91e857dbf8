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

/// Writes a whole file in place. After a failure of power it may be empty.
result<> write_file(const std::string& path, std::string_view content);

/// Replaces a file so that it is the old one or the new one, even after a
/// failure of power if the old one had reached the disk.
result<> replace_file(const std::string& path, std::string_view content);

/// Removes `name` in `directory` with all that is below it: never follows a
/// link, needs no permission but ownership, takes any depth. On the way, what
/// lies deep is moved up into `directory`, so that nothing else must be there
/// that starts with `name`. Success if there is no such thing.
result<> remove_tree(const std::string& directory, const std::string& name);

} // namespace leasehold::kit
