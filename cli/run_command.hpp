#pragma once

// leasehold run: acquire, realize, execute, release.

#include "cli/session.hpp"

namespace leasehold::cli {

/// Answers with the program's exit code.
int perform(const run_arguments& what, const context& where);

} // namespace leasehold::cli
