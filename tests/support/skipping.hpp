#pragma once

// Programs whose tests all need something that a host may not have.

#include <vector>

namespace leasehold::test {

/// Questions that `main` asks before any test runs. One that answers yes has
/// said loudly what is missing, and no test runs.
std::vector<bool (*)()>& reasons_to_skip();

/// Adds a question; for variables of namespace scope.
struct skipped_if {
  explicit skipped_if(bool (*is_missing)()) {
    reasons_to_skip().push_back(is_missing);
  }
};

} // namespace leasehold::test
