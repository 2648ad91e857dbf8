#pragma once

// Which of a store's two lanes a command is written in. What is in one lane is
// written in order; the lanes are written at the same time.
//
//   grants   what takes a fence: it stands in line for these anyway
//   others   all else: who sets a resource free is not overtaken by who gets it
//
// Commands on the same lease keep their order: as long as one is on its way,
// the next ones follow it.

#include "messages/store.hpp"

#include <cstddef>
#include <unordered_map>

namespace leasehold {

/// The lease that a command is about; nothing if it is not about one.
const lease_id* lease_of(const store_write& what);

/// Not thread-safe.
class write_lanes {
public:
  static constexpr size_t others = 0;
  static constexpr size_t grants = 1;

  /// The lane for a command, which is on its way from now on.
  size_t choose(const store_write& what);

  /// A command on this lease has been answered; empty if it was not about one.
  void answered(const lease_id& lease);

private:
  /// Where a lease's commands are, and how many.
  struct traffic {
    size_t lane = others;
    size_t count = 0;
  };

  std::unordered_map<lease_id, traffic> on_their_way_;
};

} // namespace leasehold
