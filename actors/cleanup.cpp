#include "actors/cleanup.hpp"

#include <algorithm>
#include <cmath>

namespace leasehold {

namespace {

milliseconds pause_after(uint32_t attempt, const cleanup_options& options,
                         double dice) {
  auto pause = options.retry_delay;
  for (uint32_t i = 1; i < attempt && pause < options.retry_delay_max; ++i)
    pause *= 2;
  pause = std::min(pause, options.retry_delay_max);
  return milliseconds{
    std::llround(static_cast<double>(pause.count()) * (0.75 + 0.5 * dice))};
}

} // namespace

record_cleanup after_attempt(const lease_id& lease, uint32_t attempt,
                             const result<>& outcome,
                             const cleanup_options& options, double dice) {
  record_cleanup out;
  out.lease = lease;
  if (outcome) {
    out.outcome = cleanup_status::success;
    out.note = "cleaned up";
    return out;
  }
  out.outcome = cleanup_status::failed;
  out.note = "cleanup failed: " + outcome.error().message;
  if (attempt < options.attempts_max)
    out.next_cleanup_in = pause_after(attempt, options, dice);
  else
    out.note += "; an operator must act";
  return out;
}

} // namespace leasehold
