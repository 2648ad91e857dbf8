#pragma once

// Makes a plan that breaks a promise smaller: what is left out one by one,
// as long as the same promise breaks.

#include "tests/simulation/simulation.hpp"

#include <set>
#include <string>

namespace leasehold::sim {

struct shrunk {
  plan smallest;
  /// What could be left out, by the names of `parts_of`.
  std::set<std::string> left_out;
  size_t tries = 0;
};

/// `what` must break the promise of this number.
shrunk shrink(workshop& tools, const plan& what, int promise);

} // namespace leasehold::sim
