#pragma once

// What the host is told about this provider.

#include <nlohmann/json.hpp>

namespace leasehold::bubblewrap {

/// The plugin manifest (PB §1.3).
nlohmann::json manifest();

} // namespace leasehold::bubblewrap
