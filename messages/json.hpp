#pragma once

// What the engine itself has to know about JSON texts.

#include "messages/result.hpp"
#include "messages/values.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

/// Checks that `text` is a JSON object and returns it in canonical form: keys
/// sorted, no white space. `what` names the text in the error
/// (`invalid_request`), which says line and column, or that it nests too deep.
result<json_text> canonical_object(std::string_view text,
                                   std::string_view what);

/// What two configs have in common if, and only if, a resource made under the
/// one serves the other: the canonical form without null values and without
/// the keys `ignored`. `config` must be a JSON object.
std::string config_fingerprint(const json_text& config,
                               const std::vector<std::string>& ignored);

/// `object` with `value` under `key`; both are the texts of JSON values.
json_text with_member(const json_text& object, std::string_view key,
                      const json_text& value);

/// The text under `key` of an object; empty if there is none.
std::string text_member(const json_text& object, std::string_view key);

/// The JSON value under `key` of an object; nothing if there is none.
std::optional<json_text> json_member(const json_text& object,
                                     std::string_view key);

/// The texts of JSON strings and numbers are easy to get wrong by hand.
std::string json_string(std::string_view text);

/// The same, behind what is there.
void append_json_string(std::string& to, std::string_view text);

/// The milliseconds since the Unix epoch that an ISO 8601 text such as
/// `2026-05-11T08:30:00.250Z` or `…+02:00` names; nothing if it names none, or
/// one that is not in the years 0 to 9999 of UTC.
std::optional<timestamp> parse_iso8601(std::string_view text);

/// `2026-05-11T08:30:00.250Z`.
std::string to_iso8601(timestamp at);

} // namespace leasehold
