#pragma once

// Which plugins may serve what a driver asks for: PB §3.5 for sandbox
// providers, PB §3.17 for the drivers of a named plugin. Pure.

#include "messages/worker.hpp"

#include <compare>
#include <string>
#include <vector>

namespace leasehold {

/// Which worker a driver needs.
struct worker_wish {
  /// Empty: any plugin that provides it.
  std::string plugin_key;
  std::string driver_key;

  friend auto operator<=>(const worker_wish&, const worker_wish&) = default;
};

/// The ready plugins among `plugins` that may serve this, in their order, which
/// is the install order; never none. Errors: `unknown_provider`,
/// `unknown_plugin`, `unknown_driver`, `plugin_not_ready`.
result<std::vector<plugin_row>>
candidates_for(const std::vector<plugin_row>& plugins, const worker_wish& what);

/// What is said when nobody's worker gets ready in time; `plugin` is the one
/// that was waited for.
std::string no_worker_text(const worker_wish& what, const plugin_row& plugin);

/// Every driver that installed plugins declare, in install order. Who serves
/// and what workers do is left to the caller.
std::vector<surveyed_driver>
declared_drivers(const std::vector<plugin_row>& plugins);

} // namespace leasehold
