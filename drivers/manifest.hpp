#pragma once

// A plugin's manifest (PB §1.3).

#include "messages/result.hpp"
#include "messages/values.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

/// One driver that a plugin declares.
struct declared_driver {
  std::string key;
  /// `environment_driver` or `sandbox_provider`.
  std::string kind;
  std::string display_name;
  std::string description;
  /// A JSON schema; `{}` if there is none.
  json_text config_schema;
  /// Whether its resources may wait for another run.
  bool reusable_leases = true;
};

/// What the engine needs of a manifest.
struct plugin_manifest {
  std::string key;
  std::string version;
  std::string display_name;
  std::vector<declared_driver> drivers;
  /// What the plugin does, or would like to do.
  std::vector<std::string> capabilities;
};

/// Reads a manifest and checks what the engine relies on. Errors:
/// `invalid_config`, whose message says which field is wrong and how.
result<plugin_manifest> parse_manifest(const json_text& text);

/// Reads the manifest of a plugin that is being added, and checks all of it. A
/// plugin that was added before a rule was made goes on working, so only this
/// one asks for everything. Errors as above.
result<plugin_manifest> accept_manifest(const json_text& text);

/// Whether `key` may name a driver, provider or plugin.
bool is_driver_key(std::string_view key) noexcept;

/// The driver of this key; null if the manifest declares none.
const declared_driver* find_driver(const plugin_manifest& manifest,
                                   std::string_view key);

/// The same, of this kind.
const declared_driver* find_driver(const plugin_manifest& manifest,
                                   std::string_view key, std::string_view kind);

} // namespace leasehold
