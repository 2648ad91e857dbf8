#pragma once

// What `plugin add` and `plugin upgrade` say a plugin is, read from where it
// is.

#include "cli/plugin_arguments.hpp"
#include "leasehold/types.hpp"

#include <filesystem>
#include <string>

namespace leasehold::cli {

/// What npm is to install for this source; empty if it is a folder.
std::string npm_spec_of(const std::string& source);

/// The plugin, ready to be added. An npm package is installed below the data
/// directory. Errors: `invalid_request`, `invalid_config`.
result<plugin_info> offered_plugin(const plugin_offer_arguments& what,
                                   const std::filesystem::path& data);

/// Where a plugin came from, to get its latest version. Errors:
/// `invalid_request` if it came with a manifest and a command.
result<std::string> source_of(const plugin_info& plugin,
                              const std::filesystem::path& data);

} // namespace leasehold::cli
