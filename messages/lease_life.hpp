#pragma once

// What actors tell each other about live leases, and about going down.

#include "messages/environment_use.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"

#include <optional>

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
bool inspect(Inspector& f, shut_down& x) {
  return f.object(x).fields();
}

} // namespace leasehold
