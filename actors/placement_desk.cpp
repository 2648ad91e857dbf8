#include "actors/placement_desk.hpp"

#include "actors/environment_actor.hpp"
#include "actors/resumption.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace leasehold {

namespace {

failure booked_already(const lease_id& lease) {
  return {ec::invalid_request,
          "Lease " + lease.value + " is being acquired already.",
          {}};
}

failure stopping() {
  return {ec::shutting_down, "The engine is stopping.", {}};
}

} // namespace

placement_desk::placement_desk(const supervisor_ties& ties,
                               living_leases& leases, breaker_board& breakers,
                               std::function<void()> on_idle)
  : ties_{ties}, leases_{leases}, breakers_{breakers}, on_idle_{
                                                         std::move(on_idle)} {
  // nop
}

lease_row placement_desk::new_row(const acquire_lease& what) const {
  lease_row row;
  row.id = what.id;
  row.company = what.company;
  row.run = what.run;
  row.workspace = what.workspace;
  row.issue = what.issue;
  row.owner = ties_.services->self;
  row.reattach_grace = ties_.options.reattach_grace;
  return row;
}

// -- messages to events -------------------------------------------------------

bool placement_desk::knows(const lease_id& lease) const {
  return arrivals_.contains(lease) || bookings_.contains(lease);
}

placement_desk::booking&
placement_desk::book(acquire_lease request,
                     caf::typed_response_promise<lease_granted> waiting) {
  auto& who = bookings_[request.id];
  who.now.lease = request.id;
  who.row = new_row(request);
  who.request = std::move(request);
  who.waiting = std::move(waiting);
  return who;
}

caf::result<lease_granted> placement_desk::open(acquire_lease what) {
  if (knows(what.id))
    return to_error(booked_already(what.id));
  auto promise = ties_.self->make_response_promise<lease_granted>();
  auto who = std::make_shared<arrival>();
  who->request = std::move(what);
  who->waiting = promise;
  arrivals_.insert(who);
  look_for_environment(who);
  return promise;
}

void placement_desk::look_for_environment(const arrival_ptr& who) {
  auto go_on = [this, who](const result<known_ptr>& environment) {
    if (!environment)
      return turn_away(*who, environment.error());
    who->environment = *environment;
    breakers_.when_known([this, who] { enter(who); });
  };
  with_environment(who->request.environment, std::move(go_on));
}

caf::result<lease_granted> placement_desk::resume(const resume_lease& what) {
  if (knows(what.id))
    return to_error(booked_already(what.id));
  acquire_lease request;
  request.id = what.id;
  request.run = what.run;
  request.ttl = what.ttl;
  auto promise = ties_.self->make_response_promise<lease_granted>();
  book(std::move(request), promise);
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{get_lease{what.lease}},
    [this, what](store_answer& found) {
      take_up(what, std::move(std::get<lease_rows>(found).rows.front()));
    },
    [this, id = what.id](const caf::error& err) {
      turn_away(id, to_failure(err));
    });
  return promise;
}

void placement_desk::take_up(const resume_lease& what, lease_row row) {
  auto pos = bookings_.find(what.id);
  if (pos == bookings_.end())
    return;
  auto& who = pos->second;
  auto start
    = judge(what, row, ties_.services->self, ties_.options.resume_timeout);
  auto* driver = ties_.services->drivers.of_provider(row.provider);
  if (start && !driver)
    start = failure{ec::unknown_driver, "There is no driver for this lease."};
  if (!start)
    return turn_away(what.id, start.error());
  // Later verbs go by what a lease has captured; its environment may have
  // changed.
  who.place
    = {row.company, row.environment, std::string{driver->key()}, json_text{}};
  who.request.company = row.company;
  who.request.workspace = row.workspace;
  who.request.issue = row.issue;
  // It does not ask whether there is room, but takes some.
  who.counted = true;
  if (row.status == lease_status::active)
    who.row = std::move(row);
  breakers_.when_known([this, id = what.id, start = std::move(*start)] {
    auto booked = bookings_.find(id);
    if (booked == bookings_.end())
      return;
    if (auto why = pass_captured(booked->second, start.from.metadata))
      return turn_away(id, *why);
    on(id, placement_event::asked_back{start.from, start.plan});
  });
}

void placement_desk::with_environment(
  const std::string& name, std::function<void(result<known_ptr>)> then) {
  if (auto known = environments_.find(name); known != environments_.end())
    return then(known->second);
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{get_environment{name}},
    [this, then](store_answer& answer) {
      if (closed_)
        return then(stopping());
      auto& row = std::get<environment_rows>(answer).rows.front();
      then(come_to_know(std::move(row)));
    },
    [then](const caf::error& err) { then(to_failure(err)); });
}

placement_desk::known_ptr placement_desk::come_to_know(environment_row row) {
  auto& found = environments_[row.id.value];
  if (!found)
    found = std::make_shared<known_environment>();
  auto out = found;
  out->id = row.id;
  out->name = row.name;
  out->guard = guard_of(row.id, row.name);
  environments_[row.name] = out;
  if (out->actor)
    return out;
  out->actor = spawn_actor<environment_state>(
    *ties_.self, supervisor_actor{ties_.self}, ties_.store, ties_.services,
    std::move(row), ties_.options.environment);
  watch_for_crash(ties_.self, out->actor,
                  [this, of = std::weak_ptr{out}](const caf::error& why) {
                    if (auto crashed = of.lock())
                      on_crashed(crashed, to_failure(why));
                  });
  // Whoever the last one had let in has a place still.
  for (const auto& [id, who] : bookings_)
    if (who.counted && who.place.environment == out->id)
      tell(ties_.self, out->actor, lease_placed{id});
  return out;
}

void placement_desk::on_environment_changed(const environment_changed& what) {
  // Its config is another one now; so may be what it failed of.
  breakers_.reset(subject_of(what.environment));
  auto known = environments_.find(what.environment.value);
  if (known == environments_.end())
    return;
  // Its name may be another one now.
  auto changed = known->second;
  std::erase_if(environments_, [&](const auto& x) {
    return x.second == changed && x.first != what.environment.value;
  });
  changed->name = what.name;
  changed->guard = guard_of(changed->id, what.name);
  changed->open.reset();
  ++changed->changes;
  tell(ties_.self, changed->actor, what);
}

void placement_desk::on_environment_idle(const environment_idle& what) {
  auto known = environments_.find(what.environment.value);
  if (known == environments_.end())
    return;
  auto idle = known->second;
  auto goes_there = [&](const auto& x) { return x->environment == idle; };
  auto is_there = [&](const auto& x) { return x.second.environment == idle; };
  if (std::any_of(arrivals_.begin(), arrivals_.end(), goes_there)
      || std::any_of(bookings_.begin(), bookings_.end(), is_there))
    return;
  // What it knows is in the store; the next run brings it back.
  std::erase_if(environments_, [&](const auto& x) { return x.second == idle; });
  send_away(idle->actor);
}

void placement_desk::park(const environment_id& environment,
                          parked_resource what) {
  if (auto known = environments_.find(environment.value);
      known != environments_.end())
    tell(ties_.self, known->second->actor, park_resource{std::move(what)});
}

void placement_desk::abandon_all() {
  closed_ = true;
  auto why = to_error(stopping());
  for (const auto& who : std::exchange(arrivals_, {})) {
    who->over = true;
    who->waiting.deliver(why);
  }
  for (auto& [id, who] : std::exchange(bookings_, {}))
    who.waiting.deliver(why);
  for (const auto& [name, known] : std::exchange(environments_, {}))
    send_away(known->actor);
}

void placement_desk::on(const lease_id& lease, placement_event::any what) {
  auto pos = bookings_.find(lease);
  if (pos == bookings_.end())
    return;
  auto& who = pos->second;
  auto before = std::pair{who.now.phase, who.now.attempt};
  auto [next, effects] = step(std::move(who.now), std::move(what));
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
  if (auto pos = bookings_.find(lease); pos != bookings_.end()) {
    settle(pos->second, {ec::cancelled, {}});
    bookings_.erase(pos);
  }
  if (idle())
    on_idle_();
}

} // namespace leasehold
