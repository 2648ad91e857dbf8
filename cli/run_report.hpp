#pragma once

// What `leasehold run` did: its exit code, its sentences, its report.

#include "leasehold/types.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::cli {

/// When Leasehold itself failed, as timeout(1) and env(1) have it.
inline constexpr int exit_own_failure = 125;
inline constexpr int exit_timed_out = 124;

/// A part of the work and how long it took.
struct phase {
  std::string name;
  std::chrono::nanoseconds took{0};
};

/// Everything about one `leasehold run`; filled in as it goes.
struct run_report {
  std::string run;
  std::string environment;
  std::optional<lease> granted;
  /// Where the workspace was realized, if it was.
  std::string cwd;
  std::vector<phase> phases;
  std::optional<finished> command;
  std::optional<ended_lease> ended;
  /// How many cleanups are still owed, if any was.
  std::optional<size_t> cleanups_left;
  /// The signal that interrupted us, or 0.
  int signal = 0;
  /// The first thing that went wrong on Leasehold's side.
  std::optional<failure> error;
};

/// The program's exit code; see `leasehold run --help`.
int exit_code_of(const run_report& x);

/// What the lease is released as.
outcome outcome_of(const run_report& x);

/// `SIGKILL` -> 9; 0 for a name that is none.
int signal_number(std::string_view name);

// -- sentences ----------------------------------------------------------------

/// `sandbox box-7f3a91c2`, or just `local`.
std::string describe(const lease& x);

/// `acquired in 4.1 ms (sandbox box-7f3a91c2, fresh)`
std::string acquired_sentence(const lease& x, std::chrono::nanoseconds took);

/// `workspace realized in 1.2 ms (/workspace)`
std::string realized_sentence(const realized_workspace& x,
                              std::chrono::nanoseconds took);

/// `command ended in 1.3 s (exit code 0)`
std::string command_sentence(const finished& x, std::chrono::nanoseconds took);

/// `released in 0.8 ms (parked)`
std::string released_sentence(const ended_lease& x,
                              std::chrono::nanoseconds took);

/// The report as JSON; docs/command-line.md describes its fields.
nlohmann::ordered_json view(const run_report& x);

} // namespace leasehold::cli
