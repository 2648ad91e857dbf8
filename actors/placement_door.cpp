// How those who want a lease get in: past the breakers of environment and
// plugin, and through the door of the environment. The rest of the desk is in
// placement_desk.cpp.

#include "actors/placement_desk.hpp"
#include "messages/json.hpp"
#include "messages/mutation.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

guarded_place plugin_place(const plugin_id& id, const std::string& key) {
  return {subject_of(id), "Plugin \"" + key + "\"",
          "leasehold plugin reset " + key};
}

failure taken_back() {
  return {ec::cancelled, "The request was taken back before it got its lease."};
}

} // namespace

// -- breakers -----------------------------------------------------------------

guarded_place placement_desk::guard_of(const environment_id& id,
                                       const std::string& name) {
  auto which = mutated(mutation::one_breaker_for_all) ? environment_id{} : id;
  return {subject_of(which), "Environment \"" + name + "\"",
          "leasehold env reset " + name};
}

std::optional<failure> placement_desk::pass(booking& who,
                                            const guarded_place& what) {
  auto is_it = [&](const auto& x) { return x.first == what.subject; };
  if (std::any_of(who.passed.begin(), who.passed.end(), is_it))
    return std::nullopt;
  auto ticket = breakers_.pass(what);
  if (!ticket)
    return ticket.error();
  who.passed.emplace_back(what.subject, *ticket);
  return std::nullopt;
}

std::optional<failure> placement_desk::pass_plugin(booking& who,
                                                   const lease_plan& plan) {
  if (plan.plugin.id.empty())
    return std::nullopt;
  auto key = text_member(plan.metadata, "pluginKey");
  return pass(who, plugin_place(plan.plugin.id,
                                key.empty() ? plan.plugin.id.value : key));
}

std::optional<failure>
placement_desk::pass_captured(booking& who, const json_text& metadata) {
  auto id = who.place.environment;
  auto known = environments_.find(id.value);
  if (auto why = pass(who, known == environments_.end() ? guard_of(id, id.value)
                                                        : known->second->guard))
    return why;
  lease_plan captured;
  captured.plugin.id = {text_member(metadata, "pluginId")};
  captured.metadata = metadata;
  return pass_plugin(who, captured);
}

void placement_desk::settle(booking& who, const failure& how) {
  auto* driver = ties_.services->drivers.find(who.place.driver);
  auto outage = driver && driver->refusal_is_outage();
  for (const auto& [subject, ticket] : std::exchange(who.passed, {}))
    breakers_.on_outcome(subject, ticket, how, outage);
  if (!std::exchange(who.counted, false))
    return;
  // A lease that was taken again has its place already.
  if (how.code == ec::none && who.row.id == who.request.id)
    on_lease_placed(who.place.environment, who.request.id);
  else
    on_lease_over(who.place.environment, who.request.id);
}

// -- the door -----------------------------------------------------------------

void placement_desk::enter(const arrival_ptr& who) {
  if (who->over)
    return;
  if (who->environment->gone)
    return look_for_environment(who);
  // Nobody waits for his turn only to be refused then.
  if (auto why = breakers_.would_refuse(who->environment->guard))
    return turn_away(*who, *why);
  admit(who);
}

void placement_desk::admit(const arrival_ptr& who) {
  const auto& request = who->request;
  auto& environment = *who->environment;
  who->again = leases_.holds(request.run, environment.id);
  if (const auto& open = environment.open;
      open && steady_now(ties_.self) < open->until)
    return let_in(*who,
                  {request.company, environment.id, open->driver, open->config},
                  false);
  who->at_the_door = true;
  who->seen = environment.changes;
  admit_lease question{request.id, request.company, request.run,
                       request.queue_timeout, who->again};
  tell(ties_.self, environment.actor, std::move(question));
}

placement_desk::arrival_ptr
placement_desk::find_arrival(const lease_id& lease) const {
  auto found = arrivals_.find(lease);
  return found == arrivals_.end() ? nullptr : *found;
}

void placement_desk::on_admitted(lease_admitted& what) {
  if (auto who = find_arrival(what.lease)) {
    if (!std::exchange(who->at_the_door, false))
      return;
    auto& environment = *who->environment;
    if (what.open_until.count() > 0 && who->seen == environment.changes)
      environment.open = {what.open_until, what.driver, what.config};
    return let_in(*who,
                  {who->request.company, environment.id, std::move(what.driver),
                   std::move(what.config)},
                  what.counted);
  }
  // Who was turned away meanwhile has left the environment, too.
  auto pos = bookings_.find(what.lease);
  if (pos == bookings_.end() || !std::exchange(pos->second.at_the_door, false))
    return;
  pos->second.counted = what.counted;
  perform(pos->second, placement_effect::record{});
}

void placement_desk::on_refused(const lease_refused& what) {
  if (auto who = find_arrival(what.lease)) {
    if (std::exchange(who->at_the_door, false))
      turn_away(*who, what.why);
    return;
  }
  auto pos = bookings_.find(what.lease);
  if (pos != bookings_.end() && std::exchange(pos->second.at_the_door, false))
    turn_away(what.lease, what.why);
}

void placement_desk::on_crashed(const known_ptr& environment,
                                const failure& why) {
  // The next run makes another one.
  environment->gone = true;
  std::erase_if(environments_,
                [&](const auto& x) { return x.second == environment; });
  std::vector<lease_id> waiting;
  for (const auto& who : arrivals_)
    if (who->at_the_door && who->environment == environment)
      waiting.push_back(who->request.id);
  for (const auto& [id, who] : bookings_)
    if (who.at_the_door && who.environment == environment)
      waiting.push_back(id);
  for (const auto& id : waiting)
    on_refused({id, why});
}

void placement_desk::let_in(arrival& who, environment_context place,
                            bool counted) {
  who.over = true;
  arrivals_.erase(arrivals_.find(who.request.id));
  auto& booked = book(std::move(who.request), std::move(who.waiting));
  booked.environment = who.environment;
  booked.again = who.again;
  booked.counted = counted;
  booked.place = std::move(place);
  booked.row.environment = booked.place.environment;
  auto id = booked.request.id;
  if (auto why = pass(booked, who.environment->guard))
    return turn_away(id, *why);
  on(id, placement_event::opened{});
}

void placement_desk::turn_away(arrival& who, const failure& why) {
  if (std::exchange(who.over, true))
    return;
  if (std::exchange(who.at_the_door, false))
    tell(ties_.self, who.environment->actor, lease_left{who.request.id});
  who.waiting.deliver(to_error(why));
  arrivals_.erase(arrivals_.find(who.request.id));
  if (idle())
    on_idle_();
}

void placement_desk::admit_anew(booking& who) {
  auto id = who.request.id;
  if (who.environment->gone)
    return turn_away(id, {ec::internal, "Its environment's actor has died."});
  who.again = false;
  who.at_the_door = true;
  admit_lease question{id, who.request.company, who.request.run,
                       who.request.queue_timeout, false};
  tell(ties_.self, who.environment->actor, std::move(question));
}

void placement_desk::turn_away(const lease_id& lease, const failure& why) {
  auto pos = bookings_.find(lease);
  if (pos == bookings_.end())
    return;
  auto& who = pos->second;
  if (std::exchange(who.at_the_door, false))
    tell(ties_.self, who.environment->actor, lease_left{lease});
  // It may have chosen something by now.
  if (who.now.phase == placement_phase::recording)
    return on(lease, placement_event::unrecorded{why});
  who.waiting.deliver(to_error(why));
  forget(lease);
}

void placement_desk::cancel(const run_id& run) {
  std::vector<lease_id> all;
  for (const auto& who : arrivals_)
    if (who->request.run == run)
      all.push_back(who->request.id);
  for (const auto& [id, who] : bookings_)
    if (who.request.run == run)
      all.push_back(id);
  for (const auto& id : all)
    cancel(id);
}

void placement_desk::cancel(const lease_id& lease) {
  if (auto who = find_arrival(lease))
    return turn_away(*who, taken_back());
  auto pos = bookings_.find(lease);
  if (pos == bookings_.end())
    return;
  auto& who = pos->second;
  if (who.at_the_door)
    return turn_away(lease, taken_back());
  who.now = step(who.now, placement_event::cancelled{}).next;
}

void placement_desk::cancel_all() {
  failure why{ec::shutting_down, "The engine is stopping."};
  for (const auto& who : std::vector(arrivals_.begin(), arrivals_.end()))
    turn_away(*who, why);
  std::vector<lease_id> at_the_door;
  for (auto& [id, who] : bookings_)
    if (who.at_the_door)
      at_the_door.push_back(id);
    else
      who.now = step(who.now, placement_event::cancelled{}).next;
  for (const auto& id : at_the_door)
    turn_away(id, why);
}

void placement_desk::on_lease_placed(const environment_id& environment,
                                     const lease_id& lease) {
  if (auto known = environments_.find(environment.value);
      known != environments_.end())
    tell(ties_.self, known->second->actor, lease_placed{lease});
}

void placement_desk::on_lease_over(const environment_id& environment,
                                   const lease_id& lease) {
  if (auto known = environments_.find(environment.value);
      known != environments_.end())
    tell(ties_.self, known->second->actor, lease_left{lease});
}

caf::result<queue_shown> placement_desk::show(const show_queue& what) {
  auto promise = ties_.self->make_response_promise<queue_shown>();
  with_environment(
    what.environment, [this, what, promise](result<known_ptr> x) mutable {
      if (!x)
        return promise.deliver(to_error(x.error()));
      ask(
        ties_.self, (*x)->actor, caf::infinite, what,
        [promise](queue_shown& shown) mutable {
          promise.deliver(std::move(shown));
        },
        [promise](const caf::error& err) mutable { promise.deliver(err); });
    });
  return promise;
}

} // namespace leasehold
