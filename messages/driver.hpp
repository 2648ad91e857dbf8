#pragma once

// What the engine asks of drivers, and what they answer.

#include "messages/command.hpp"
#include "messages/environment.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/values.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leasehold {

/// The place a call is about: an environment as it was when the lease was
/// taken, or as it is now if there is no lease yet.
struct environment_context {
  company_id company;
  environment_id environment;
  std::string driver;
  /// As stored: secrets are named, not spelled out.
  json_text config;
};

/// Where a config may spell a secret out, and where it names the secret instead
/// as `{"type": "secret_ref", "secretId": …, "version": …}`.
struct secret_field {
  /// A key of the config; null once the value is a secret.
  std::string raw;
  /// Another one; also the path that the secret is bound at.
  std::string reference;
  /// What the secret is called after.
  std::string name;
};

/// Say what a lease would be, or why there can be none now.
struct plan_lease {
  environment_context place;
  lease_id lease;
  /// Empty for an ad-hoc lease.
  run_id run;
  workspace_id workspace;
  std::string workspace_mode;
};

/// What can be said before anything is made.
struct lease_plan {
  /// For the row: `local`, `fake`, a provider key.
  std::string provider;
  /// Whether the driver makes a resource that has to be released. If not, the
  /// lease is active at once.
  bool makes_resource = false;
  /// The name of a resource that nobody has to make.
  resource_id resource;
  /// Whether a resource has one holder only.
  bool exclusive = false;
  lease_policy policy = lease_policy::ephemeral;
  /// What a parked resource must match; empty unless the policy reuses.
  std::string fingerprint;
  /// Whether a resource that does not resume is kept, and the run refused.
  bool preserve_on_resume_failure = false;
  /// How long an acquire may take before nobody waits for it any more.
  milliseconds acquire_timeout{30'000};
  /// The engine's own part of the lease's metadata.
  json_text metadata;
  /// The plugin whose worker makes the resource; empty if none does.
  plugin_stamp plugin;
};

/// What a driver is told about the lease that a call is for.
struct lease_context {
  environment_context place;
  lease_id lease;
  fence_no fence = 0;
  run_id run;
  issue_id issue;
  workspace_id workspace;
  resource_id resource;
  std::optional<timestamp> expires_at;
  /// As stored.
  json_text metadata;
};

/// Make a new resource.
struct acquire_resource {
  lease_context lease;
  std::string workspace_mode;
  std::optional<timestamp> requested_expires_at;
};

/// Bring `lease.resource` back, or fail; never make a new one instead.
struct resume_resource {
  lease_context lease;
  /// The metadata of the lease that the resource comes from.
  json_text previous_metadata;
};

/// A resource that is up.
struct resource_ready {
  resource_id resource;
  std::optional<timestamp> expires_at;
  /// The metadata to store for the lease.
  json_text metadata;
};

/// The run is over: park the resource or remove it, as its config says.
struct release_resource {
  lease_context lease;
  release_status status = release_status::released;
};

/// Remove the resource. Idempotent; an unknown resource is a success.
struct destroy_resource {
  lease_context lease;
  /// Whether the call waits for a worker that is still getting ready.
  bool wait_for_worker = true;
};

/// Bring a folder in.
struct place_workspace {
  lease_context lease;
  std::string local_path;
  std::string remote_path;
  std::string mode;
  json_text metadata;
};

/// Run a command.
struct run_command {
  lease_context lease;
  execution_id execution;
  command_spec spec;
};

/// A resource that a provider says it holds.
struct listed_resource {
  resource_id resource;
  /// The lease it was made for, if the provider knows.
  lease_id lease;
};

/// What an operator's test of an environment found.
struct probe_report {
  bool ok = false;
  std::string driver;
  std::string summary;
  json_text details;
};

/// A resource that came up after nobody waited for it any more.
struct late_resource {
  lease_id lease;
  resource_id resource;
};

template <class Inspector>
bool inspect(Inspector& f, environment_context& x) {
  return f.object(x).fields(
    f.field("company", x.company), f.field("environment", x.environment),
    f.field("driver", x.driver), f.field("config", x.config));
}

template <class Inspector>
bool inspect(Inspector& f, lease_context& x) {
  return f.object(x).fields(
    f.field("place", x.place), f.field("lease", x.lease),
    f.field("fence", x.fence), f.field("run", x.run), f.field("issue", x.issue),
    f.field("workspace", x.workspace), f.field("resource", x.resource),
    f.field("expires_at", x.expires_at), f.field("metadata", x.metadata));
}

template <class Inspector>
bool inspect(Inspector& f, probe_report& x) {
  return f.object(x).fields(f.field("ok", x.ok), f.field("driver", x.driver),
                            f.field("summary", x.summary),
                            f.field("details", x.details));
}

template <class Inspector>
bool inspect(Inspector& f, late_resource& x) {
  return f.object(x).fields(f.field("lease", x.lease),
                            f.field("resource", x.resource));
}

} // namespace leasehold
