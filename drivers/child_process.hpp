#pragma once

// Child processes: start, feed, read, signal, exit.

#include "messages/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

class io_loop;

/// What to start.
struct launch_spec {
  /// Program and arguments. A program without a slash is looked up in `PATH` of
  /// `env`.
  std::vector<std::string> argv;
  /// The whole environment of the child.
  std::map<std::string, std::string> env = {};
  /// Empty: the parent's.
  std::string cwd = {};
  /// What the child gets when the thread that started it ends; the child leads
  /// a process group of its own in any case.
  int parent_death_signal = 9;
  /// Descriptors that the child gets under the same numbers, besides its
  /// standard streams. They stay the caller's, who keeps them open until the
  /// child has started or failed to.
  std::vector<int> inherited = {};
  /// What ends the child when its handle goes. One that is still there 5 s
  /// after another signal than SIGKILL gets that.
  int abandon_signal = 9;
};

/// How a process ended, as its parent saw it. Code -1 and signal 0: nobody saw
/// it, because the host collects or ignores the ends of its children.
struct exit_report {
  /// The exit code; -1 if a signal ended the process.
  int code = -1;
  /// The signal that ended it, or 0.
  int signal = 0;
};

/// What a child process tells. Called on the loop's thread, never after
/// `on_exit`, and not once the handle is gone. Members may be empty.
struct process_events {
  /// The child runs under this pid.
  std::function<void(int64_t pid)> on_start;
  /// The child could not be started; nothing else is told.
  std::function<void(failure)> on_failure;
  std::function<void(std::string_view bytes)> on_stdout;
  std::function<void(std::string_view bytes)> on_stderr;
  /// Nobody can write to the child's standard output any more. Told at most
  /// once, and before `on_exit`.
  std::function<void()> on_stdout_end;
  /// The child has ended and its output has been read to the end, or for as
  /// long as its descendants held it open, at most 500 ms. A pause of the
  /// output puts this off.
  std::function<void(exit_report)> on_exit;
};

/// A running child. Every verb is thread-safe and returns at once; once the
/// child has ended they do nothing. Destroying the handle ends the child's
/// process group; the child is reaped all the same.
class child_process {
public:
  virtual ~child_process() = default;

  /// Queues bytes for the child's standard input.
  virtual void write(std::string bytes) = 0;

  /// Ends the child's standard input once the queue is written.
  virtual void close_stdin() = 0;

  /// Sends a signal to the child's process group, and through its pidfd to a
  /// child that has left the group.
  virtual void signal(int number) = 0;

  /// Reads neither output of the child until `resume_output`.
  virtual void pause_output() = 0;

  virtual void resume_output() = 0;

  /// Bytes written by `write` that the child has not taken yet.
  [[nodiscard]] virtual size_t unwritten() const = 0;
};

/// Starts child processes. Thread-safe. An interface, so that tests can have
/// workers without processes.
class process_launcher {
public:
  virtual ~process_launcher() = default;

  virtual std::shared_ptr<child_process> start(launch_spec what,
                                               process_events tell)
    = 0;
};

/// Starts real processes, all from the loop's thread. `loop` must outlive it.
std::unique_ptr<process_launcher> make_process_launcher(io_loop& loop);

/// Finds an executable file as a shell would: `name` itself if it has a slash
/// (relative to `cwd`), else along `path` (`a:b:c`). Empty if there is none.
std::string find_program(std::string_view name, std::string_view path,
                         const std::string& cwd = {});

/// `SIGKILL` for 9; `signal 99` for numbers without a name.
std::string signal_name(int number);

} // namespace leasehold
