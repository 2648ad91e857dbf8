#pragma once

// The configs of plugin environments (PB §2.4), and what leases keep of them.

#include "messages/driver.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"
#include "messages/worker.hpp"

#include <string>
#include <vector>

namespace leasehold {

/// What a plugin environment names.
struct plugin_settings {
  std::string plugin_key;
  std::string driver_key;
  /// The driver's own config; `{}` if there is none.
  json_text driver_config;

  /// `acme.tools:vm`.
  [[nodiscard]] std::string name() const {
    return plugin_key + ":" + driver_key;
  }
};

/// Reads a config. Errors: `invalid_config`; keys that are not known are
/// refused.
result<plugin_settings> parse_plugin_settings(const json_text& config);

/// The config to store.
json_text to_config(const plugin_settings& x);

/// The engine's own part of a lease's metadata; what the worker says is nested
/// in it (PB §3.9).
json_text plugin_lease_metadata(const plan_lease& what,
                                const plugin_settings& config,
                                const plugin_row& plugin,
                                const std::vector<std::string>& secret_paths);

} // namespace leasehold
