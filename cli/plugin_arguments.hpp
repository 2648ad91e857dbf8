#pragma once

// What the verbs of `leasehold plugin` are given.

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace leasehold::cli {

/// What says what a plugin is: a manifest with a command, or a source.
struct plugin_offer_arguments {
  std::string manifest;
  /// A folder, a package name, or `npm:` and what npm takes.
  std::string source;
  std::map<std::string, std::string> env;
  /// JSON, `@file`, or `-` for standard input; empty: as it is.
  std::string config;
  /// Goes with the manifest, and with nothing else.
  std::vector<std::string> command;
};

struct plugin_add_arguments : plugin_offer_arguments {};

/// Says nothing but the key: the package that the plugin came in, once more.
struct plugin_upgrade_arguments : plugin_offer_arguments {
  std::string key;
};

struct plugin_list_arguments {};

struct plugin_show_arguments {
  std::string key;
};

struct plugin_drivers_arguments {
  /// Empty: all of them.
  std::string key;
};

struct plugin_disable_arguments {
  std::string key;
};

struct plugin_enable_arguments {
  std::string key;
};

struct plugin_remove_arguments {
  std::string key;
};

struct plugin_reset_arguments {
  std::string key;
};

struct plugin_test_arguments {
  std::string manifest;
  std::string driver_key;
  /// JSON, `@file`, or `-` for standard input.
  std::string config;
  std::string bad_config;
  std::vector<std::string> only;
  std::map<std::string, std::string> env;
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds total_timeout{600'000};
  /// Only say what there is to check.
  bool list = false;
  /// Empty only with `list`.
  std::vector<std::string> command;
};

} // namespace leasehold::cli
