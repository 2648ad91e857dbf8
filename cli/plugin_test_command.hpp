#pragma once

// What `leasehold plugin test` prints.

#include "leasehold/worker_check.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace leasehold::cli {

/// One line per check, the verdict first.
std::string check_line(const worker_check_result& x, bool colour);

/// How many passed; after a failure what the worker wrote to standard error.
std::string check_summary(const worker_check_report& x, bool colour);

/// What `--json` prints; docs/command-line.md describes it.
nlohmann::ordered_json check_view(const worker_check_report& x,
                                  const std::vector<std::string>& command);

} // namespace leasehold::cli
