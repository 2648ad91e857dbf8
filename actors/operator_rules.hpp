#pragma once

// What an operator may say about an ended lease's cleanup, by its row.

#include "messages/janitor.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"
#include "messages/store.hpp"

namespace leasehold {

/// What to write when the cleanup is to be tried again, now. Pure. Errors:
/// `in_use` (the lease lives), `invalid_request` (nothing is owed).
[[nodiscard]] result<owe_cleanup> judge(const retry_cleanup& what,
                                        const lease_row& row);

/// What to write when the resource is said to be gone. Pure. Errors as above.
[[nodiscard]] result<confirm_gone> judge(const report_gone& what,
                                         const lease_row& row);

} // namespace leasehold
