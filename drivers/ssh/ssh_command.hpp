#pragma once

// One command that runs on an SSH host.

#include "drivers/child_process.hpp"
#include "drivers/command_output.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/ssh/marked_stream.hpp"
#include "drivers/ssh/ssh_connections.hpp"
#include "drivers/ssh/ssh_script.hpp"
#include "messages/command.hpp"
#include "messages/result.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace leasehold::ssh {

/// What a command may use, and how patiently it is ended.
struct command_limits {
  /// What is kept of each output for the result, in bytes.
  size_t stdout_max = size_t{1} << 20;
  size_t stderr_max = size_t{1} << 20;
  /// How long a command may take to end after SIGTERM; then it is killed, by
  /// the remote side. In whole seconds.
  milliseconds term_grace{2'000};
  /// How long the remote side may take after that to say so.
  milliseconds answer_grace{5'000};
  /// How long outputs may stay silent, held open by somebody else, once the
  /// command has ended.
  milliseconds linger_grace{2'000};
};

/// Runs one command to its end. Tells its outcome exactly once: if it is
/// destroyed before the command has ended, as `outcome_unknown`.
class ssh_command : public std::enable_shared_from_this<ssh_command> {
public:
  struct request {
    /// What the user calls the command.
    std::string name;
    remote_job job;
    /// Zero: no limit. Counts from the moment that the host has let us in.
    milliseconds timeout{0};
    /// May be null.
    std::shared_ptr<output_sink> sink;
    /// Asks for another session, which goes to `start`. Called at most once: if
    /// a connection, perhaps lost by now, did not even give a shell.
    std::function<void()> reconnect = {};
  };

  /// `loop` and `launcher` must outlive the command.
  ssh_command(io_loop& loop, process_launcher& launcher, command_limits limits,
              request what, completion<command_result> then);

  ~ssh_command();

  ssh_command(const ssh_command&) = delete;

  ssh_command& operator=(const ssh_command&) = delete;

  /// Starts it, or tells why there is no session. Thread-safe; once, and once
  /// more after a `reconnect`.
  void start(result<std::shared_ptr<session>> on);

  /// Ends it soon. Thread-safe.
  void cancel();

private:
  void launch(result<std::shared_ptr<session>> on);

  void on_bytes(output_stream stream, std::string_view bytes);

  /// The remote side listens.
  void send_job();

  /// The command has ended; its outputs may not have.
  void on_ending();

  /// Nothing has come for a while since then.
  void on_silence();

  void stop(bool command_result::*why);

  void on_exit();

  /// What the ending says; an error if there is none.
  result<command_result> outcome();

  void arm(milliseconds delay, void (ssh_command::*what)());

  void kill_client();

  void tell(result<command_result> outcome);

  io_loop& loop_;
  process_launcher& launcher_;
  command_limits limits_;
  request what_;
  completion<command_result> then_;
  /// From here on: loop thread only.
  std::string nonce_;
  std::shared_ptr<session> session_;
  std::shared_ptr<child_process> client_;
  std::shared_ptr<timer_handle> timer_;
  marked_stream out_marks_;
  marked_stream err_marks_;
  std::shared_ptr<command_output> output_;
  command_result result_;
  bool sent_ = false;
  bool stopping_ = false;
  /// It was stopped before the remote side had all of it.
  bool cut_short_ = false;
};

} // namespace leasehold::ssh
