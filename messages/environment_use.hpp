#pragma once

// What supervisor and environments tell each other about leases to come and
// resources that wait.

#include "messages/driver.hpp"
#include "messages/environment.hpp"
#include "messages/errors.hpp"
#include "messages/ids.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leasehold {

/// SUPERVISOR -> ENVIRONMENT: may this run have a lease here? It hears of it by
/// `lease_admitted` or `lease_refused` when its turn comes.
struct admit_lease {
  lease_id lease;
  company_id company;
  run_id run;
  /// How long it may wait for its turn; zero: as the environment says.
  milliseconds queue_timeout{0};
  /// Whether it takes again what its run holds already, and needs no place of
  /// its own.
  bool again = false;
};

/// ENVIRONMENT -> SUPERVISOR: it may; this is what the place looks like now.
struct lease_admitted {
  lease_id lease;
  std::string driver;
  /// As stored: secrets are named, not spelled out.
  json_text config;
  /// Whether the environment is to hear how it goes on.
  bool counted = false;
  /// Until then (on the engine's steady clock) it would tell everybody the
  /// same, so nobody has to ask; zero: it may not.
  milliseconds open_until{0};
};

/// ENVIRONMENT -> SUPERVISOR: it may not. Means nothing for one that has left.
struct lease_refused {
  lease_id lease;
  failure why;
};

/// SUPERVISOR -> ENVIRONMENT: this lease is granted.
struct lease_placed {
  lease_id lease;
};

/// SUPERVISOR -> ENVIRONMENT: this lease has ended, was not granted, or is not
/// wanted any more.
struct lease_left {
  lease_id lease;
};

/// How many leases of an environment one engine grants, and who waits how long
/// for the others. Zero: no limit.
struct admission_limits {
  /// Leases that live or are being acquired.
  uint32_t leases_max = 0;
  /// Those of them that are being acquired.
  uint32_t acquires_max = 0;
  /// Acquires that may wait for their turn.
  uint32_t queue_max = 1'024;
  /// How long one waits for its turn unless it says so itself.
  milliseconds queue_timeout{60'000};
  /// The shares of companies where several wait; one for all others.
  std::map<std::string, uint32_t> weights;

  friend bool operator==(const admission_limits&, const admission_limits&)
    = default;
};

/// ENGINE -> SUPERVISOR -> ENVIRONMENT: who waits for a lease here?
struct show_queue {
  /// An id or a name.
  std::string environment;
};

/// One acquire that waits for its turn.
struct queued_lease {
  lease_id lease;
  company_id company;
  run_id run;
  milliseconds waited{0};
  milliseconds left{0};
};

/// ENVIRONMENT -> ENGINE: these, in the order in which they will be let in.
struct queue_shown {
  environment_id environment;
  admission_limits limits;
  uint32_t live = 0;
  uint32_t acquiring = 0;
  std::vector<queued_lease> waiting;
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
  return f.object(x).fields(
    f.field("lease", x.lease), f.field("company", x.company),
    f.field("run", x.run), f.field("queue_timeout", x.queue_timeout),
    f.field("again", x.again));
}

template <class Inspector>
bool inspect(Inspector& f, lease_admitted& x) {
  return f.object(x).fields(
    f.field("lease", x.lease), f.field("driver", x.driver),
    f.field("config", x.config), f.field("counted", x.counted),
    f.field("open_until", x.open_until));
}

template <class Inspector>
bool inspect(Inspector& f, lease_refused& x) {
  return f.object(x).fields(f.field("lease", x.lease), f.field("why", x.why));
}

template <class Inspector>
bool inspect(Inspector& f, lease_placed& x) {
  return f.object(x).fields(f.field("lease", x.lease));
}

template <class Inspector>
bool inspect(Inspector& f, lease_left& x) {
  return f.object(x).fields(f.field("lease", x.lease));
}

template <class Inspector>
bool inspect(Inspector& f, admission_limits& x) {
  return f.object(x).fields(
    f.field("leases_max", x.leases_max),
    f.field("acquires_max", x.acquires_max), f.field("queue_max", x.queue_max),
    f.field("queue_timeout", x.queue_timeout), f.field("weights", x.weights));
}

template <class Inspector>
bool inspect(Inspector& f, show_queue& x) {
  return f.object(x).fields(f.field("environment", x.environment));
}

template <class Inspector>
bool inspect(Inspector& f, queued_lease& x) {
  return f.object(x).fields(f.field("lease", x.lease),
                            f.field("company", x.company),
                            f.field("run", x.run), f.field("waited", x.waited),
                            f.field("left", x.left));
}

template <class Inspector>
bool inspect(Inspector& f, queue_shown& x) {
  return f.object(x).fields(
    f.field("environment", x.environment), f.field("limits", x.limits),
    f.field("live", x.live), f.field("acquiring", x.acquiring),
    f.field("waiting", x.waiting));
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
