#pragma once

// When a cleanup that failed is tried again, and when nobody tries any more.

#include "messages/lease.hpp"
#include "messages/result.hpp"
#include "messages/store.hpp"
#include "messages/values.hpp"

#include <cstdint>

namespace leasehold {

struct cleanup_options {
  milliseconds retry_delay{5'000};
  milliseconds retry_delay_max{600'000};
  uint32_t attempts_max = 20;
};

/// What to write after attempt number `attempt` (from 1) to clean up a lease.
/// Failures are retried with pauses that double up to the cap, ±25 % by `dice`
/// in [0, 1); after the last attempt no next one is set. Pure.
[[nodiscard]] record_cleanup
after_attempt(const lease_id& lease, uint32_t attempt, const result<>& outcome,
              const cleanup_options& options, double dice);

} // namespace leasehold
