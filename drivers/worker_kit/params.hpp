#pragma once

// Reads the parameters of a call. What is missing or of the wrong type is
// thrown as `rpc_error` with `invalid_params` and the parameter's name.

#include "drivers/worker_kit/call.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::kit {

/// `Parameter "cwd" must be …`.
[[noreturn]] void reject(const std::string& name, std::string_view rule);

/// A text that must be there and not be empty.
std::string required_text(const json& params, const std::string& name);

/// A text, or an empty one where there is none, or null.
std::string optional_text(const json& params, const std::string& name);

/// A whole number of at least `least`; nothing where there is none, or null.
std::optional<uint64_t> optional_number(const json& params,
                                        const std::string& name,
                                        uint64_t least = 0);

/// An object that must be there.
const json& required_object(const json& params, const std::string& name);

/// An object, or an empty one where there is none, or null.
const json& optional_object(const json& params, const std::string& name);

/// A list of texts; an empty one where there is none, or null.
std::vector<std::string> optional_texts(const json& params,
                                        const std::string& name);

/// An object of texts; an empty one where there is none, or null.
std::map<std::string, std::string> optional_text_map(const json& params,
                                                     const std::string& name);

} // namespace leasehold::kit
