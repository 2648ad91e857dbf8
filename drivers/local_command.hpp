#pragma once

// One command that runs on this host, under the guard.

#include "drivers/child_process.hpp"
#include "drivers/command_output.hpp"
#include "drivers/io_loop.hpp"
#include "messages/command.hpp"
#include "messages/result.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace leasehold {

/// What a local command may use, and how patiently it is ended.
struct local_limits {
  /// What is kept of each output for the result, in bytes.
  size_t stdout_max = size_t{1} << 20;
  size_t stderr_max = size_t{1} << 20;
  /// How long a command may take to end after SIGTERM; then all of it is
  /// killed, by the guard.
  milliseconds term_grace{2'000};
  /// How long the guard may take after that before it is killed itself.
  milliseconds guard_grace{3'000};
};

/// Runs one command to its end. Tells its outcome exactly once: if it is
/// destroyed before the command has ended, as `outcome_unknown`.
class local_command : public std::enable_shared_from_this<local_command> {
public:
  struct request {
    /// What the user calls the command.
    std::string name;
    launch_spec launch;
    std::string stdin_text;
    /// Zero: no limit.
    milliseconds timeout{0};
    /// May be null.
    std::shared_ptr<output_sink> sink;
  };

  /// `loop` and `launcher` must outlive the command.
  local_command(io_loop& loop, process_launcher& launcher, local_limits limits,
                request what, completion<command_result> then);

  ~local_command();

  local_command(const local_command&) = delete;

  local_command& operator=(const local_command&) = delete;

  /// Starts it. Thread-safe, once.
  void start();

  /// Ends it soon. Thread-safe.
  void cancel();

private:
  void launch();

  void stop(bool command_result::*why);

  void on_exit(exit_report report);

  void tell(result<command_result> outcome);

  io_loop& loop_;
  process_launcher& launcher_;
  local_limits limits_;
  request what_;
  completion<command_result> then_;
  /// From here on: loop thread only.
  std::shared_ptr<child_process> child_;
  std::shared_ptr<timer_handle> timer_;
  std::shared_ptr<command_output> output_;
  command_result result_;
  bool stopping_ = false;
};

} // namespace leasehold
