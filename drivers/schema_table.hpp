#pragma once

// A JSON schema with all its parts side by side, each known by its number:
//
//   {"properties": {"a": {"$ref": "#/definitions/x"}},
//    "definitions": {"x": {"not": {"type": "null"}}}}
//
//   {"properties": {"a": 1}}    1: {"not": 2}    2: {"type": "null"}
//
// The library that checks configs finds parts by their paths, and different
// parts may have the same path. It also follows what a schema says of itself
// by a recursion: here is decided whether that comes to an end.

#include <nlohmann/json_fwd.hpp>

#include <cstddef>

namespace leasehold {

/// Schemas within schemas, as parts and by reference, and references that lead
/// to references. Each takes the library up to 3 KiB of stack, 35 KiB under an
/// address sanitizer.
inline constexpr size_t schema_depth_max = 64;

/// Schemas asked one within another while a config is checked. Each takes the
/// library up to half a KiB of stack, 3 KiB under an address sanitizer.
inline constexpr size_t checks_nested_max = 1'000;

/// Schemas that speak of one and the same value, counted once for each way that
/// leads to them: what refers to itself twice over doubles with each level.
inline constexpr size_t questions_max = 100'000;

/// Puts the parts of `schema` side by side: what is left of it refers to a list
/// at "schemas", and so do they. Returns how many schemas speak of one and the
/// same value at most, one within another.
/// Throws `std::invalid_argument` with a sentence about a schema that leads
/// nowhere, in a circle or too deep.
size_t tabulate(nlohmann::json& schema);

} // namespace leasehold
