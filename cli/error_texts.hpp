#pragma once

// Failures as people and programs read them.

#include "messages/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace leasehold::cli {

/// Exit codes of every verb but `run`.
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

/// What to do about a failure; empty if there is nothing general to say.
std::string hint_for(ec code);

/// `leasehold: <message>`, the detail indented (its last lines only, unless
/// `everything`), and what to do. `suggestion` is the nearest existing name.
std::string render_failure(const failure& what, const std::string& suggestion,
                           bool everything, bool colour);

/// The one of `known` that was probably meant; empty if none is near.
std::string nearest(std::string_view name,
                    const std::vector<std::string>& known);

} // namespace leasehold::cli
