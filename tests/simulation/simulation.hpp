#pragma once

// One seed from its beginning to its end.

#include "tests/simulation/actor_room.hpp"
#include "tests/simulation/database.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/simulation/sim_oracle.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::sim {

/// What came of a seed.
struct verdict {
  std::optional<violation> broken;
  /// Another number if anything had happened otherwise.
  uint64_t print = 0;
  size_t messages = 0;
  /// The simulated time that it took.
  milliseconds lasted{0};
  /// What happened, if that was asked for.
  std::string story;
};

/// What is too costly to make for every seed: the database and the rooms that
/// engines live in. One thread's.
class workshop {
public:
  verdict simulate(const plan& what, bool in_words = false);

private:
  friend class simulation;

  database rows_;
  std::vector<std::unique_ptr<actor_room>> free_rooms_;
};

} // namespace leasehold::sim
