#pragma once

// Who may read which secret where (PB §1.4).

#include "messages/result.hpp"
#include "messages/secret.hpp"

namespace leasehold {

/// The version that a request gets, still sealed, or why it gets none. The
/// checks come in the order of PB §1.4, with its texts; details say where.
result<secret_version_row> resolve_secret(const secret_request& request,
                                          const secret_facts& facts);

/// What goes on record about a request that got `version`, or that failed.
secret_access_row access_of(const secret_request& request, uint32_t version);
secret_access_row access_of(const secret_request& request, const failure& why);

} // namespace leasehold
