#pragma once

// What actors tell each other about live leases, and about going down.

#include "messages/environment_use.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leasehold {

/// LEASE -> SUPERVISOR: it has ended, and the actor leaves.
struct lease_over {
  lease_id lease;
  environment_id environment;
  lease_ended how;
  /// What waits for the next run, if anything does.
  std::optional<parked_resource> parked;
};

/// SUPERVISOR -> LEASE: your run takes you again.
struct retake_lease {
  /// Ends the lease at the latest after this time; zero leaves its end.
  milliseconds ttl{0};
};

/// LEASE -> SUPERVISOR: it did, under this fence.
struct lease_retaken {
  fence_no fence = 0;
  std::optional<timestamp> expires_at;
  /// When the store wrote it.
  timestamp at;
};

/// ENGINE -> SUPERVISOR: this run comes back for the leases that it held under
/// an engine that is dead.
struct reattach_run {
  run_id run;
  /// Ends the leases at the latest after this time; zero leaves their ends.
  milliseconds ttl{0};
};

/// SUPERVISOR -> ENGINE: what it holds from now on, and what it could not have.
struct run_reattached {
  std::vector<lease_granted> leases;
  std::vector<failure> errors;
};

/// STORE'S THREAD -> SUPERVISOR: other engines may soon take us for dead, or
/// cannot any more.
struct life_changed {
  bool lost = false;
};

/// SUPERVISOR -> LEASE: serve nobody until you hear otherwise: another engine
/// may have your lease by now.
struct hold_still {
  bool on = true;
};

/// SUPERVISOR -> LEASE: it has; leave.
struct lease_taken {
  std::string why;
};

/// ENGINE -> SUPERVISOR: release everything, stop the workers, and leave.
struct shut_down {};

template <class Inspector>
bool inspect(Inspector& f, lease_over& x) {
  return f.object(x).fields(f.field("lease", x.lease),
                            f.field("environment", x.environment),
                            f.field("how", x.how), f.field("parked", x.parked));
}

template <class Inspector>
bool inspect(Inspector& f, retake_lease& x) {
  return f.object(x).fields(f.field("ttl", x.ttl));
}

template <class Inspector>
bool inspect(Inspector& f, lease_retaken& x) {
  return f.object(x).fields(f.field("fence", x.fence),
                            f.field("expires_at", x.expires_at),
                            f.field("at", x.at));
}

template <class Inspector>
bool inspect(Inspector& f, reattach_run& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("ttl", x.ttl));
}

template <class Inspector>
bool inspect(Inspector& f, run_reattached& x) {
  return f.object(x).fields(f.field("leases", x.leases),
                            f.field("errors", x.errors));
}

template <class Inspector>
bool inspect(Inspector& f, life_changed& x) {
  return f.object(x).fields(f.field("lost", x.lost));
}

template <class Inspector>
bool inspect(Inspector& f, hold_still& x) {
  return f.object(x).fields(f.field("on", x.on));
}

template <class Inspector>
bool inspect(Inspector& f, lease_taken& x) {
  return f.object(x).fields(f.field("why", x.why));
}

template <class Inspector>
bool inspect(Inspector& f, shut_down& x) {
  return f.object(x).fields();
}

} // namespace leasehold
