#pragma once

// Configs against the JSON schemas that plugins declare for them.

#include "messages/result.hpp"
#include "messages/values.hpp"

namespace leasehold {

/// Checks `config` against `schema`. Errors: `invalid_config`, whose message
/// names the path and the reason of the first thing that is wrong and whose
/// detail names the others; a schema that is none is an error too.
result<> check_against_schema(const json_text& config, const json_text& schema);

} // namespace leasehold
