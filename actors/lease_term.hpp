#pragma once

// What a lease's row becomes when the lease ends: the table of PB §3.11, and
// what happens to a resource whose release nobody could carry out.

#include "messages/errors.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace leasehold {

/// Why a lease ends, and what is to become of its resource.
struct lease_ending {
  enum class how : uint8_t {
    /// Its provider parks or removes it.
    release,
    /// Its provider removes it.
    destroy,
    /// It stays as it is, for somebody to look at.
    keep,
  };
  how what = how::release;
  release_status status = release_status::released;
  /// Empty for the usual reason.
  std::string reason;

  friend bool operator==(const lease_ending&, const lease_ending&) = default;
};

/// What the end depends on beside the ending itself.
struct lease_terms {
  lease_policy policy = lease_policy::ephemeral;
  bool makes_resource = false;

  friend bool operator==(const lease_terms&, const lease_terms&) = default;
};

/// What to write into the row.
struct lease_outcome {
  lease_status status = lease_status::released;
  std::string failure_reason;
  cleanup_status cleanup = cleanup_status::none;
  /// When the janitor may try; only with a cleanup that is owed.
  std::optional<milliseconds> next_cleanup_in;
  bool parked = false;
  std::string note;

  friend bool operator==(const lease_outcome&, const lease_outcome&) = default;
};

/// What is wrong with a handle, if it is of another grant than the last one.
/// Fence zero is an operator's, and is never wrong.
std::optional<failure> why_stale(const lease_handle& handle, fence_no latest);

/// The reasons that rows carry.
namespace reason {

inline constexpr std::string_view run_failed = "adapter_or_run_failure";
inline constexpr std::string_view destroyed = "lease_destroyed";
inline constexpr std::string_view engine_restart = "engine_restart";
inline constexpr std::string_view engine_stopped = "engine_stopped";
inline constexpr std::string_view acquire_abandoned = "acquire_abandoned";
inline constexpr std::string_view actor_lost = "lease_actor_lost";

} // namespace reason

/// Whether the provider has to be called for this ending.
[[nodiscard]] bool needs_provider(const lease_ending& how,
                                  const lease_terms& terms) noexcept;

/// The ending that is carried out: a provider would park what has expired, but
/// nobody comes back for it, so it is removed instead.
[[nodiscard]] lease_ending effective(lease_ending how,
                                     const lease_terms& terms);

/// The end of a lease whose provider was called and answered `provider`, or did
/// not have to be called.
[[nodiscard]] lease_outcome outcome_of(const lease_ending& how,
                                       const lease_terms& terms,
                                       const result<>& provider);

/// How long the resource of a lease with this metadata waits once it is parked:
/// what its environment's config said (`parkedTtlMs`), else `usual`.
[[nodiscard]] milliseconds parked_ttl_of(const json_text& metadata,
                                         milliseconds usual);

/// The end of a lease whose actor, engine or environment died: failed, and
/// whatever it held is owed at once.
[[nodiscard]] lease_outcome outcome_of_loss(bool makes_resource,
                                            std::string_view why);

} // namespace leasehold
