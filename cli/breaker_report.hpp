#pragma once

// What people and programs are told of a circuit breaker.

#include "cli/session.hpp"
#include "cli/table.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>

namespace leasehold::cli {

/// The open breaker of an `environment` or `plugin` with this id, if it has
/// one.
std::optional<breaker_info>
open_breaker_of(engine& with, const std::string& kind, const std::string& id);

/// A line such as `open: tried again in 4 s; …`; `closed` if there is none.
cell breaker_cell(const std::optional<breaker_info>& x, int64_t now_ms);

/// The breaker, or null.
nlohmann::ordered_json breaker_json(const std::optional<breaker_info>& x);

/// Says that a breaker was closed, or why it was not.
int show_reset(const context& where, const std::string& kind,
               const std::string& name);

} // namespace leasehold::cli
