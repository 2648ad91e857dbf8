#pragma once

// Which plots there are, and what of the figures goes into them.

#include "bench/load/figure.hpp"
#include "bench/load/plot.hpp"

#include <string>
#include <vector>

namespace leasehold::bench {

struct plot_section {
  std::string title;
  /// How to read them.
  std::string words;
  std::vector<plot> plots;
};

std::vector<plot_section> plots_of(const std::vector<figure>& all);

} // namespace leasehold::bench
