#pragma once

// THE SUPERVISOR: the directory of everything that lives. It routes; its desks
// turn messages into events of the machines that decide.

#include "actors/breaker_board.hpp"
#include "actors/lease_desk.hpp"
#include "actors/placement_desk.hpp"
#include "actors/supervisor_options.hpp"
#include "actors/worker_desk.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace leasehold {

/// Whom a SUPERVISOR works with.
struct supervisor_colleagues {
  store_actor store;
  janitor_actor janitor;
  process_launcher* launcher = nullptr;
  services_ptr services;
};

class supervisor_state {
public:
  using protocol = supervisor_actor;

  static constexpr const char* name = "leasehold.supervisor";

  supervisor_state(supervisor_actor::pointer self, supervisor_colleagues with,
                   supervisor_options options);

  supervisor_actor::behavior_type make_behavior();

private:
  caf::result<void> shut_everything_down();

  /// Goes on with a shutdown once no lease is left, or time is up.
  void check_empty();

  void stop_workers();

  supervisor_ties ties_;
  breaker_board breakers_;
  lease_desk leases_;
  placement_desk placements_;
  worker_desk workers_;
  bool stopping_ = false;
  bool workers_told_ = false;
  timer stop_deadline_;
  caf::typed_response_promise<void> stopped_;
};

} // namespace leasehold
