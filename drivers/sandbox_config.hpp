#pragma once

// The configs of sandbox environments (PB §2.3), and what leases keep of them.

#include "messages/driver.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"
#include "messages/worker.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leasehold::sandbox {

/// What the host reads of a sandbox config.
struct settings {
  std::string provider = "fake";
  bool reuse_lease = false;
  /// What the config asks for; none: as `reuse_lease` says.
  std::optional<lease_policy> policy;
  /// Whether a resource that does not resume is kept, and the run refused.
  bool preserve_on_resume_failure = false;
  /// Zero if the config does not say.
  milliseconds timeout{0};
  milliseconds bridge_timeout{0};
};

/// Reads a config. Errors: `invalid_config`, with the texts of PB §2.3.
result<settings> parse_settings(const json_text& config);

/// The config to store: what is coerced is a number, what has a default is
/// there. The built-in provider takes no other keys than its own. Errors: as
/// `parse_settings`.
result<json_text> normalize(const json_text& config);

/// The image of the built-in provider.
std::string fake_image(const json_text& config);

/// What a parked resource must match to serve a config (PB §3.6): the provider,
/// and all that workers see of the config but for `reuseLease`.
std::string fingerprint_of(const settings& config, const json_text& stored);

/// The policy of a lease of `what`; a provider that cannot resume cannot reuse.
lease_policy policy_of(const plan_lease& what, const settings& config,
                       bool can_resume);

/// The engine's own part of a lease's metadata (PB §3.9). What nobody will
/// resume, the provider is not asked to park.
json_text plan_metadata(const plan_lease& what, const settings& config,
                        lease_policy policy, const plugin_row& plugin,
                        const std::vector<std::string>& secret_paths);

/// The same for the built-in provider, which has no plugin.
json_text fake_metadata(const plan_lease& what, const settings& config);

/// Time for a lease call (PB §3.10); zero means the channel's default.
milliseconds verb_timeout(const settings& config);

} // namespace leasehold::sandbox
