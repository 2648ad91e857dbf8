#pragma once

// What supervisor and environments tell each other about leases to come and
// resources that wait.

#include "messages/driver.hpp"
#include "messages/environment.hpp"
#include "messages/ids.hpp"

#include <optional>
#include <string>

namespace leasehold {

/// SUPERVISOR -> ENVIRONMENT: may this run have a lease here?
struct admit_lease {
  lease_id lease;
  company_id company;
  run_id run;
};

/// ENVIRONMENT -> SUPERVISOR: it may; this is what the place looks like now.
struct lease_admitted {
  environment_context place;
};

/// SUPERVISOR -> ENVIRONMENT: which parked resource fits?
struct choose_resource {
  company_id company;
  workspace_id workspace;
  lease_policy policy = lease_policy::reuse_by_environment;
  std::string fingerprint;
};

/// A resource that waits for the next run, and the ended lease it belongs to;
/// or one that the same run holds already.
struct parked_resource {
  lease_id lease;
  resource_id resource;
  company_id company;
  workspace_id workspace;
  std::string fingerprint;
  /// The lease's metadata: what the provider knows the resource by.
  json_text metadata;
  /// The fence of the run's own lease; zero if that has ended.
  fence_no held_under = 0;
  /// Whether it does not wait for any run, but was kept to be looked at.
  bool kept = false;

  friend bool operator==(const parked_resource&, const parked_resource&)
    = default;
};

/// ENVIRONMENT -> SUPERVISOR: this one, if any; it is chosen once.
struct resource_chosen {
  std::optional<parked_resource> resource;
};

/// SUPERVISOR -> ENVIRONMENT: this resource waits for the next run.
struct park_resource {
  parked_resource what;
};

/// ENVIRONMENT -> SUPERVISOR: nobody has needed me for a while.
struct environment_idle {
  environment_id environment;
};

/// ENGINE -> SUPERVISOR: this environment was added, changed or removed.
struct environment_changed {
  environment_id environment;
  std::string name;
};

template <class Inspector>
bool inspect(Inspector& f, admit_lease& x) {
  return f.object(x).fields(f.field("lease", x.lease),
                            f.field("company", x.company),
                            f.field("run", x.run));
}

template <class Inspector>
bool inspect(Inspector& f, lease_admitted& x) {
  return f.object(x).fields(f.field("place", x.place));
}

template <class Inspector>
bool inspect(Inspector& f, choose_resource& x) {
  return f.object(x).fields(
    f.field("company", x.company), f.field("workspace", x.workspace),
    f.field("policy", x.policy), f.field("fingerprint", x.fingerprint));
}

template <class Inspector>
bool inspect(Inspector& f, parked_resource& x) {
  return f.object(x).fields(
    f.field("lease", x.lease), f.field("resource", x.resource),
    f.field("company", x.company), f.field("workspace", x.workspace),
    f.field("fingerprint", x.fingerprint), f.field("metadata", x.metadata),
    f.field("held_under", x.held_under), f.field("kept", x.kept));
}

template <class Inspector>
bool inspect(Inspector& f, resource_chosen& x) {
  return f.object(x).fields(f.field("resource", x.resource));
}

template <class Inspector>
bool inspect(Inspector& f, park_resource& x) {
  return f.object(x).fields(f.field("what", x.what));
}

template <class Inspector>
bool inspect(Inspector& f, environment_idle& x) {
  return f.object(x).fields(f.field("environment", x.environment));
}

template <class Inspector>
bool inspect(Inspector& f, environment_changed& x) {
  return f.object(x).fields(f.field("environment", x.environment),
                            f.field("name", x.name));
}

} // namespace leasehold
