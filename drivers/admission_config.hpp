#pragma once

// What an environment's config says about its door: the key `admission`, which
// is the engine's, whatever the driver. No driver ever sees it.

#include "messages/environment_use.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"

namespace leasehold {

/// The limits of a config; what it does not mention is as in `otherwise`.
/// Errors: `invalid_config`, which names the path.
result<admission_limits> admission_of(const json_text& config,
                                      const admission_limits& otherwise);

/// The config as its driver knows it.
json_text without_admission(const json_text& config);

/// `config` with the `admission` of `other`, if it has any.
json_text with_admission(const json_text& config, const json_text& other);

} // namespace leasehold
