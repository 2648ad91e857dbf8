#pragma once

// What the sandbox driver and a provider's worker tell each other: the
// parameters and results of PB §5.6, and the metadata that leases keep.

#include "messages/driver.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"
#include "messages/worker.hpp"

#include <string>
#include <vector>

namespace leasehold::sandbox {

/// What the host reads of a sandbox config (PB §2.3).
struct settings {
  std::string provider = "fake";
  bool reuse_lease = false;
  /// Whether a resource that does not resume is kept, and the run refused.
  bool preserve_on_resume_failure = false;
  /// Zero if the config does not say.
  milliseconds timeout{0};
  milliseconds bridge_timeout{0};
};

/// Keys of a config that are the engine's alone: workers never see them, and
/// they do not count when resources are matched.
extern const std::vector<std::string> envelope_keys;

/// Reads a config as it is stored. Errors: `invalid_config`.
result<settings> parse_settings(const json_text& config);

/// What a captured lease says about itself; the environment may have changed.
struct captured {
  std::string provider;
  plugin_id plugin;
  json_text config;
};

/// Reads the metadata that `plan_metadata` wrote.
captured parse_captured(const json_text& metadata);

/// The engine's own part of a lease's metadata.
json_text plan_metadata(const plan_lease& what, const settings& config,
                        const plugin_row& plugin);

/// The same for the built-in provider, which has no plugin.
json_text fake_metadata(const plan_lease& what, const settings& config);

// -- time-outs (PB §3.10); zero means the channel's default -------------------

milliseconds verb_timeout(const settings& config);
milliseconds execute_timeout(const settings& config, milliseconds requested);

// -- parameters ---------------------------------------------------------------

json_text config_params(const std::string& provider, const json_text& config);
json_text place_params(const std::string& provider,
                       const environment_context& place);
json_text acquire_params(const acquire_resource& what);
json_text resume_params(const resume_resource& what);
/// For release and destroy.
json_text end_params(const lease_context& lease);
json_text list_params(const lease_context& lease);
json_text realize_params(const place_workspace& what);
json_text execute_params(const run_command& what);
json_text cancel_params(const lease_context& lease,
                        const execution_id& execution);

// -- results ------------------------------------------------------------------

/// Errors: `protocol_violation`; the provider has acted.
result<resource_ready> parse_ready(const json_text& answer,
                                   const json_text& metadata);
result<workspace_realized> parse_realized(const json_text& answer);
result<command_result> parse_executed(const json_text& answer);
result<std::vector<listed_resource>> parse_listed(const json_text& answer);
result<probe_report> parse_probed(const json_text& answer,
                                  const std::string& provider,
                                  const std::string& plugin_key);
/// The config to store: the provider's own version, with `provider` in it.
result<json_text> parse_validated(const json_text& answer,
                                  const std::string& provider,
                                  const json_text& sent);

} // namespace leasehold::sandbox
