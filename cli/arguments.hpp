#pragma once

// What the command line says, as plain structs.

#include "cli/plugin_arguments.hpp"
#include "cli/secret_arguments.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace leasehold::cli {

/// What every verb takes.
struct common_arguments {
  bool json = false;
  bool verbose = false;
  bool no_colour = false;
  /// Empty: by the rules of `choose_data_directory`.
  std::string data;
};

// -- verbs --------------------------------------------------------------------

/// leasehold run … -- CMD…, and leasehold lease resume ID … -- CMD…
struct run_arguments {
  /// The lease whose resource is taken up again; empty: a lease is acquired.
  std::string resume;
  /// At most one of these is set; none means the environment `local`.
  std::string environment;
  std::string driver;
  std::string provider;
  std::string workspace;
  std::string cwd;
  std::map<std::string, std::string> env;
  std::chrono::milliseconds timeout{0};
  std::chrono::milliseconds ttl{0};
  std::chrono::milliseconds queue_timeout{0};
  /// Empty: a fresh one.
  std::string run;
  std::string report;
  bool keep = false;
  bool read_stdin = false;
  bool quiet = false;
  /// Never empty.
  std::vector<std::string> command;
};

struct env_add_arguments {
  std::string name;
  /// Exactly one of these two is set.
  std::string provider;
  std::string driver;
  /// JSON, `@file`, or `-` for standard input.
  std::string config;
  /// `key=value`, in order.
  std::vector<std::string> settings;
  std::string description;
};

struct env_list_arguments {};

struct env_show_arguments {
  std::string name;
};

struct env_remove_arguments {
  std::string name;
};

struct env_reset_arguments {
  std::string name;
};

struct lease_list_arguments {
  std::string environment;
  std::string run;
  bool all = false;
  uint32_t limit = 100;
};

struct lease_show_arguments {
  std::string id;
};

struct lease_release_arguments {
  std::string id;
  bool failed = false;
  bool expired = false;
  std::string reason;
};

struct lease_destroy_arguments {
  std::string id;
  std::string reason;
};

struct lease_retry_cleanup_arguments {
  std::string id;
};

struct lease_confirm_gone_arguments {
  std::string id;
};

struct doctor_arguments {
  bool fix = false;
};

struct probe_arguments {
  std::string environment;
};

struct version_arguments {};

using verb_arguments = std::variant<
  run_arguments, env_add_arguments, env_list_arguments, env_show_arguments,
  env_remove_arguments, plugin_add_arguments, plugin_list_arguments,
  plugin_show_arguments, plugin_drivers_arguments, plugin_upgrade_arguments,
  plugin_disable_arguments, plugin_enable_arguments, plugin_remove_arguments,
  plugin_test_arguments, lease_list_arguments, lease_show_arguments,
  lease_release_arguments, lease_destroy_arguments, probe_arguments,
  version_arguments, secret_put_arguments, secret_rotate_arguments,
  secret_list_arguments, secret_bind_arguments, secret_unbind_arguments,
  secret_enable_arguments, secret_disable_arguments, secret_remove_arguments,
  env_reset_arguments, plugin_reset_arguments, lease_retry_cleanup_arguments,
  lease_confirm_gone_arguments, doctor_arguments>;

// -- parsing ------------------------------------------------------------------

struct arguments {
  common_arguments common;
  verb_arguments verb;
};

/// Help that was asked for.
struct help_wanted {
  std::string text;
};

/// A command line that makes no sense.
struct usage_error {
  std::string message;
  /// What to try instead.
  std::string hint;
  /// Whether the answer is to be JSON.
  bool json = false;
};

using parsed_arguments = std::variant<arguments, help_wanted, usage_error>;

/// Reads a command line without the program's name.
parsed_arguments parse_arguments(const std::vector<std::string>& words);

} // namespace leasehold::cli
