#include "actors/lease_term.hpp"

#include "messages/json.hpp"
#include "messages/mutation.hpp"

#include <charconv>
#include <system_error>

namespace leasehold {

namespace {

using how = lease_ending::how;

lease_status status_of(const lease_ending& x, lease_policy policy) {
  if (x.what == how::keep)
    return lease_status::retained;
  // What is removed is not retained, and a removal is no success of the run.
  if (x.what == how::destroy && x.status != release_status::expired)
    return lease_status::failed;
  switch (x.status) {
    case release_status::released:
      return lease_status::released;
    case release_status::expired:
      return lease_status::expired;
    case release_status::failed:
      return policy == lease_policy::retain_on_failure ? lease_status::retained
                                                       : lease_status::failed;
  }
  return lease_status::failed;
}

std::string reason_of(const lease_ending& x) {
  if (!x.reason.empty())
    return x.reason;
  if (x.what == how::destroy && x.status == release_status::released)
    return std::string{reason::destroyed};
  if (x.status == release_status::failed)
    return std::string{reason::run_failed};
  return {};
}

/// Whether the resource waits for the next run after a release that worked.
bool parks(const lease_ending& x, const lease_terms& terms) {
  return x.what == how::release && is_reusable(terms.policy)
         && x.status != release_status::expired;
}

} // namespace

std::optional<failure> why_stale(const lease_handle& handle, fence_no latest) {
  if (handle.fence == 0 || handle.fence == latest)
    return std::nullopt;
  return failure{ec::stale_lease, "Lease " + handle.id.value
                                    + " was granted anew: fence "
                                    + std::to_string(latest) + ", not "
                                    + std::to_string(handle.fence) + "."};
}

bool needs_provider(const lease_ending& how,
                    const lease_terms& terms) noexcept {
  return terms.makes_resource && how.what != lease_ending::how::keep;
}

lease_ending effective(lease_ending x, const lease_terms& terms) {
  if (x.what == how::release && is_reusable(terms.policy) && !parks(x, terms))
    x.what = how::destroy;
  return x;
}

lease_outcome outcome_of(const lease_ending& x, const lease_terms& terms,
                         const result<>& provider) {
  lease_outcome out{.status = status_of(x, terms.policy),
                    .failure_reason = reason_of(x),
                    .next_cleanup_in = std::nullopt,
                    .note = {}};
  if (x.what == how::keep && terms.makes_resource) {
    out.note = "kept for inspection";
    return out;
  }
  if (!provider && !mutated(mutation::release_failure_is_success)) {
    out.cleanup = cleanup_status::failed;
    out.next_cleanup_in = milliseconds{0};
    out.note = "cleanup owed: " + provider.error().message;
    return out;
  }
  out.parked = terms.makes_resource && parks(x, terms);
  if (out.parked) {
    out.note = "parked for the next run";
    return out;
  }
  out.cleanup = cleanup_status::success;
  return out;
}

lease_outcome outcome_of_loss(bool makes_resource, std::string_view why) {
  lease_outcome out{.status = lease_status::failed,
                    .failure_reason = std::string{why},
                    .next_cleanup_in = std::nullopt,
                    .note = {}};
  if (!makes_resource) {
    out.cleanup = cleanup_status::success;
    return out;
  }
  out.cleanup = cleanup_status::failed;
  out.next_cleanup_in = milliseconds{0};
  out.note = "cleanup owed";
  return out;
}

milliseconds parked_ttl_of(const json_text& metadata, milliseconds usual) {
  auto config = json_member(metadata, "config");
  auto text = config ? json_member(*config, "parkedTtlMs") : std::nullopt;
  if (!text)
    return usual;
  int64_t out = 0;
  const auto* end = text->text.data() + text->text.size();
  auto [rest, failed] = std::from_chars(text->text.data(), end, out);
  return failed == std::errc{} && rest == end && out >= 0 ? milliseconds{out}
                                                          : usual;
}

} // namespace leasehold
