#pragma once

// Where the program keeps its records.

#include "messages/result.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace leasehold::cli {

/// Looks up an environment variable; empty if it is not set.
using variable_lookup = std::function<std::string(const std::string& name)>;

/// The process's own environment.
std::string environment_variable(const std::string& name);

/// The data directory: what `--data` says, else `$LEASEHOLD_DATA`, else
/// `$XDG_DATA_HOME/leasehold`, else `~/.local/share/leasehold`; absolute.
result<std::filesystem::path>
choose_data_directory(const std::string& option, const variable_lookup& look);

/// Makes the directory, for its owner only, and its parents where they are
/// missing, and checks that it can be used.
result<done> prepare_data_directory(const std::filesystem::path& where);

} // namespace leasehold::cli
