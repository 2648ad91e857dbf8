#pragma once

// What runs on the other side of an SSH connection, and how it reports.
//
//   local                                remote
//     ssh ... <bootstrap>  ------------>   sh: says "ready" on both outputs
//     <header>             --stdin----->   reads it, and runs it:
//     <long input>         --stdin----->   spools it, if there is any
//                                          starts the command in a session of
//                                          its own, watches for the end of
//                                          stdin
//                          <-stderr-----   "end", and how the command ended
//
// The end of stdin, whether we or a lost connection caused it, ends the
// command: SIGTERM to its process group, later SIGKILL. What a command is
// given stands in the header, so that no value is in an argument list.

#include "messages/command.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold::ssh {

/// What a remote shell has to run.
struct remote_job {
  std::string command;
  std::vector<std::string> args;
  /// Absolute. Empty: wherever the login begins.
  std::string cwd;
  std::map<std::string, std::string> env;
  std::string stdin_text;
  /// How long the command has between SIGTERM and SIGKILL.
  milliseconds grace{2'000};
  /// Whether the login's profile files are read first.
  bool with_profile = true;
};

/// The text as one word of a POSIX shell.
std::string shell_word(std::string_view text);

/// What the login shell, whichever it is, is asked to run. `nonce` keeps the
/// marks apart from what anything else prints.
std::string bootstrap(const std::string& nonce);

/// What to write once the remote side is ready: the header, and the input that
/// is too long to be in it.
std::string header(const remote_job& job, const std::string& nonce);

/// What the remote side says when it is ready.
std::string ready_mark(const std::string& nonce);

/// What the remote side says in front of how the command ended.
std::string end_mark(const std::string& nonce);

/// How a remote command ended.
struct remote_end {
  enum class kind { exited, signalled, no_folder, not_run };
  kind how = kind::not_run;
  int32_t code = 0;
  /// Such as `SIGTERM`.
  std::string signal = {};

  friend bool operator==(const remote_end&, const remote_end&) = default;
};

/// Reads what follows the end mark: `exit 3`, `signal TERM`, `no-folder`,
/// `not-run`. Nothing if it is none of these.
std::optional<remote_end> parse_end(std::string_view text);

} // namespace leasehold::ssh
