// What placements want done, as messages and driver calls. How their events
// come about is in placement_desk.cpp.

#include "actors/placement_desk.hpp"
#include "messages/mutation.hpp"

#include <utility>
#include <variant>

namespace leasehold {

namespace {

/// What the history says about a new row.
std::string note_of(const placement& now) {
  if (now.claim)
    return "resuming " + now.claim->resource.value + " of lease "
           + now.claim->lease.value;
  return now.plan.makes_resource ? "asking for a resource" : "granted";
}

} // namespace

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
      auto pos = bookings_.find(id);
      if (x && pos != bookings_.end())
        if (auto why = pass_plugin(pos->second, *x))
          x = *why;
      if (x)
        on(id, placement_event::planned{std::move(*x)});
      else
        on(id, placement_event::unplannable{x.error()});
    }));
}

void placement_desk::perform(booking& who, const placement_effect::choose&) {
  auto id = who.request.id;
  const auto& plan = who.now.plan;
  choose_resource what{who.request.company, who.request.workspace, plan.policy,
                       plan.fingerprint};
  if (auto own = leases_.own(who.request.run, who.place.environment, what))
    return on(id, placement_event::chosen{std::move(own)});
  ask(
    ties_.self, who.environment->actor, caf::infinite, std::move(what),
    [this, id](resource_chosen& x) {
      on(id, placement_event::chosen{std::move(x.resource)});
    },
    [this, id](const caf::error&) {
      on(id, placement_event::chosen{std::nullopt});
    });
}

void placement_desk::reacquire(booking& who) {
  const auto& own = *who.now.claim;
  who.row.id = own.lease;
  who.row.provider = who.now.plan.provider;
  who.row.resource = own.resource;
  who.row.metadata = own.metadata;
  auto id = who.request.id;
  auto then = [this, id](const result<lease_retaken>& x) {
    auto pos = bookings_.find(id);
    if (pos == bookings_.end())
      return;
    if (!x)
      return on(id, placement_event::unrecorded{x.error()});
    auto& booked = pos->second;
    booked.row.fence = x->fence;
    booked.row.expires_at = x->expires_at;
    on(id, placement_event::recorded{});
  };
  leases_.retake(own.lease, {who.request.ttl}, then);
}

void placement_desk::perform(booking& who,
                             const placement_effect::abandon& wish) {
  auto id = who.request.id;
  leases_.abandon(wish.claim.lease, wish.note,
                  [this, id] { on(id, placement_event::recorded{}); });
}

void placement_desk::perform(booking& who, const placement_effect::record&) {
  if (who.now.claim && who.now.claim->held_under != 0)
    return reacquire(who);
  if (who.again)
    return admit_anew(who);
  const auto& plan = who.now.plan;
  auto& row = who.row;
  // It may have been another lease's until now.
  row = new_row(who.request);
  row.environment = who.place.environment;
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
  what.plugin = plan.plugin;
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
  auto phase = who.now.phase;
  ask(
    ties_.self, ties_.store, caf::infinite, std::move(what),
    [this, id](const written& how) {
      if (mutated(mutation::grant_before_commit) && !bookings_.contains(id))
        return;
      auto& booked = bookings_.at(id);
      booked.written_at = how.at;
      booked.row.fence = how.fence;
      if (booked.request.ttl.count() > 0 && !booked.row.expires_at)
        booked.row.expires_at = how.at + booked.request.ttl;
      on(id, placement_event::recorded{});
    },
    [this, id](const caf::error& err) { on_unwritten(id, to_failure(err)); });
  auto too_early = (phase == placement_phase::recording
                    && mutated(mutation::intent_after_call))
                   || (phase == placement_phase::confirming
                       && mutated(mutation::grant_before_commit));
  if (too_early)
    on(id, placement_event::recorded{});
}

void placement_desk::on_unwritten(const lease_id& lease, failure why) {
  // Before anybody asks who serves now.
  if (why.code == ec::plugin_not_ready)
    tell(ties_.self, supervisor_actor{ties_.self},
         plugin_changed{bookings_.at(lease).now.plan.plugin.id});
  auto& who = bookings_.at(lease);
  auto phase = who.now.phase;
  // Nobody else would end a row that is `active`: it is ended as soon as the
  // store is well again.
  if (phase == placement_phase::closing && why.code != ec::conflict) {
    placement_effect::end again{who.now.owed, who.now.resource,
                                who.now.verdict.message};
    who.deadline
      = after(ties_.self, ties_.options.lease.record_retry,
              [this, lease, again] { perform(bookings_.at(lease), again); });
    return;
  }
  auto own = who.now.claim && who.now.claim->held_under != 0;
  if (why.code == ec::commit_unknown && !own
      && (phase == placement_phase::recording
          || phase == placement_phase::confirming))
    return read_back(lease, why);
  on(lease, placement_event::unrecorded{std::move(why)});
}

void placement_desk::read_back(const lease_id& lease, const failure& why) {
  auto compare = [this, lease, why](store_answer& answer) {
    auto& found = std::get<lease_rows>(answer);
    auto& row = found.rows.front();
    auto& who = bookings_.at(lease);
    auto awaited = who.now.phase == placement_phase::recording
                     ? row.id == lease
                     : row.status == lease_status::active;
    if (!awaited)
      return on(lease, placement_event::unrecorded{why});
    who.written_at = found.at;
    who.row.fence = row.fence;
    who.row.expires_at = row.expires_at;
    on(lease, placement_event::recorded{});
  };
  ask(ties_.self, ties_.store, caf::infinite,
      store_query{get_lease{lease.value}}, compare,
      [this, lease, why](const caf::error& err) {
        if (to_failure(err).code == ec::unknown_lease)
          return on(lease, placement_event::unrecorded{
                             {ec::store_unavailable, why.message, why.detail}});
        bookings_.at(lease).deadline
          = after(ties_.self, ties_.options.lease.record_retry,
                  [this, lease, why] { read_back(lease, why); });
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
  auto fate = wish.fate;
  if (fate == give_up_resource::fate::owed
      && mutated(mutation::resume_failure_forgets))
    fate = give_up_resource::fate::gone;
  write(who, give_up_resource{
               {who.row.id, who.row.fence}, wish.claim.lease, fate, wish.note});
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
  what.cleanup = wish.owed && !mutated(mutation::timeout_owes_nothing)
                   ? cleanup_status::failed
                   : cleanup_status::success;
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
  park(who.place.environment, wish.what);
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
  // A lease that was taken again lives already.
  if (who.row.id == who.request.id)
    leases_.add({who.row, who.place, who.now.plan.makes_resource,
                 who.written_at, who.now.plan.plugin.id});
  settle(who, {});
  // Nobody asks for these any more.
  who.waiting.deliver(lease_granted{{who.row.id, who.row.fence},
                                    who.place.environment,
                                    who.place.driver,
                                    std::move(who.row.provider),
                                    std::move(who.row.resource),
                                    who.now.origin,
                                    std::move(who.now.origin_note),
                                    who.row.expires_at,
                                    std::move(who.row.metadata)});
}

void placement_desk::perform(booking& who, const placement_effect::deny& wish) {
  settle(who, wish.why);
  who.waiting.deliver(to_error(wish.why));
}

lease_context placement_desk::context(const booking& who) const {
  const auto& row = who.row;
  return {who.place,     row.id,       row.fence,      row.run,     row.issue,
          row.workspace, row.resource, row.expires_at, row.metadata};
}

} // namespace leasehold
