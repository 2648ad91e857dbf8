#pragma once

// What both stores say when they refuse.

#include "messages/environment.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"
#include "messages/store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

/// The shortest beginning of an id that names a lease.
inline constexpr size_t lease_prefix_min = 4;

/// How many candidates are fetched for an ambiguous prefix; one more than are
/// named.
inline constexpr int candidates_max = 4;

failure unknown_lease(const std::string& x);

/// Several leases, of which `rows` are the first, begin like this.
failure ambiguous(const std::string& x, const std::vector<lease_row>& rows);

/// Something cannot go while this many leases hold it.
failure still_held(const std::string& what, int64_t leases);

/// "Lease "x" cannot be ended", without what follows.
std::string cannot_be(std::string_view verb, const lease_id& who);

/// Why the guard of a write does not hold: what the lease is now, if it
/// exists. `asked` is the fence that the write was for; zero if for any.
failure guard_failed(std::string_view verb, const lease_id& who,
                     const std::optional<lease_row>& now, fence_no asked);

/// A lease that is not granted begins with its end.
failure cannot_begin(const lease_row& row);

/// Why the plugin of a new lease does not do, if it does not; `now` is none if
/// it is gone.
std::optional<failure> plugin_unfit(const insert_lease& x,
                                    const std::optional<plugin_row>& now);

/// A late resource whose lease nobody knows, or that some row leads to.
failure has_a_row(const adopt_late& x);

/// Why a fence for a removal is not given.
failure held_by_another(const take_fence& x);

failure unknown_plugin(const std::string& id_or_key);

/// The plugin is no longer what the write was for.
failure plugin_changed_since(const std::string& key);

} // namespace leasehold
