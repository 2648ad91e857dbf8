#pragma once

// What drivers tell plugin workers: the parameters of PB §5.6, out of what a
// lease captured.

#include "messages/driver.hpp"
#include "messages/values.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace leasehold::wire {

/// What a lease says about itself; its environment may have changed since.
struct captured {
  /// What the plugin calls the driver: a provider, or an environment driver.
  std::string driver_key;
  plugin_id plugin;
  /// As stored: secrets are named, not spelled out.
  json_text config;
  /// Where in it.
  std::vector<std::string> secret_paths;
  /// What goes before such a path in the environment's config.
  std::string binding_prefix;
};

/// The plugin driver's configs have those of the worker's under this path.
inline constexpr auto nested_prefix = "driverConfig.";

/// Reads a lease's metadata.
captured parse_captured(const json_text& metadata);

/// Keys of a config that are the engine's alone: workers never see them, and
/// they do not count when resources are matched.
extern const std::vector<std::string> envelope_keys;

/// A sandbox config as workers see it.
json_text without_envelope(const json_text& config);

/// Time for a command (PB §3.10): what it asks for, else the config's
/// `timeoutMs`, and 30 s; zero if nobody says.
milliseconds execute_timeout(const json_text& config, milliseconds requested);

/// A positive number of milliseconds in a config, truncated; else zero.
milliseconds time_of(const json_text& config, const char* key);

/// The same of the value itself; empty if there is none.
milliseconds time_in(std::string_view value);

// -- parameters: `config` is the captured one with its secrets filled in ------

json_text validate_params(const std::string& driver_key,
                          const json_text& config);
json_text place_params(const std::string& driver_key,
                       const environment_context& place,
                       const json_text& config);
json_text acquire_params(const acquire_resource& what, const json_text& config);
json_text resume_params(const resume_resource& what, const json_text& config);
/// For release and destroy.
json_text end_params(const lease_context& lease, const json_text& config);
json_text list_params(const lease_context& lease, const json_text& config);
json_text realize_params(const place_workspace& what, const json_text& config);
json_text execute_params(const run_command& what, const json_text& config);
json_text cancel_params(const lease_context& lease,
                        const execution_id& execution, const json_text& config);

} // namespace leasehold::wire
