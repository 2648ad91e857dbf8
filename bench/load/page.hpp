#pragma once

// The page for people: one HTML file that needs nothing else.

#include "bench/load/figure.hpp"
#include "bench/load/targets.hpp"

#include <map>
#include <string>
#include <vector>

namespace leasehold::bench {

/// `machine` is what is known of where and how it was measured. Plots are drawn
/// with files in `folder`.
std::string make_page(const std::map<std::string, std::string>& machine,
                      const std::vector<verdict>& verdicts,
                      const std::vector<figure>& all,
                      const std::string& folder);

} // namespace leasehold::bench
