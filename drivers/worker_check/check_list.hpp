#pragma once

// The checks. Each is a function that does things at the bench and returns a
// remark, mostly an empty one, or ends early by `fail` or `skip`.

#include "drivers/worker_check/bench.hpp"

#include <vector>

namespace leasehold::check {

struct one_check {
  worker_check_info what;
  std::string (*run)(bench& at);
};

// In the order in which they run.
std::vector<one_check> protocol_checks();
std::vector<one_check> stream_checks();
std::vector<one_check> lease_checks();
std::vector<one_check> execute_checks();
std::vector<one_check> fence_checks();
/// What is left to say when everything else is over.
std::vector<one_check> closing_checks();

} // namespace leasehold::check
