#pragma once

// The life of a lease: its record, and what schedulers say about it.

#include "messages/enums.hpp"
#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace leasehold {

/// Where a tenancy stands. The resource is tracked by `cleanup_status`.
enum class lease_status : uint8_t {
  acquiring,
  active,
  released,
  expired,
  failed,
  retained,
};

template <>
inline constexpr auto names<lease_status> = named<lease_status>({
  {lease_status::acquiring, "acquiring"},
  {lease_status::active, "active"},
  {lease_status::released, "released"},
  {lease_status::expired, "expired"},
  {lease_status::failed, "failed"},
  {lease_status::retained, "retained"},
});

/// Whether nobody lives in the resource any more.
constexpr bool has_ended(lease_status x) noexcept {
  return x != lease_status::acquiring && x != lease_status::active;
}

/// What is still to be done about a resource.
enum class cleanup_status : uint8_t {
  /// Nothing is owed yet.
  none,
  /// The resource is gone, or was never made.
  success,
  /// Owed. The janitor retries while a next attempt is set; without one, an
  /// operator must act.
  failed,
};

template <>
inline constexpr auto names<cleanup_status> = named<cleanup_status>({
  {cleanup_status::none, "none"},
  {cleanup_status::success, "success"},
  {cleanup_status::failed, "failed"},
});

/// What becomes of the resource when the run ends.
enum class lease_policy : uint8_t {
  ephemeral,
  reuse_by_environment,
  reuse_by_execution_workspace,
  retain_on_failure,
};

template <>
inline constexpr auto names<lease_policy> = named<lease_policy>({
  {lease_policy::ephemeral, "ephemeral"},
  {lease_policy::reuse_by_environment, "reuse_by_environment"},
  {lease_policy::reuse_by_execution_workspace, "reuse_by_execution_workspace"},
  {lease_policy::retain_on_failure, "retain_on_failure"},
});

constexpr bool is_reusable(lease_policy x) noexcept {
  return x == lease_policy::reuse_by_environment
         || x == lease_policy::reuse_by_execution_workspace;
}

/// How a run ended, as its scheduler tells it.
enum class release_status : uint8_t { released, expired, failed };

template <>
inline constexpr auto names<release_status> = named<release_status>({
  {release_status::released, "released"},
  {release_status::expired, "expired"},
  {release_status::failed, "failed"},
});

/// How a lease came by its resource.
enum class lease_origin : uint8_t {
  /// Made for this lease.
  fresh,
  /// Left by an earlier run, or still this run's own.
  resumed,
  /// Made because the one to resume was gone or did not come back.
  replacement,
};

template <>
inline constexpr auto names<lease_origin> = named<lease_origin>({
  {lease_origin::fresh, "fresh"},
  {lease_origin::resumed, "resumed"},
  {lease_origin::replacement, "replacement"},
});

/// One tenancy as the store keeps it. Empty ids and texts mean *none*.
struct lease_row {
  lease_id id;
  company_id company;
  environment_id environment;
  workspace_id workspace;
  issue_id issue;
  /// Empty for an ad-hoc lease.
  run_id run;
  lease_status status = lease_status::acquiring;
  lease_policy policy = lease_policy::ephemeral;
  /// `local`, `fake`, a provider key, `ssh` or `plugin:<plugin>:<driver>`.
  std::string provider;
  resource_id resource;
  /// Whether `resource` may have one holder only, ever.
  bool exclusive = false;
  fence_no fence = 0;
  instance_id owner;
  /// Whether the resource waits for the next run.
  bool parked = false;
  /// What a parked resource must match to be resumed.
  std::string fingerprint;
  cleanup_status cleanup = cleanup_status::none;
  uint32_t cleanup_attempts = 0;
  std::optional<timestamp> next_cleanup_at;
  std::string failure_reason;
  json_text metadata;
  timestamp acquired_at;
  timestamp last_used_at;
  timestamp updated_at;
  /// When the tenancy ends by itself.
  std::optional<timestamp> expires_at;
  /// When a state that waits for something is over: `acquiring` for its
  /// provider, `active` without an engine for its run, parked for the next run.
  /// Ended with a cleanup owed: until when its provider may still be acquiring.
  std::optional<timestamp> deadline_at;
  std::optional<timestamp> released_at;
  /// How long its run may take to come back if its engine dies; zero: the lease
  /// ends then.
  milliseconds reattach_grace{0};

  friend bool operator==(const lease_row&, const lease_row&) = default;
};

/// Whether somebody still has to remove what an ended lease has left.
inline bool owes_cleanup(const lease_row& x) noexcept {
  return has_ended(x.status) && !x.parked
         && x.cleanup == cleanup_status::failed;
}

/// One line of a lease's history.
struct lease_event {
  lease_id lease;
  timestamp at;
  /// Empty for the first line.
  std::string from;
  std::string to;
  fence_no fence = 0;
  instance_id by;
  /// What happened, in words.
  std::string note;
};

/// What a scheduler holds: names a lease and the grant it was given.
struct lease_handle {
  lease_id id;
  fence_no fence = 0;

  friend bool operator==(const lease_handle&, const lease_handle&) = default;
};

// -- what schedulers say ------------------------------------------------------

/// ENGINE -> SUPERVISOR: find this run a resource in this environment.
struct acquire_lease {
  /// Made by the sender, so that the lease can be named before it exists.
  lease_id id;
  company_id company;
  /// An id or a name.
  std::string environment;
  run_id run;
  workspace_id workspace;
  /// The mode of the workspace, passed on to the provider.
  std::string workspace_mode;
  issue_id issue;
  /// Ends the lease at the latest after this time; zero means never.
  milliseconds ttl{0};
  /// How long it may wait for its turn; zero: as its environment says.
  milliseconds queue_timeout{0};
};

/// ENGINE -> SUPERVISOR: nobody wants this lease any more, which may not have
/// been granted yet.
struct cancel_acquire {
  lease_id lease;
};

/// ENGINE -> SUPERVISOR: give this run what a lease has left, or the lease that
/// it holds, once more. Nothing is made instead.
struct resume_lease {
  /// For the new lease, if there is one; made by the sender.
  lease_id id;
  /// Which lease: its id, or the only id that begins so.
  std::string lease;
  run_id run;
  /// Ends the lease at the latest after this time; zero means never.
  milliseconds ttl{0};
};

/// SUPERVISOR -> ENGINE: the resource is yours until you release it.
struct lease_granted {
  lease_handle handle;
  environment_id environment;
  std::string driver;
  std::string provider;
  resource_id resource;
  lease_origin origin = lease_origin::fresh;
  /// Why there is a replacement.
  std::string origin_note;
  std::optional<timestamp> expires_at;
  json_text metadata;
};

/// ENGINE -> SUPERVISOR -> LEASE: the run is over.
struct release_lease {
  /// A fence of zero means *whatever the fence is*: operators only.
  lease_handle lease;
  release_status status = release_status::released;
  /// Why, for the row; empty for the usual reason.
  std::string reason;
  /// Whether running commands may finish first; otherwise they are cancelled.
  bool wait_for_commands = false;
  /// Whether the resource stays as it is, for somebody to look at.
  bool keep = false;
};

/// ENGINE -> SUPERVISOR -> LEASE: the resource must go, whatever its state.
struct destroy_lease {
  lease_handle lease;
  std::string reason;
};

/// LEASE -> ENGINE: how a lease ended.
struct lease_ended {
  lease_id id;
  lease_status status = lease_status::released;
  cleanup_status cleanup = cleanup_status::none;
  std::string failure_reason;
  bool parked = false;
  resource_id resource;
  /// What went wrong with the cleanup, if it is owed.
  std::string cleanup_error;
};

/// ENGINE -> SUPERVISOR: release every lease of this run.
struct release_run {
  run_id run;
  release_status status = release_status::released;
  std::string reason;
};

/// SUPERVISOR -> ENGINE: how each lease of the run ended, and what failed.
struct run_released {
  std::vector<lease_ended> leases;
  std::vector<failure> errors;
};

/// ENGINE -> SUPERVISOR -> LEASE: end no earlier than this from now.
struct renew_lease {
  lease_handle lease;
  milliseconds ttl{0};
};

/// LEASE -> ENGINE: when the lease ends now.
struct lease_renewed {
  std::optional<timestamp> expires_at;
};

// -- inspection ---------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, lease_row& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("company", x.company),
    f.field("environment", x.environment), f.field("workspace", x.workspace),
    f.field("issue", x.issue), f.field("run", x.run),
    f.field("status", x.status), f.field("policy", x.policy),
    f.field("provider", x.provider), f.field("resource", x.resource),
    f.field("exclusive", x.exclusive), f.field("fence", x.fence),
    f.field("owner", x.owner), f.field("parked", x.parked),
    f.field("fingerprint", x.fingerprint), f.field("cleanup", x.cleanup),
    f.field("cleanup_attempts", x.cleanup_attempts),
    f.field("next_cleanup_at", x.next_cleanup_at),
    f.field("failure_reason", x.failure_reason),
    f.field("metadata", x.metadata), f.field("acquired_at", x.acquired_at),
    f.field("last_used_at", x.last_used_at),
    f.field("updated_at", x.updated_at), f.field("expires_at", x.expires_at),
    f.field("deadline_at", x.deadline_at),
    f.field("released_at", x.released_at),
    f.field("reattach_grace", x.reattach_grace));
}

template <class Inspector>
bool inspect(Inspector& f, lease_event& x) {
  return f.object(x).fields(f.field("lease", x.lease), f.field("at", x.at),
                            f.field("from", x.from), f.field("to", x.to),
                            f.field("fence", x.fence), f.field("by", x.by),
                            f.field("note", x.note));
}

template <class Inspector>
bool inspect(Inspector& f, lease_handle& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("fence", x.fence));
}

template <class Inspector>
bool inspect(Inspector& f, acquire_lease& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("company", x.company),
    f.field("environment", x.environment), f.field("run", x.run),
    f.field("workspace", x.workspace),
    f.field("workspace_mode", x.workspace_mode), f.field("issue", x.issue),
    f.field("ttl", x.ttl), f.field("queue_timeout", x.queue_timeout));
}

template <class Inspector>
bool inspect(Inspector& f, cancel_acquire& x) {
  return f.object(x).fields(f.field("lease", x.lease));
}

template <class Inspector>
bool inspect(Inspector& f, resume_lease& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("lease", x.lease),
                            f.field("run", x.run), f.field("ttl", x.ttl));
}

template <class Inspector>
bool inspect(Inspector& f, lease_granted& x) {
  return f.object(x).fields(
    f.field("handle", x.handle), f.field("environment", x.environment),
    f.field("driver", x.driver), f.field("provider", x.provider),
    f.field("resource", x.resource), f.field("origin", x.origin),
    f.field("origin_note", x.origin_note), f.field("expires_at", x.expires_at),
    f.field("metadata", x.metadata));
}

template <class Inspector>
bool inspect(Inspector& f, release_lease& x) {
  return f.object(x).fields(
    f.field("lease", x.lease), f.field("status", x.status),
    f.field("reason", x.reason),
    f.field("wait_for_commands", x.wait_for_commands), f.field("keep", x.keep));
}

template <class Inspector>
bool inspect(Inspector& f, destroy_lease& x) {
  return f.object(x).fields(f.field("lease", x.lease),
                            f.field("reason", x.reason));
}

template <class Inspector>
bool inspect(Inspector& f, lease_ended& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("status", x.status),
    f.field("cleanup", x.cleanup), f.field("failure_reason", x.failure_reason),
    f.field("parked", x.parked), f.field("resource", x.resource),
    f.field("cleanup_error", x.cleanup_error));
}

template <class Inspector>
bool inspect(Inspector& f, release_run& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("status", x.status),
                            f.field("reason", x.reason));
}

template <class Inspector>
bool inspect(Inspector& f, run_released& x) {
  return f.object(x).fields(f.field("leases", x.leases),
                            f.field("errors", x.errors));
}

template <class Inspector>
bool inspect(Inspector& f, renew_lease& x) {
  return f.object(x).fields(f.field("lease", x.lease), f.field("ttl", x.ttl));
}

template <class Inspector>
bool inspect(Inspector& f, lease_renewed& x) {
  return f.object(x).fields(f.field("expires_at", x.expires_at));
}

} // namespace leasehold
