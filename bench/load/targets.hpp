#pragma once

// The table of what must be reached, and whether it was.

#include "bench/load/figure.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leasehold::bench {

struct verdict {
  std::string what;
  std::string must;
  std::string unit;
  std::optional<double> measured = {};
  std::optional<double> floor = {};
  std::optional<double> ratio = {};
  /// `reached`, `not reached` or `not measured`.
  std::string says = "not measured";
  std::string note = {};
};

/// Every row of the table, in its order.
std::vector<verdict> judge(const std::vector<figure>& all);

/// The table for people.
std::string to_table(const std::vector<verdict>& all);

} // namespace leasehold::bench
