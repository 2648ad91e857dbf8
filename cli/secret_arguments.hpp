#pragma once

// What `leasehold secret …` says, as plain structs. Part of cli/arguments.hpp.

#include <cstdint>
#include <string>

namespace leasehold::cli {

/// Values are never among arguments: they come from standard input.
struct secret_put_arguments {
  std::string name;
  std::string company = "default";
  std::string description;
};

struct secret_rotate_arguments {
  std::string name;
  std::string company = "default";
};

struct secret_list_arguments {
  std::string company = "default";
};

struct secret_bind_arguments {
  std::string name;
  /// Exactly one of these two is set.
  std::string environment;
  std::string plugin;
  std::string path;
  /// Zero: the latest.
  uint32_t version = 0;
  std::string company = "default";
};

struct secret_unbind_arguments {
  /// Exactly one of these two is set.
  std::string environment;
  std::string plugin;
  std::string path;
  std::string company = "default";
};

struct secret_enable_arguments {
  std::string name;
  /// Zero: the secret as a whole.
  uint32_t version = 0;
  std::string company = "default";
};

struct secret_disable_arguments : secret_enable_arguments {};

struct secret_remove_arguments {
  std::string name;
  bool force = false;
  std::string company = "default";
};

} // namespace leasehold::cli
