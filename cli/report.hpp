#pragma once

// JSON views of what the engine says. Their field names are a promise; they
// are described in docs/command-line.md.

#include "leasehold/types.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace leasehold::cli {

nlohmann::ordered_json view(const failure& x);
nlohmann::ordered_json view(const lease& x);
nlohmann::ordered_json view(const ended_lease& x);
nlohmann::ordered_json view(const environment_info& x);
/// Values of variables may be secrets: only their names are shown.
nlohmann::ordered_json view(const plugin_info& x);
nlohmann::ordered_json view(const driver_info& x);
nlohmann::ordered_json view(const probe_result& x);
nlohmann::ordered_json view(const breaker_info& x);
nlohmann::ordered_json view(const lease_info& x);
nlohmann::ordered_json view(const history_line& x);
nlohmann::ordered_json view(const finding& x);
nlohmann::ordered_json view(const examination& x);
/// There is no value in it.
nlohmann::ordered_json view(const secret_info& x);

template <class T>
nlohmann::ordered_json view_all(const std::vector<T>& rows);

/// JSON text as a value; text that is no JSON as a string.
nlohmann::ordered_json parsed(const std::string& text);

/// Prints with a line break at the end: on one line, or indented.
std::string print(const nlohmann::ordered_json& x, bool indented = true);

} // namespace leasehold::cli
