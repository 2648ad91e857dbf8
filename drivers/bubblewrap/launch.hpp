#pragma once

// How bubblewrap is told what a command may see. Pure, but for `look_at_host`.

#include "drivers/bubblewrap/box_config.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace leasehold::bubblewrap {

/// Where commands find the workspace.
inline constexpr const char* workspace_path = "/workspace";

/// Where commands find their home.
inline constexpr const char* home_path = "/home/runner";

/// What a box needs to know about the host's root directory.
struct host_layout {
  /// Top-level links such as `/lib64` -> `usr/lib64`: name, target.
  std::vector<std::pair<std::string, std::string>> links;
  /// Top-level directories with programs and libraries, on hosts that have not
  /// merged them into `/usr`.
  std::vector<std::string> directories;
};

host_layout look_at_host();

/// One command in one box.
struct launch_request {
  host_layout host;
  box_config config;
  /// The box's directory on the host.
  std::string box_path;
  /// The host folder that is the workspace; empty: the box's own.
  std::string bound_workspace;
  std::string hostname;
  std::string cwd;
  /// The whole environment of the command.
  std::map<std::string, std::string> env;
};

/// Bubblewrap's options. They hold the environment and so may hold secrets:
/// to be handed over through a descriptor, not as arguments.
std::vector<std::string> bubblewrap_options(const launch_request& what);

/// Options as bubblewrap's `--args` reads them.
std::string to_args_block(const std::vector<std::string>& options);

/// The environment of a command: defaults, then the config's variables, then
/// `own`, then the lease's identity.
std::map<std::string, std::string>
command_env(const box_config& config,
            const std::map<std::string, std::string>& own,
            const std::map<std::string, std::string>& identity);

} // namespace leasehold::bubblewrap
