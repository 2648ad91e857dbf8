#pragma once

// When a cleanup that failed is tried again, and when nobody tries any more.

#include "messages/lease.hpp"
#include "messages/result.hpp"
#include "messages/store.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <optional>

namespace leasehold {

struct cleanup_options {
  milliseconds retry_delay{5'000};
  milliseconds retry_delay_max{600'000};
  uint32_t attempts_max = 20;
  /// How often a provider has to say that it has nothing for a lease, and for
  /// how many retry delays after the lease ended, before that is believed: a
  /// call that nobody waits for may still be under way. Never before the
  /// acquire's own deadline.
  uint32_t empty_looks_min = 4;
  uint32_t doubt = 12;
};

/// How long to wait after attempt number `attempt` (from 1) has failed: pauses
/// double up to the cap, ±25 % by `dice` in [0, 1). None: that was the last
/// attempt, and an operator must act. Pure.
[[nodiscard]] std::optional<milliseconds>
pause_after(uint32_t attempt, const cleanup_options& options, double dice);

/// What to write after another attempt to clean up the lease of this row. Where
/// nobody can say whether there is a resource, an operator must act at once.
/// Pure.
[[nodiscard]] record_cleanup after_attempt(const lease_row& row,
                                           const result<>& outcome,
                                           const cleanup_options& options,
                                           double dice);

/// What it means that the provider lists nothing for this row's lease: nothing
/// was made, or too early to tell, which is a failed attempt. Pure.
[[nodiscard]] result<> nothing_listed(const lease_row& row, timestamp now,
                                      const cleanup_options& options);

/// What it means that everything is removed that the provider listed for this
/// row's lease: that is all, or too early to tell. What it listed need not have
/// been made for the lease; a resource that is may still come. Pure.
[[nodiscard]] result<> all_removed(const lease_row& row, timestamp now);

/// Whether a resource that came up after its acquire had been given up can be
/// noted in the lease's row, and so become a cleanup like all others. Not
/// before the row has ended, nor if it owes nothing or names something else.
/// Pure.
[[nodiscard]] bool takes_late(const lease_row& row,
                              const resource_id& resource) noexcept;

/// What to write about a resource that came up late, so that it is removed and
/// nobody forgets it: in the lease's row if that takes it, else in a row `as`
/// of its own. Pure.
[[nodiscard]] store_write record_late(const lease_row& row,
                                      const resource_id& resource,
                                      const lease_id& as);

} // namespace leasehold
