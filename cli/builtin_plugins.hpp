#pragma once

// The provider that ships with Leasehold and registers itself.

#include "leasehold/engine.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace leasehold::cli {

inline constexpr auto bubblewrap_key = "leasehold.bubblewrap";

/// Makes sure that the engine knows the bubblewrap provider of this build, if
/// its helper program is there. Costs one read when nothing has changed.
result<done> register_builtin_plugins(engine& where,
                                      const std::filesystem::path& data);

/// A helper program: beside `program`, else in `../libexec/leasehold` from
/// there; none if it is in neither.
std::optional<std::filesystem::path>
find_helper(const std::filesystem::path& program, const std::string& name);

/// What a helper was when it was registered: size and time of its file. Kept
/// in the plugin's environment, so that a rebuilt helper is noticed without
/// starting it.
std::string stamp_of(const std::filesystem::path& helper);

/// The JSON object that `helper --manifest` prints.
result<std::string> read_manifest(const std::filesystem::path& helper);

} // namespace leasehold::cli
