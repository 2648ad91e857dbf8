#pragma once

// Why something failed, and what the caller does about it.

#include "messages/enums.hpp"

#include <cstdint>
#include <string>

namespace leasehold {

/// Why an operation failed. Grouped by what the caller does next, because that
/// is the only difference a caller acts on. Values are stored: append to a
/// group, never renumber. One row each in docs/errors.md.
enum class ec : uint8_t {
  none = 0,

  // -- retry: the same request may succeed later (1..39) ----------------------
  /// No worker became ready within the grace period.
  worker_not_ready = 1,
  /// A worker crashed too often; it is tried again after a pause.
  worker_broken = 2,
  /// A queue is full.
  overloaded = 3,
  /// The database cannot be reached or written right now.
  store_unavailable = 4,
  /// The engine is going down.
  shutting_down = 5,
  /// The plugin is known but not ready.
  plugin_not_ready = 6,
  /// The provider failed too often; it is tried again after a pause.
  circuit_open = 7,
  /// It waited for its turn for as long as it may.
  queue_timed_out = 8,

  // -- fall back: this way is closed, another may be open (40..59) ------------
  /// The resource no longer exists.
  resource_gone = 40,
  /// The driver or worker does not offer this.
  not_supported = 41,
  /// Somebody else changed the row first.
  conflict = 42,

  // -- in doubt: it may have happened; reconcile, never repeat (60..79) -------
  /// A call outlived its deadline.
  call_timed_out = 60,
  /// The worker died while a call was outstanding.
  worker_lost = 61,
  /// A command was started and nobody saw how it ended.
  outcome_unknown = 62,
  /// The database did not say whether it committed.
  commit_unknown = 63,

  // -- give up: repeating cannot help (80..199) -------------------------------
  /// The request itself makes no sense.
  invalid_request = 80,
  /// A configuration does not pass its schema or its driver.
  invalid_config = 81,
  unknown_environment = 82,
  unknown_driver = 83,
  unknown_provider = 84,
  unknown_plugin = 85,
  unknown_lease = 86,
  unknown_command = 87,
  /// The environment takes no leases.
  environment_inactive = 88,
  /// The provider said no.
  provider_refused = 89,
  /// The fence is not the lease's, or older than one that its resource has
  /// seen.
  stale_lease = 90,
  /// The lease has ended, or is ending.
  lease_ended = 91,
  /// The lease belongs to another engine that is alive.
  held_elsewhere = 92,
  /// The caller took the request back.
  cancelled = 93,
  /// The command could not be started.
  command_not_started = 94,
  /// Something of that name exists, or is still in use.
  already_exists = 95,
  in_use = 96,
  /// A message is longer than the limit.
  too_large = 97,
  /// The database refuses for good: newer schema, corrupt, read-only.
  store_unusable = 98,
  /// There is no such secret, or no such version of it.
  unknown_secret = 99,
  /// The secret, or its version, is another company's or not active, or the
  /// master key does not open it.
  secret_unusable = 100,
  /// The secret is not bound to where it is used.
  binding_missing = 101,

  // -- bug: somebody broke the protocol (200..) -------------------------------
  /// A message arrived in a state that has no use for it, or in no form that
  /// its sender promised.
  protocol_violation = 200,
  /// An error that has no better name; its message says more.
  internal = 201,
};

template <>
inline constexpr auto names<ec> = named<ec>({
  {ec::none, "none"},
  {ec::worker_not_ready, "worker_not_ready"},
  {ec::worker_broken, "worker_broken"},
  {ec::overloaded, "overloaded"},
  {ec::store_unavailable, "store_unavailable"},
  {ec::shutting_down, "shutting_down"},
  {ec::plugin_not_ready, "plugin_not_ready"},
  {ec::circuit_open, "circuit_open"},
  {ec::queue_timed_out, "queue_timed_out"},
  {ec::resource_gone, "resource_gone"},
  {ec::not_supported, "not_supported"},
  {ec::conflict, "conflict"},
  {ec::call_timed_out, "call_timed_out"},
  {ec::worker_lost, "worker_lost"},
  {ec::outcome_unknown, "outcome_unknown"},
  {ec::commit_unknown, "commit_unknown"},
  {ec::invalid_request, "invalid_request"},
  {ec::invalid_config, "invalid_config"},
  {ec::unknown_environment, "unknown_environment"},
  {ec::unknown_driver, "unknown_driver"},
  {ec::unknown_provider, "unknown_provider"},
  {ec::unknown_plugin, "unknown_plugin"},
  {ec::unknown_lease, "unknown_lease"},
  {ec::unknown_command, "unknown_command"},
  {ec::environment_inactive, "environment_inactive"},
  {ec::provider_refused, "provider_refused"},
  {ec::stale_lease, "stale_lease"},
  {ec::lease_ended, "lease_ended"},
  {ec::held_elsewhere, "held_elsewhere"},
  {ec::cancelled, "cancelled"},
  {ec::command_not_started, "command_not_started"},
  {ec::already_exists, "already_exists"},
  {ec::in_use, "in_use"},
  {ec::too_large, "too_large"},
  {ec::store_unusable, "store_unusable"},
  {ec::unknown_secret, "unknown_secret"},
  {ec::secret_unusable, "secret_unusable"},
  {ec::binding_missing, "binding_missing"},
  {ec::protocol_violation, "protocol_violation"},
  {ec::internal, "internal"},
});

/// What a caller does about an error.
enum class disposition : uint8_t { retry, fall_back, in_doubt, give_up, bug };

template <>
inline constexpr auto names<disposition> = named<disposition>({
  {disposition::retry, "retry"},
  {disposition::fall_back, "fall_back"},
  {disposition::in_doubt, "in_doubt"},
  {disposition::give_up, "give_up"},
  {disposition::bug, "bug"},
});

constexpr disposition disposition_of(ec code) noexcept {
  auto n = static_cast<unsigned>(code);
  if (n < 40)
    return disposition::retry;
  if (n < 60)
    return disposition::fall_back;
  if (n < 80)
    return disposition::in_doubt;
  if (n < 200)
    return disposition::give_up;
  return disposition::bug;
}

static_assert(disposition_of(ec::resource_gone) == disposition::fall_back);
static_assert(disposition_of(ec::worker_lost) == disposition::in_doubt);
static_assert(disposition_of(ec::stale_lease) == disposition::give_up);

/// Whether the provider may have acted on a request that failed.
enum class acted : uint8_t { no, unknown, yes };

template <>
inline constexpr auto names<acted> = named<acted>({
  {acted::no, "no"},
  {acted::unknown, "unknown"},
  {acted::yes, "yes"},
});

/// Whether the provider may have acted, where the code alone decides it.
constexpr acted acted_of(ec code) noexcept {
  return disposition_of(code) == disposition::in_doubt ? acted::unknown
                                                       : acted::no;
}

/// The one error type: what happened, in words for people, and in codes for
/// programs.
struct failure {
  ec code = ec::none;
  /// What failed and where; one sentence.
  std::string message;
  /// The provider's or library's own words, if it had any.
  std::string detail = {};
  acted provider_acted = acted_of(code);

  friend bool operator==(const failure&, const failure&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, failure& x) {
  return f.object(x).fields(
    f.field("code", x.code), f.field("message", x.message),
    f.field("detail", x.detail), f.field("provider_acted", x.provider_acted));
}

} // namespace leasehold
