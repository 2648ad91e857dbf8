#pragma once

// The status of a plugin (PB §1.3): what operators may ask of it, and what it
// becomes.

#include "messages/environment.hpp"
#include "messages/result.hpp"

#include <string>
#include <variant>
#include <vector>

namespace leasehold {

//  (no row) --added--> installed --> ready <---enabled--- disabled
//                                    |  ^ \                  ^
//   upgraded, and it                 |  |  +----disabled-----+
//   wants to do more                 v  | enabled: it may
//                                  upgrade_pending
//
// From every state a plugin may be removed; then it has no row. `error` may
// stand in a row that somebody else wrote, and is left as `disabled` is: a
// worker that crashes is the business of worker_startup, which never gives up.
//
// New leases are taken of a `ready` plugin only. In every state its leases are
// served by what it was last allowed to be.

/// Whether a plugin may go from one status to the other.
[[nodiscard]] bool may_become(plugin_status from, plugin_status to) noexcept;

// -- events: what somebody asks -----------------------------------------------

namespace plugin_event {

/// Be this from now on; whoever asks has looked at it.
struct added {
  plugin_offer what;
};

/// Be this, if it does not want to do more than now.
struct upgraded {
  plugin_offer what;
  /// What it wants to do that it may not do now.
  std::vector<std::string> more_capabilities;
};

struct disabled {};

/// Take leases again; an upgrade that waits is allowed.
struct enabled {};

using any = std::variant<added, upgraded, disabled, enabled>;

} // namespace plugin_event

/// What the plugin's row becomes. Equal to `now` where nothing changes. Errors:
/// `invalid_request`, which says what to do instead.
[[nodiscard]] result<plugin_row> step(const plugin_row& now,
                                      const plugin_event::any& what);

/// What `wanted` has and `granted` has not, in order, each once.
[[nodiscard]] std::vector<std::string>
more_than(const std::vector<std::string>& granted,
          const std::vector<std::string>& wanted);

} // namespace leasehold
