#pragma once

// Who may read which secret where (PB §1.4).

#include "messages/result.hpp"
#include "messages/secret.hpp"

#include <vector>

namespace leasehold {

/// The version that a request gets, still sealed, or why it gets none. The
/// checks come in the order of PB §1.4, with its texts; details say where.
result<secret_version_row> resolve_secret(const secret_request& request,
                                          const secret_facts& facts);

/// A request of a plugin that names no path, with the path at which the secret
/// is bound to it; `bindings` are those of the secret to the plugin. Unchanged
/// if there is none; refused if there are several.
result<secret_request>
place_of_secret(secret_request request,
                const std::vector<secret_binding_row>& bindings);

/// What goes on record about a request that got `version`, or that failed.
secret_access_row access_of(const secret_request& request, uint32_t version);
secret_access_row access_of(const secret_request& request, const failure& why);

} // namespace leasehold
