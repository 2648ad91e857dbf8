#pragma once

// Folders with a plugin that is written with the plugin SDK: a `package.json`
// that names a manifest and a worker.

#include "leasehold/types.hpp"

#include <filesystem>

namespace leasehold::cli {

/// What such a folder holds, ready to be added: the manifest, the command that
/// starts the worker with Node.js, the package's name and path. A manifest that
/// is a JavaScript module is loaded by Node.js in a process of its own. Errors:
/// `invalid_request`, whose message says what is wrong with which file;
/// `invalid_config` for what is no manifest at all.
result<plugin_info> read_plugin_folder(const std::filesystem::path& folder);

} // namespace leasehold::cli
