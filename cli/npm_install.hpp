#pragma once

// Plugins that come as npm packages, installed below the data directory.

#include "leasehold/types.hpp"

#include <filesystem>
#include <string>

namespace leasehold::cli {

/// Installs a package with npm and says what it holds. `spec` is what `npm
/// install` takes: a name, `name@version`, a folder or a tarball. No script of
/// any package is run. Each call installs into a folder of its own below
/// `plugins/KEY` of the data directory; one that fails leaves nothing behind.
/// Errors: `invalid_request`, `invalid_config`.
result<plugin_info> install_npm_plugin(const std::filesystem::path& data,
                                       const std::string& spec);

/// Removes an installation that was not put to use.
void undo_npm_install(const std::filesystem::path& data,
                      const plugin_info& what);

/// Removes every installation of a plugin that is gone.
void remove_npm_installs(const std::filesystem::path& data,
                         const std::string& key);

/// Whether a plugin was installed by us.
bool is_npm_install(const std::filesystem::path& data, const plugin_info& what);

} // namespace leasehold::cli
