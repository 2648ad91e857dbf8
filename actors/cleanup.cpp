#include "actors/cleanup.hpp"

#include <algorithm>
#include <cmath>

namespace leasehold {

std::optional<milliseconds>
pause_after(uint32_t attempt, const cleanup_options& options, double dice) {
  if (attempt >= options.attempts_max)
    return std::nullopt;
  auto pause = options.retry_delay;
  for (uint32_t i = 1; i < attempt && pause < options.retry_delay_max; ++i)
    pause *= 2;
  pause = std::min(pause, options.retry_delay_max);
  return milliseconds{
    std::llround(static_cast<double>(pause.count()) * (0.75 + 0.5 * dice))};
}

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
  out.next_cleanup_in = pause_after(attempt, options, dice);
  if (!out.next_cleanup_in)
    out.note += "; an operator must act";
  return out;
}

bool takes_late(const lease_row& row, const resource_id& resource) noexcept {
  return has_ended(row.status) && !row.parked
         && row.cleanup == cleanup_status::failed
         && (row.resource.empty() || row.resource == resource);
}

record_cleanup note_late(const lease_id& lease, const resource_id& resource) {
  record_cleanup out;
  out.lease = lease;
  out.outcome = cleanup_status::failed;
  out.attempted = false;
  out.next_cleanup_in = milliseconds{0};
  out.resource = resource;
  out.note = "came up late as " + resource.value;
  return out;
}

} // namespace leasehold
