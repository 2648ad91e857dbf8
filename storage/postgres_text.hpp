#pragma once

// Texts that PostgreSQL can store: UTF-8 without NUL.

#include "messages/store.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace leasehold {

/// Whether the text can be stored as it is.
bool is_storable(std::string_view x);

/// The text with U+FFFD in place of what cannot be stored. For what people
/// read: a strange word in a reason must not keep a lease from ending.
std::string mended(std::string_view x);

/// Why this write cannot be stored, if one of its names cannot.
std::optional<failure> why_unfit(const store_write& x);

} // namespace leasehold
