#pragma once

// What an operator can choose about boxes.

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::bubblewrap {

inline constexpr uint64_t timeout_min = 1;
inline constexpr uint64_t timeout_max = 86'400'000;
inline constexpr uint64_t output_limit_min = 1024;
inline constexpr uint64_t output_limit_max = 67'108'864;
inline constexpr uint64_t output_limit_default = 1'048'576;
inline constexpr size_t read_only_paths_max = 64;

/// How a workspace folder gets into a box.
enum class workspace_mode : uint8_t { copy, bind };

std::string to_string(workspace_mode mode);

/// A checked config with its defaults filled in.
struct box_config {
  bool network = false;
  bool reuse_lease = false;
  std::optional<uint64_t> timeout_ms;
  workspace_mode workspace = workspace_mode::copy;
  std::vector<std::string> read_only_paths;
  std::map<std::string, std::string> env;
  /// Empty: the box's name.
  std::string hostname;
  uint64_t output_limit = output_limit_default;
};

/// A config, and what is wrong with it: `<path>: <reason>`, one per error.
struct config_check {
  box_config config;
  std::vector<std::string> errors;
};

/// Reads a config. Null values count as absent.
config_check read_config(const nlohmann::json& source);

/// The config as JSON, defaults included.
nlohmann::json to_json(const box_config& config);

/// Whether `name` can name an environment variable.
bool is_variable_name(const std::string& name);

} // namespace leasehold::bubblewrap
