#pragma once

// What is asked of parsed JSON everywhere.

#include "messages/values.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace leasehold {

/// As text. Bytes that are not UTF-8 are replaced.
json_text pack(const nlohmann::json& x);

/// The text at `key` of an object; empty if there is none.
std::string text_of(const nlohmann::json& x, const char* key);

} // namespace leasehold
