#include "actors/placement_desk.hpp"

#include "actors/environment_actor.hpp"

#include <utility>
#include <variant>

namespace leasehold {

namespace {

lease_row row_of(const acquire_lease& what, const instance_id& owner) {
  lease_row row;
  row.id = what.id;
  row.company = what.company;
  row.run = what.run;
  row.workspace = what.workspace;
  row.issue = what.issue;
  row.owner = owner;
  return row;
}

/// What the history says about a new row.
std::string note_of(const placement& now) {
  if (now.claim)
    return "resuming " + now.claim->resource.value + " of lease "
           + now.claim->lease.value;
  return now.plan.makes_resource ? "asking for a resource" : "granted";
}

} // namespace

placement_desk::placement_desk(const supervisor_ties& ties,
                               std::function<void(granted_lease)> on_grant,
                               std::function<void()> on_idle)
  : ties_{ties}, on_grant_{std::move(on_grant)}, on_idle_{std::move(on_idle)} {
  // nop
}

// -- messages to events -------------------------------------------------------

caf::result<lease_granted> placement_desk::open(const acquire_lease& what) {
  auto [pos, added] = bookings_.try_emplace(what.id);
  if (!added)
    return to_error({ec::invalid_request,
                     "Lease " + what.id.value + " is being acquired already.",
                     {}});
  auto& who = pos->second;
  who.now.lease = what.id;
  who.request = what;
  who.row = row_of(what, ties_.services->self);
  who.waiting = ties_.self->make_response_promise<lease_granted>();
  auto promise = who.waiting;
  auto enter = [this, id = what.id](result<environment_actor> environment) {
    if (environment)
      return admit(id, std::move(*environment));
    bookings_.at(id).waiting.deliver(to_error(environment.error()));
    forget(id);
  };
  with_environment(what.environment, enter);
  return promise;
}

void placement_desk::with_environment(
  const std::string& name,
  std::function<void(result<environment_actor>)> then) {
  if (auto known = environments_.find(name); known != environments_.end())
    return then(known->second);
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{get_environment{name}},
    [this, then](store_answer& answer) {
      auto& row = std::get<environment_rows>(answer).rows.front();
      auto& actor = environments_[row.id.value];
      auto by_name = row.name;
      if (!actor)
        actor = spawn_actor<environment_state>(
          *ties_.self, supervisor_actor{ties_.self}, ties_.store,
          std::move(row), ties_.options.environment);
      environments_[by_name] = actor;
      then(actor);
    },
    [then](const caf::error& err) { then(to_failure(err)); });
}

void placement_desk::on_environment_changed(const environment_changed& what) {
  auto known = environments_.find(what.environment.value);
  if (known == environments_.end())
    return;
  // Its name may be another one now.
  std::erase_if(environments_, [&](const auto& x) {
    return x.second == known->second && x.first != what.environment.value;
  });
  tell(ties_.self, known->second, what);
}

void placement_desk::on_environment_idle(const environment_idle& what) {
  auto known = environments_.find(what.environment.value);
  if (known == environments_.end())
    return;
  auto idle = known->second;
  for (const auto& [id, who] : bookings_)
    if (who.environment == idle)
      return;
  // What it knows is in the store; the next run brings it back.
  std::erase_if(environments_, [&](const auto& x) { return x.second == idle; });
  send_away(idle);
}

void placement_desk::admit(const lease_id& lease,
                           environment_actor environment) {
  auto& who = bookings_.at(lease);
  who.environment = environment;
  const auto& request = who.request;
  ask(
    ties_.self, environment, caf::infinite,
    admit_lease{lease, request.company, request.run},
    [this, lease](lease_admitted& place) {
      auto& booked = bookings_.at(lease);
      booked.place = std::move(place.place);
      booked.row.environment = booked.place.environment;
      on(lease, placement_event::opened{});
    },
    [this, lease](const caf::error& err) {
      bookings_.at(lease).waiting.deliver(err);
      forget(lease);
    });
}

void placement_desk::cancel(const run_id& run) {
  for (auto& [id, who] : bookings_)
    if (who.request.run == run)
      who.now = step(who.now, placement_event::cancelled{}).next;
}

void placement_desk::cancel_all() {
  for (auto& [id, who] : bookings_)
    who.now = step(who.now, placement_event::cancelled{}).next;
}

void placement_desk::park(const environment_id& environment,
                          parked_resource what) {
  if (auto known = environments_.find(environment.value);
      known != environments_.end())
    tell(ties_.self, known->second, park_resource{std::move(what)});
}

void placement_desk::abandon_all() {
  for (auto& [id, who] : std::exchange(bookings_, {}))
    who.waiting.deliver(
      to_error({ec::shutting_down, "The engine is stopping.", {}}));
  for (const auto& [name, actor] : std::exchange(environments_, {}))
    send_away(actor);
}

void placement_desk::on(const lease_id& lease,
                        const placement_event::any& what) {
  auto pos = bookings_.find(lease);
  if (pos == bookings_.end())
    return;
  auto& who = pos->second;
  auto before = std::pair{who.now.phase, who.now.attempt};
  auto [next, effects] = step(std::move(who.now), what);
  who.now = std::move(next);
  if (before != std::pair{who.now.phase, who.now.attempt}) {
    // A deadline belongs to one phase of one attempt.
    who.deadline.dispose();
    if (ties_.services->observe)
      ties_.services->observe({"lease",
                               lease.value,
                               to_string(before.first),
                               to_string(who.now.phase),
                               {}});
  }
  for (const auto& wish : effects)
    std::visit([&](const auto& x) { perform(who, x); }, wish);
  // An effect may have ended it already.
  pos = bookings_.find(lease);
  if (pos != bookings_.end() && is_finished(pos->second.now))
    forget(lease);
}

void placement_desk::forget(const lease_id& lease) {
  bookings_.erase(lease);
  if (bookings_.empty())
    on_idle_();
}

// -- effects to messages ------------------------------------------------------

void placement_desk::perform(booking& who, const placement_effect::make_plan&) {
  auto id = who.request.id;
  auto* driver = ties_.services->drivers.find(who.place.driver);
  if (!driver)
    return on(id, placement_event::unplannable{
                    {ec::unknown_driver,
                     "Environment driver \"" + who.place.driver
                       + "\" is not registered in the environment runtime yet.",
                     {}}});
  plan_lease what{who.place, id, who.request.run, who.request.workspace,
                  who.request.workspace_mode};
  driver->plan(
    what, back_to<lease_plan>(ties_.self, [this, id](result<lease_plan> x) {
      if (x)
        on(id, placement_event::planned{std::move(*x)});
      else
        on(id, placement_event::unplannable{x.error()});
    }));
}

void placement_desk::perform(booking& who, const placement_effect::choose&) {
  auto id = who.request.id;
  const auto& plan = who.now.plan;
  ask(
    ties_.self, who.environment, caf::infinite,
    choose_resource{who.request.company, who.request.workspace, plan.policy,
                    plan.fingerprint},
    [this, id](resource_chosen& x) {
      on(id, placement_event::chosen{std::move(x.resource)});
    },
    [this, id](const caf::error&) {
      on(id, placement_event::chosen{std::nullopt});
    });
}

void placement_desk::perform(booking& who, const placement_effect::record&) {
  const auto& plan = who.now.plan;
  auto& row = who.row;
  row.status
    = plan.makes_resource ? lease_status::acquiring : lease_status::active;
  row.policy = plan.policy;
  row.provider = plan.provider;
  row.exclusive = plan.exclusive;
  row.fingerprint = plan.fingerprint;
  row.metadata = plan.metadata;
  row.resource = who.now.claim ? who.now.claim->resource : plan.resource;
  insert_lease what;
  what.row = row;
  if (who.now.claim)
    what.claims = who.now.claim->lease;
  if (plan.makes_resource)
    what.deadline_in = plan.acquire_timeout;
  what.expires_in = who.request.ttl;
  what.note = note_of(who.now);
  write(who, std::move(what));
}

void placement_desk::write(booking& who, store_write what) {
  auto id = who.request.id;
  ask(
    ties_.self, ties_.store, caf::infinite, std::move(what),
    [this, id](const written& how) {
      auto& booked = bookings_.at(id);
      booked.written_at = how.at;
      booked.row.fence = how.fence;
      if (booked.request.ttl.count() > 0 && !booked.row.expires_at)
        booked.row.expires_at = how.at + booked.request.ttl;
      on(id, placement_event::recorded{});
    },
    [this, id](const caf::error& err) {
      on(id, placement_event::unrecorded{to_failure(err)});
    });
}

completion<resource_ready> placement_desk::attempt(booking& who,
                                                   attempt_no number) {
  auto id = who.request.id;
  who.deadline
    = after(ties_.self, who.now.plan.acquire_timeout,
            [this, id, number] { on(id, placement_event::timed_out{number}); });
  return back_to<resource_ready>(
    ties_.self, [this, id, number](result<resource_ready> x) {
      if (x)
        on(id, placement_event::came_up{number, std::move(*x)});
      else
        on(id, placement_event::refused{number, x.error()});
    });
}

void placement_desk::perform(booking& who,
                             const placement_effect::resume& wish) {
  auto what = resume_resource{context(who), who.now.claim->metadata};
  auto* driver = ties_.services->drivers.find(who.place.driver);
  driver->resume(std::move(what), attempt(who, wish.attempt));
}

void placement_desk::perform(booking& who,
                             const placement_effect::acquire& wish) {
  acquire_resource what{context(who), who.request.workspace_mode,
                        who.row.expires_at};
  what.lease.resource = {};
  auto* driver = ties_.services->drivers.find(who.place.driver);
  driver->acquire(std::move(what), attempt(who, wish.attempt));
}

void placement_desk::perform(booking& who,
                             const placement_effect::give_up& wish) {
  who.row.resource = {};
  write(who,
        give_up_resource{
          {who.row.id, who.row.fence}, wish.claim.lease, wish.fate, wish.note});
}

void placement_desk::perform(booking& who,
                             const placement_effect::confirm& wish) {
  const auto& ready = wish.ready;
  who.row.resource = ready.resource;
  who.row.metadata = ready.metadata;
  if (ready.expires_at
      && (!who.row.expires_at || *ready.expires_at < *who.row.expires_at))
    who.row.expires_at = ready.expires_at;
  write(who, activate_lease{{who.row.id, who.row.fence},
                            ready.resource,
                            ready.metadata,
                            who.row.expires_at,
                            to_string(who.now.origin)});
}

void placement_desk::perform(booking& who, const placement_effect::end& wish) {
  end_lease what;
  what.lease = {who.row.id, who.row.fence};
  // A grant that nobody has been told of is taken back.
  what.from = {lease_status::acquiring, lease_status::active};
  what.to = lease_status::failed;
  what.failure_reason = wish.reason;
  what.cleanup = wish.owed ? cleanup_status::failed : cleanup_status::success;
  if (wish.owed) {
    // A provider that is still at it must have come to an end first.
    auto unsure
      = wish.resource.empty() && who.now.verdict.code == ec::call_timed_out;
    what.next_cleanup_in
      = unsure ? ties_.options.janitor.cleanup.retry_delay : milliseconds{0};
  }
  what.resource = wish.resource;
  what.note = wish.reason;
  write(who, std::move(what));
}

void placement_desk::perform(booking& who,
                             const placement_effect::give_back& wish) {
  tell(ties_.self, who.environment, park_resource{wish.what});
}

void placement_desk::perform(booking& who,
                             const placement_effect::dispose& wish) {
  tell(ties_.self, ties_.janitor, late_resource{who.row.id, wish.resource});
}

void placement_desk::perform(booking&,
                             const placement_effect::report_owed& wish) {
  tell(ties_.self, ties_.janitor, cleanup_owed{wish.lease});
}

void placement_desk::perform(booking& who, const placement_effect::grant&) {
  who.row.status = lease_status::active;
  on_grant_({who.row, who.place, who.now.plan.makes_resource, who.written_at});
  who.waiting.deliver(lease_granted{{who.row.id, who.row.fence},
                                    who.place.environment,
                                    who.place.driver,
                                    who.row.provider,
                                    who.row.resource,
                                    who.now.origin,
                                    who.now.origin_note,
                                    who.row.expires_at,
                                    who.row.metadata});
}

void placement_desk::perform(booking& who, const placement_effect::deny& wish) {
  who.waiting.deliver(to_error(wish.why));
}

lease_context placement_desk::context(const booking& who) const {
  const auto& row = who.row;
  return {who.place,     row.id,       row.fence,      row.run,     row.issue,
          row.workspace, row.resource, row.expires_at, row.metadata};
}

} // namespace leasehold
