#pragma once

// What operators may set for a plugin as a whole (its instance config).

#include "messages/result.hpp"
#include "messages/values.hpp"

namespace leasehold {

/// Checks a plugin's config against its manifest's `instanceConfigSchema`. It
/// names secrets (`{"type": "secret_ref", "secretId": …}`); where the schema
/// says that a secret stands, a value is refused and not repeated. Errors:
/// `invalid_config`, whose message says where.
result<> check_instance_config(const json_text& manifest,
                               const json_text& config);

} // namespace leasehold
