#pragma once

// Looks for deliberate bugs, one after the other: the simulator has to find
// each of them.

#include "messages/mutation.hpp"
#include "tests/simulation/simulation.hpp"

#include <cstdint>
#include <optional>

namespace leasehold::sim {

/// Where a deliberate bug was found.
struct catch_of_hunt {
  mutation bug = mutation::none;
  /// How many seeds it took; none if it was not found.
  std::optional<uint64_t> seeds;
  /// What it broke.
  violation broken;
};

/// Runs seeds with this bug until one breaks a promise that it keeps without,
/// `seeds_max` at the most. Whoever calls must have been compiled with
/// LEASEHOLD_MUTATIONS.
catch_of_hunt hunt(workshop& tools, mutation bug, uint64_t seeds_max);

} // namespace leasehold::sim
