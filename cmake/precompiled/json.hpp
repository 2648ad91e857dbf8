// What reads and writes JSON, parsed once. Every source still includes what it
// uses: the builds with clang do without this file.

#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Instantiated once, in json.cpp.
extern template class nlohmann::basic_json<>;
