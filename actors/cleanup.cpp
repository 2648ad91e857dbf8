#include "actors/cleanup.hpp"

#include "messages/mutation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace leasehold {

namespace {

/// Whether there is no name to remove a resource by, and nobody to ask for one.
bool cannot_be_known(const lease_row& row, const result<>& outcome) {
  return row.resource.empty() && outcome.error().code == ec::not_supported;
}

} // namespace

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

record_cleanup after_attempt(const lease_row& row, const result<>& outcome,
                             const cleanup_options& options, double dice) {
  record_cleanup out;
  out.lease = row.id;
  if (outcome) {
    out.outcome = cleanup_status::success;
    out.note = "cleaned up";
    return out;
  }
  out.outcome = cleanup_status::failed;
  out.note = "cleanup failed: " + outcome.error().message;
  if (cannot_be_known(row, outcome))
    out.note = "nobody can say whether the provider made something: its worker "
               "does not list what it holds";
  else if (!mutated(mutation::cleanup_not_retried))
    out.next_cleanup_in = pause_after(row.cleanup_attempts + 1, options, dice);
  if (!out.next_cleanup_in)
    out.note += "; an operator must act";
  return out;
}

result<> nothing_listed(const lease_row& row, timestamp now,
                        const cleanup_options& options) {
  auto looks = row.cleanup_attempts + 1;
  // A lease is used for the last time when it ends.
  auto is_old = now - row.last_used_at >= options.doubt * options.retry_delay
                && now >= row.deadline_at.value_or(now);
  if (looks >= options.attempts_max
      || (looks >= options.empty_looks_min && is_old))
    return done{};
  return failure{ec::outcome_unknown,
                 "the provider lists nothing for it, but may still be at it",
                 {}};
}

result<> all_removed(const lease_row& row, timestamp now) {
  if (now >= row.deadline_at.value_or(now))
    return done{};
  return failure{
    ec::outcome_unknown,
    "what the provider listed for it is removed, but more may come",
    {}};
}

bool takes_late(const lease_row& row, const resource_id& resource) noexcept {
  return has_ended(row.status) && !row.parked
         && row.cleanup == cleanup_status::failed
         && (row.resource.empty() || row.resource == resource);
}

store_write record_late(const lease_row& row, const resource_id& resource,
                        const lease_id& as) {
  auto note = "came up late as " + resource.value;
  if (!takes_late(row, resource))
    return adopt_late{row.id, resource, as,
                      note + " for lease " + row.id.value};
  record_cleanup out;
  out.lease = row.id;
  out.outcome = cleanup_status::failed;
  out.attempted = false;
  out.next_cleanup_in = milliseconds{0};
  out.resource = resource;
  out.note = std::move(note);
  return out;
}

} // namespace leasehold
