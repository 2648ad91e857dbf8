#pragma once

// What `leasehold run` is about to do, worked out before anything is started.

#include "cli/arguments.hpp"
#include "leasehold/engine.hpp"

#include <filesystem>
#include <future>
#include <stop_token>
#include <string>

namespace leasehold::cli {

/// The environment that a run wants. Without a driver it must exist; with one
/// it is made when it is missing.
environment_info wanted_environment(const run_arguments& x);

/// Whether an existing environment is the kind that was wanted.
result<done> check_environment(const environment_info& wanted,
                               const environment_info& found);

/// Asks for the lease that a run wants: a new one in this environment, or what
/// an earlier one has left.
std::future<result<lease>> ask_for_lease(engine& with, const run_arguments& x,
                                         const std::string& environment,
                                         const std::string& run,
                                         std::stop_token stop);

/// A fresh id: `run-` and eight hexadecimal digits.
std::string fresh_run_id();

/// The absolute path of the folder to bring in; it must be one.
result<std::string> workspace_path(const std::string& given);

/// Where the command runs: `given` within the realized workspace; for the
/// driver `local` without a workspace, within `here`. Empty leaves it to the
/// lease.
std::string command_cwd(const std::string& given, const std::string& realized,
                        const std::string& driver,
                        const std::filesystem::path& here);

} // namespace leasehold::cli
