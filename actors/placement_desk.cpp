#include "actors/placement_desk.hpp"

#include "actors/environment_actor.hpp"
#include "actors/resumption.hpp"

#include <utility>
#include <variant>

namespace leasehold {

namespace {

failure booked_already(const lease_id& lease) {
  return {ec::invalid_request,
          "Lease " + lease.value + " is being acquired already.",
          {}};
}

} // namespace

placement_desk::placement_desk(const supervisor_ties& ties,
                               living_leases& leases,
                               std::function<void()> on_idle)
  : ties_{ties}, leases_{leases}, on_idle_{std::move(on_idle)} {
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

placement_desk::booking* placement_desk::book(const acquire_lease& what) {
  auto [pos, added] = bookings_.try_emplace(what.id);
  if (!added)
    return nullptr;
  auto& who = pos->second;
  who.now.lease = what.id;
  who.request = what;
  who.row = new_row(what);
  who.waiting = ties_.self->make_response_promise<lease_granted>();
  return &who;
}

caf::result<lease_granted> placement_desk::open(const acquire_lease& what) {
  auto* who = book(what);
  if (!who)
    return to_error(booked_already(what.id));
  auto promise = who->waiting;
  auto enter = [this, id = what.id](result<environment_actor> environment) {
    if (environment)
      return admit(id, std::move(*environment));
    bookings_.at(id).waiting.deliver(to_error(environment.error()));
    forget(id);
  };
  with_environment(what.environment, enter);
  return promise;
}

caf::result<lease_granted> placement_desk::resume(const resume_lease& what) {
  acquire_lease request;
  request.id = what.id;
  request.run = what.run;
  request.ttl = what.ttl;
  auto* who = book(request);
  if (!who)
    return to_error(booked_already(what.id));
  auto promise = who->waiting;
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{get_lease{what.lease}},
    [this, what](store_answer& found) {
      take_up(what, std::move(std::get<lease_rows>(found).rows.front()));
    },
    [this, id = what.id](const caf::error& err) {
      bookings_.at(id).waiting.deliver(err);
      forget(id);
    });
  return promise;
}

void placement_desk::take_up(const resume_lease& what, lease_row row) {
  auto& who = bookings_.at(what.id);
  auto start
    = judge(what, row, ties_.services->self, ties_.options.resume_timeout);
  auto* driver = ties_.services->drivers.of_provider(row.provider);
  if (start && !driver)
    start = failure{ec::unknown_driver, "There is no driver for this lease."};
  if (!start) {
    who.waiting.deliver(to_error(start.error()));
    return forget(what.id);
  }
  // Later verbs go by what a lease has captured; its environment may have
  // changed.
  who.place
    = {row.company, row.environment, std::string{driver->key()}, json_text{}};
  who.request.company = row.company;
  who.request.workspace = row.workspace;
  who.request.issue = row.issue;
  if (row.status == lease_status::active)
    who.row = std::move(row);
  on(what.id, placement_event::asked_back{std::move(start->from),
                                          std::move(start->plan)});
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

} // namespace leasehold
