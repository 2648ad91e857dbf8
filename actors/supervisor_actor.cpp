#include "actors/supervisor_actor.hpp"

#include <utility>

namespace leasehold {

supervisor_state::supervisor_state(supervisor_actor::pointer self,
                                   supervisor_colleagues with,
                                   supervisor_options options)
  : ties_{self,          with.store,    with.janitor,
          with.launcher, with.services, std::move(options)},
    breakers_{ties_}, leases_{ties_,
                              [this](const auto& environment,
                                     const auto& lease) {
                                placements_.on_lease_placed(environment, lease);
                              }},
    placements_{ties_, leases_, breakers_, [this] { check_empty(); }},
    workers_{ties_, [this](const plugin_id& x) { return leases_.uses(x); }} {
  // nop
}

supervisor_actor::behavior_type supervisor_state::make_behavior() {
  return {
    [this](acquire_lease& what) -> caf::result<lease_granted> {
      if (stopping_)
        return to_error({ec::shutting_down, "The engine is stopping.", {}});
      return placements_.open(std::move(what));
    },
    [this](const resume_lease& what) -> caf::result<lease_granted> {
      if (stopping_)
        return to_error({ec::shutting_down, "The engine is stopping.", {}});
      return placements_.resume(what);
    },
    [this](const cancel_acquire& what) { placements_.cancel(what.lease); },
    [this](lease_admitted& what) { placements_.on_admitted(what); },
    [this](const lease_refused& what) { placements_.on_refused(what); },
    [this](const show_queue& what) { return placements_.show(what); },
    [this](const breaker_reset& what) {
      breakers_.reset(what.subject);
      workers_.reset(what.subject);
    },
    [this](execute_command& what) {
      return leases_.route<command_result>(what);
    },
    [this](cancel_command& what) { return leases_.route<void>(what); },
    [this](realize_workspace& what) {
      return leases_.route<workspace_realized>(what);
    },
    [this](renew_lease& what) { return leases_.route<lease_renewed>(what); },
    [this](release_lease& what) { return leases_.route_end(what); },
    [this](destroy_lease& what) { return leases_.route_end(what); },
    [this](const reattach_run& what) { return leases_.reattach(what); },
    [this](const life_changed& what) { leases_.on_life_changed(what); },
    [this](const release_run& what) {
      placements_.cancel(what.run);
      return leases_.release_run(what);
    },
    [this](lease_over& what) {
      leases_.on_over(what);
      placements_.on_lease_over(what.environment, what.lease);
      if (what.parked)
        placements_.park(what.environment, std::move(*what.parked));
      workers_.on_lease_over();
      check_empty();
    },
    [this](find_worker& what) { workers_.find(what); },
    [this](call_worker& what) { workers_.call(what); },
    [this](const worker_is_ready& what) { workers_.on_ready(what); },
    [this](const worker_is_gone& what) { workers_.on_gone(what); },
    [this](const plugin_changed& what) {
      breakers_.reset(subject_of(what.plugin));
      workers_.on_plugin_changed(what);
    },
    [this](survey_drivers) { return workers_.survey(); },
    [this](const environment_changed& what) {
      placements_.on_environment_changed(what);
    },
    [this](const environment_idle& what) {
      placements_.on_environment_idle(what);
    },
    [this](shut_down) { return shut_everything_down(); },
  };
}

caf::result<void> supervisor_state::shut_everything_down() {
  if (stopping_)
    return to_error({ec::shutting_down, "The engine is stopping already.", {}});
  stopping_ = true;
  stopped_ = ties_.self->make_response_promise<void>();
  auto promise = stopped_;
  placements_.cancel_all();
  leases_.release_all();
  stop_deadline_
    = after(ties_.self, ties_.options.stop_timeout, [this] { stop_workers(); });
  check_empty();
  return promise;
}

void supervisor_state::check_empty() {
  if (stopping_ && leases_.empty() && placements_.idle())
    stop_workers();
}

void supervisor_state::stop_workers() {
  if (std::exchange(workers_told_, true))
    return;
  stop_deadline_.dispose();
  leases_.abandon_all();
  workers_.stop_all([this] {
    placements_.abandon_all();
    breakers_.when_written([this] {
      stopped_.deliver();
      ties_.self->quit();
    });
  });
}

} // namespace leasehold
