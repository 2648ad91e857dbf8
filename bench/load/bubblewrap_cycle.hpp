#pragma once

// The last part of `lease-cycle`: a real sandbox, end to end.

#include "bench/load/scenario.hpp"

#include <string>

namespace leasehold::bench {

/// From acquire to the first byte of output, beside a bare `bwrap` with the
/// same options.
void measure_bubblewrap(stage& on, const std::string& store);

} // namespace leasehold::bench
