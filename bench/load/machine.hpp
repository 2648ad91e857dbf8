#pragma once

// Where and when something was measured.

#include <map>
#include <string>

namespace leasehold::bench {

/// Such as `processor`: `Xeon, 2 cores`.
using machine_facts = std::map<std::string, std::string>;

machine_facts look_at_machine();

} // namespace leasehold::bench
