#pragma once

// Runs a program to its end and keeps what it says.

#include "messages/result.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace leasehold::cli {

/// A program to run. It gets no standard input, and no signal is blocked for
/// it, whatever we block ourselves.
struct child_run {
  /// A name without a slash is looked up in $PATH.
  std::vector<std::string> argv;
  /// Empty: where we are.
  std::filesystem::path cwd = {};
  /// All that it finds in its environment.
  std::map<std::string, std::string> env = {};
  /// When it is killed.
  std::chrono::milliseconds limit{30'000};
};

/// What a program said, and how it ended.
struct child_end {
  /// None of the two if it was killed because its time was up.
  int exit_code = -1;
  int signal = 0;
  bool timed_out = false;
  std::string out;
  std::string err;
  /// What it wrote to descriptor 3: an answer that no stray print spoils.
  std::string answer;

  [[nodiscard]] bool well() const noexcept {
    return exit_code == 0;
  }

  /// `exit code 1`, `signal 9`, `it took too long`.
  [[nodiscard]] std::string how() const;
};

/// Runs it. Of each stream the first MiB is kept. Errors:
/// `command_not_started`, also if there is no such program.
result<child_end> run_child(const child_run& what);

/// Our own environment, without the master key.
std::map<std::string, std::string> passed_on_environment();

} // namespace leasehold::cli
