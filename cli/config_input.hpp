#pragma once

// Texts and configs as people give them.

#include "cli/arguments.hpp"
#include "leasehold/types.hpp"

#include <functional>
#include <string>

namespace leasehold::cli {

/// The text of a file, or of standard input for `-`.
result<std::string> read_text(const std::string& path);

/// The text of an option: itself, a file's (`@FILE`), or that of standard input
/// (`-`).
result<std::string> read_option(const std::string& given);

/// The environment that `env add` describes. `read` gets the texts that
/// `--config` refers to.
result<environment_info> environment_from(
  const env_add_arguments& what,
  const std::function<result<std::string>(const std::string& path)>& read);

} // namespace leasehold::cli
