#pragma once

// Bugs on purpose. The simulator turns one on and has to find it; see
// docs/simulator.md. Users' builds have none: there `mutated` is a constant and
// nothing is left of the code that asks.

#include "messages/enums.hpp"

#include <cstdint>

namespace leasehold {

/// What can be made wrong, and where.
enum class mutation : uint8_t {
  none,
  /// Placement: the provider is called before the intent is on disk.
  intent_after_call,
  /// Placement: the run is told of a grant that is not on disk.
  grant_before_commit,
  /// Placement: an acquire whose outcome is unknown owes nothing.
  timeout_owes_nothing,
  /// Placement: what a failed resume leaves behind is nobody's.
  resume_failure_forgets,
  /// Parking: a resource fits any company.
  parked_fits_anybody,
  /// Store: whoever asks gets the parked resource, parked or not.
  claim_without_condition,
  /// Store: an end is written whatever the row says.
  end_without_guard,
  /// Store: every other engine is dead.
  living_engine_is_dead,
  /// Lease: a handle of an earlier grant is as good as the latest.
  stale_fence_accepted,
  /// Lease: no timer for the end of the term.
  expiry_not_armed,
  /// Lease: the run is told of an end that is not on disk.
  release_before_commit,
  /// Lease: a release that failed counts as a success.
  release_failure_is_success,
  /// Lease: an end that the store could not take is not written again.
  end_not_retried,
  /// Janitor: a cleanup counts without a call to the provider.
  cleanup_without_destroy,
  /// Janitor: a cleanup that failed is never tried again.
  cleanup_not_retried,
  /// Janitor: what dead engines were acquiring is left alone.
  recovery_skips_acquiring,
  /// Driver: a command whose worker was lost has ended with 0.
  exit_code_invented,
  /// Worker: calls that were lost with the process have succeeded.
  lost_calls_succeed,
  /// Start-up: the restarts of a worker are not slowed down.
  crashes_forgotten_at_once,
  /// Door: a lease is counted only once it is granted.
  limit_counted_late,
  /// Door: a place is never given back.
  place_kept_for_ever,
  /// Door: whoever comes first is first, whatever company it is.
  one_line_for_all,
  /// Door: no timer for those who wait.
  queue_deadline_ignored,
  /// Breaker: once open it stays open.
  breaker_never_half_open,
  /// Breakers: there is one for all environments.
  one_breaker_for_all,
  /// Store: a lease that is taken again or over keeps its fence.
  reacquired_under_old_fence,
  /// Come back: leases of engines that live are taken over, too.
  living_engine_robbed,
  /// Janitor: no run has time to come back.
  grace_ignored,
  /// Janitor: what is parked waits for ever.
  parked_ttl_ignored,
};

template <>
inline constexpr auto names<mutation> = named<mutation>({
  {mutation::none, "none"},
  {mutation::intent_after_call, "intent_after_call"},
  {mutation::grant_before_commit, "grant_before_commit"},
  {mutation::timeout_owes_nothing, "timeout_owes_nothing"},
  {mutation::resume_failure_forgets, "resume_failure_forgets"},
  {mutation::parked_fits_anybody, "parked_fits_anybody"},
  {mutation::claim_without_condition, "claim_without_condition"},
  {mutation::end_without_guard, "end_without_guard"},
  {mutation::living_engine_is_dead, "living_engine_is_dead"},
  {mutation::stale_fence_accepted, "stale_fence_accepted"},
  {mutation::expiry_not_armed, "expiry_not_armed"},
  {mutation::release_before_commit, "release_before_commit"},
  {mutation::release_failure_is_success, "release_failure_is_success"},
  {mutation::end_not_retried, "end_not_retried"},
  {mutation::cleanup_without_destroy, "cleanup_without_destroy"},
  {mutation::cleanup_not_retried, "cleanup_not_retried"},
  {mutation::recovery_skips_acquiring, "recovery_skips_acquiring"},
  {mutation::exit_code_invented, "exit_code_invented"},
  {mutation::lost_calls_succeed, "lost_calls_succeed"},
  {mutation::crashes_forgotten_at_once, "crashes_forgotten_at_once"},
  {mutation::limit_counted_late, "limit_counted_late"},
  {mutation::place_kept_for_ever, "place_kept_for_ever"},
  {mutation::one_line_for_all, "one_line_for_all"},
  {mutation::queue_deadline_ignored, "queue_deadline_ignored"},
  {mutation::breaker_never_half_open, "breaker_never_half_open"},
  {mutation::one_breaker_for_all, "one_breaker_for_all"},
  {mutation::reacquired_under_old_fence, "reacquired_under_old_fence"},
  {mutation::living_engine_robbed, "living_engine_robbed"},
  {mutation::grace_ignored, "grace_ignored"},
  {mutation::parked_ttl_ignored, "parked_ttl_ignored"},
});

#ifdef LEASEHOLD_MUTATIONS

/// The one that is turned on; set while no actor runs.
inline mutation chosen_mutation = mutation::none;

inline bool mutated(mutation x) noexcept {
  return chosen_mutation == x;
}

#else

constexpr bool mutated(mutation) noexcept {
  return false;
}

#endif

} // namespace leasehold
