#pragma once

// What can be told of a JSON text without parsing it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leasehold {

/// How deep a text of somebody else may nest. Parsing takes any depth; writing
/// and checking recur, and would run out of stack.
inline constexpr size_t json_depth_max = 500;

/// Whether arrays and objects nest deeper than `limit`.
bool nests_deeper(std::string_view text, size_t limit);

/// The integer under `key` of the outermost object, if it is spelled out in
/// `head`, the beginning of a text, and `unless` is not a key before it.
std::optional<int64_t> leading_integer(std::string_view head,
                                       std::string_view key,
                                       std::string_view unless);

/// The text with U+FFFD for escapes such as `\ud83d` that have lost their other
/// half: JavaScript writes them when it cuts a text in two.
std::string without_lone_surrogates(std::string_view text);

} // namespace leasehold
