#pragma once

// One run of bubblewrap.

#include "drivers/child_process.hpp"
#include "drivers/unique_fd.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

class input_handle;

} // namespace leasehold

namespace leasehold::bubblewrap {

/// How a sandbox ended. All processes in it have ended, too.
struct sandbox_exit {
  /// What the command returned, if it was started and returned.
  std::optional<int> exit_code;
  /// The signal that ended bubblewrap itself, or 0. (A signal that ends the
  /// command shows as exit code 128 + signal, like in a shell.)
  int signal = 0;
};

/// What a sandbox tells, on the loop's thread.
struct sandbox_events {
  /// Bubblewrap could not be started; nothing else is told.
  std::function<void(failure)> on_failure;
  std::function<void(std::string_view)> on_stdout;
  std::function<void(std::string_view)> on_stderr;
  std::function<void(sandbox_exit)> on_exit;
};

/// One run of bubblewrap: a command in namespaces of its own. Loop thread only.
///
/// bubblewrap runs below leasehold-guard, because its own `--die-with-parent`
/// is armed only after the command was started: killing bubblewrap, or the
/// worker, in that moment would leave a young sandbox behind. The guard ends
/// everything below it, whoever dies.
class sandbox_process : public std::enable_shared_from_this<sandbox_process> {
public:
  /// Starts `argv` under `options`, which are not shown to other users.
  static result<std::shared_ptr<sandbox_process>>
  start(io_loop& loop, process_launcher& launcher, const std::string& program,
        const std::vector<std::string>& options,
        const std::vector<std::string>& argv, sandbox_events tell);

  /// Ends everything in the sandbox.
  void kill();

  /// The running process: for input and pauses.
  child_process& child() noexcept {
    return *child_;
  }

private:
  sandbox_process(io_loop& loop, sandbox_events tell);

  /// Makes the descriptors that bubblewrap is given.
  bool open_channels(const std::vector<std::string>& options);

  process_events events();

  void on_started();

  void on_not_started(failure why);

  void on_status(std::string_view bytes);

  void on_status_line(const std::string& line);

  void finish_if_done();

  io_loop& loop_;
  sandbox_events tell_;
  std::shared_ptr<child_process> child_;
  unique_fd options_;
  unique_fd status_in_;
  unique_fd status_out_;
  std::shared_ptr<input_handle> status_;
  std::string status_text_;
  sandbox_exit exit_;
  bool exited_ = false;
  bool status_ended_ = false;
};

} // namespace leasehold::bubblewrap
