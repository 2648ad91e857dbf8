#pragma once

// The command line of leasehold-bench.

#include <string>
#include <vector>

namespace leasehold::bench {

struct bench_options {
  bool help = false;
  bool list = false;
  bool quick = false;
  std::vector<std::string> stores{"sqlite", "postgres"};
  /// Names of scenarios; never empty.
  std::vector<std::string> wanted;
  /// Where the JSON and the page go.
  std::string json = "bench.json";
  std::string page = "bench.html";
};

/// Throws `std::invalid_argument` with what to tell people.
bench_options parse_options(const std::vector<std::string>& words);

std::string usage_text();

} // namespace leasehold::bench
