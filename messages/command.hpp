#pragma once

// Running commands on a lease.

#include "messages/enums.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leasehold {

enum class output_stream : uint8_t { out, err };

template <>
inline constexpr auto names<output_stream> = named<output_stream>({
  {output_stream::out, "stdout"},
  {output_stream::err, "stderr"},
});

/// A piece of a command's output, as it came.
struct output_chunk {
  output_stream stream = output_stream::out;
  std::string text;
};

/// Takes a command's output as it comes, on any thread, one call at a time.
///
/// A sink that cannot keep up says so, and its driver reads on only after
/// `when_ready`, or drops output where one slow reader must not hold up others.
class output_sink {
public:
  virtual ~output_sink() = default;

  /// Takes one piece. Returns whether the sink has room for more.
  virtual bool put(output_chunk chunk) = 0;

  /// Calls `resume` once, on any thread, as soon as there is room again; at
  /// once if there is room now.
  virtual void when_ready(std::function<void()> resume) = 0;
};

/// What to run.
struct command_spec {
  std::string command;
  std::vector<std::string> args;
  /// Empty: the realized workspace, else the lease's own directory.
  std::string cwd;
  std::map<std::string, std::string> env;
  /// Given to the command, which then sees end-of-file.
  std::string stdin_text;
  /// Zero: the environment's `timeoutMs`, else no limit.
  milliseconds timeout{0};
};

/// How a command ended. An exit code is only ever one that was observed.
struct command_result {
  /// None if the command was ended by a signal or timed out.
  std::optional<int32_t> exit_code;
  /// The name of the signal that ended it, such as `SIGKILL`; or empty.
  std::string signal;
  bool timed_out = false;
  bool cancelled = false;
  /// Both bounded; a cut is marked in the text.
  std::string stdout_text;
  std::string stderr_text;
  json_text metadata;
};

/// ENGINE -> SUPERVISOR -> LEASE: run a command.
struct execute_command {
  lease_handle lease;
  /// Made by the sender, so that the command can be cancelled.
  execution_id execution;
  command_spec spec;
  /// May be null.
  std::shared_ptr<output_sink> output;
};

/// ENGINE -> SUPERVISOR -> LEASE: end this command; empty means all of them.
struct cancel_command {
  lease_handle lease;
  execution_id execution;
};

/// ENGINE -> SUPERVISOR -> LEASE: bring a folder into the resource.
struct realize_workspace {
  lease_handle lease;
  /// On the engine's host; may be empty.
  std::string local_path;
  std::string remote_path;
  std::string mode;
  json_text metadata;
};

/// LEASE -> ENGINE: where commands find the workspace.
struct workspace_realized {
  std::string cwd;
  json_text metadata;
  /// Where it was placed and from what (PB §6.3), for the lease's metadata;
  /// empty if the driver keeps no such record.
  json_text record;
};

template <class Inspector>
bool inspect(Inspector& f, output_chunk& x) {
  return f.object(x).fields(f.field("stream", x.stream),
                            f.field("text", x.text));
}

template <class Inspector>
bool inspect(Inspector& f, command_spec& x) {
  return f.object(x).fields(
    f.field("command", x.command), f.field("args", x.args),
    f.field("cwd", x.cwd), f.field("env", x.env),
    f.field("stdin", x.stdin_text), f.field("timeout", x.timeout));
}

template <class Inspector>
bool inspect(Inspector& f, command_result& x) {
  return f.object(x).fields(
    f.field("exit_code", x.exit_code), f.field("signal", x.signal),
    f.field("timed_out", x.timed_out), f.field("cancelled", x.cancelled),
    f.field("stdout", x.stdout_text), f.field("stderr", x.stderr_text),
    f.field("metadata", x.metadata));
}

template <class Inspector>
bool inspect(Inspector& f, cancel_command& x) {
  return f.object(x).fields(f.field("lease", x.lease),
                            f.field("execution", x.execution));
}

template <class Inspector>
bool inspect(Inspector& f, realize_workspace& x) {
  return f.object(x).fields(
    f.field("lease", x.lease), f.field("local_path", x.local_path),
    f.field("remote_path", x.remote_path), f.field("mode", x.mode),
    f.field("metadata", x.metadata));
}

template <class Inspector>
bool inspect(Inspector& f, workspace_realized& x) {
  return f.object(x).fields(f.field("cwd", x.cwd),
                            f.field("metadata", x.metadata),
                            f.field("record", x.record));
}

} // namespace leasehold
