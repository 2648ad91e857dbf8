#pragma once

// What a SUPERVISOR is set up with.

#include "actors/breaker.hpp"
#include "actors/environment_actor.hpp"
#include "actors/janitor_actor.hpp"
#include "actors/lease_actor.hpp"
#include "actors/worker_actor.hpp"
#include "actors/worker_startup.hpp"

namespace leasehold {

class process_launcher;

struct supervisor_options {
  /// How long an acquire waits for a worker that is getting ready.
  milliseconds worker_ready_grace{5'000};
  /// How long a lease that is resumed by its id may take (PB §3.13.6).
  milliseconds resume_timeout{60'000};
  /// How long a shutdown waits for leases to be released.
  milliseconds stop_timeout{15'000};
  /// How long runs of this engine's leases may take to come back if it dies.
  milliseconds reattach_grace{0};
  worker_startup_options startup;
  breaker_options breaker;
  worker_options worker;
  lease_options lease;
  environment_options environment;
  janitor_options janitor;
};

/// What the SUPERVISOR and its desks share.
struct supervisor_ties {
  supervisor_actor::pointer self;
  store_actor store;
  janitor_actor janitor;
  process_launcher* launcher;
  services_ptr services;
  supervisor_options options;
};

} // namespace leasehold
