#include "actors/doctor_actor.hpp"

#include <set>
#include <utility>
#include <variant>

namespace leasehold {

namespace {

/// Treatments at a time: the rest is left for the next visit.
constexpr size_t treatments_max = 100;

/// Leases of dead engines, and leases that are looked up, at the most.
constexpr uint32_t rows_max = 10'000;

using listing = result<std::vector<listed_resource>>;

/// Whether a config that was refused so was refused for what it says.
bool is_about_config(const failure& why) {
  return why.code == ec::invalid_config || why.code == ec::unknown_provider
         || why.code == ec::unknown_driver;
}

} // namespace

doctor_state::doctor_state(doctor_actor::pointer self, doctor_colleagues with,
                           services_ptr services)
  : self_{self}, with_{std::move(with)}, services_{std::move(services)} {
  seen_.self = services_->self;
}

doctor_actor::behavior_type doctor_state::make_behavior() {
  return {
    [this](const examine& what) -> caf::result<examined> {
      order_ = what;
      alive_ = caf::actor_cast<caf::actor>(self_);
      watch(self_, with_.supervisor, [this](const caf::error&) {
        fail(to_error({ec::shutting_down, "The engine is stopping."}));
      });
      promise_ = self_->make_response_promise<examined>();
      read_records();
      return promise_;
    },
  };
}

// -- rounds -------------------------------------------------------------------

void doctor_state::begin(void (doctor_state::*next)()) {
  next_ = next;
  open_ = 1;
}

void doctor_state::arrived() {
  if (!over_ && --open_ == 0)
    (this->*next_)();
}

void doctor_state::fail(const caf::error& why) {
  if (std::exchange(over_, true))
    return;
  promise_.deliver(why);
  leave();
}

template <class Answer>
void doctor_state::read(store_query what, std::function<void(Answer&)> then) {
  ++open_;
  ask(
    self_, with_.store, caf::infinite, std::move(what),
    [this, then](store_answer& answer) {
      then(std::get<Answer>(answer));
      arrived();
    },
    [this](const caf::error& err) { fail(err); });
}

void doctor_state::read_records() {
  begin(&doctor_state::ask_providers);
  read<environment_rows>(list_environments{}, [this](environment_rows& x) {
    seen_.environments = std::move(x.rows);
  });
  read<plugin_rows>(list_plugins{}, [this](plugin_rows& x) {
    seen_.plugins = std::move(x.rows);
  });
  read<instance_rows>(list_instances{services_->self},
                      [this](instance_rows& x) {
                        seen_.at = x.at;
                        seen_.engines = std::move(x.rows);
                      });
  list_orphans orphans;
  orphans.asker = services_->self;
  orphans.waiting_too = true;
  orphans.limit = rows_max;
  read<lease_rows>(
    orphans, [this](lease_rows& x) { seen_.orphans = std::move(x.rows); });
  // Whose resources are to be listed.
  read<lease_rows>(list_claims{},
                   [this](lease_rows& x) { seen_.claims = std::move(x.rows); });
  ++open_;
  ask(
    self_, with_.supervisor, caf::infinite, survey_drivers{},
    [this](drivers_surveyed& x) {
      seen_.workers = std::move(x.drivers);
      arrived();
    },
    [this](const caf::error& err) { fail(err); });
  arrived();
}

void doctor_state::ask_providers() {
  begin(&doctor_state::read_claims);
  for (const auto& row : seen_.environments) {
    auto* driver = services_->drivers.find(row.driver);
    if (!driver || row.status != environment_status::active)
      continue;
    std::set<company_id> companies{{"default"}};
    for (const auto& claim : seen_.claims)
      if (claim.environment == row.id)
        companies.insert(claim.company);
    for (const auto& company : companies)
      list(*driver, row, company);
    ++open_;
    auto note = [this, id = row.id](const result<json_text>& how) {
      if (!how && is_about_config(how.error()))
        seen_.broken.push_back({id, how.error()});
      arrived();
    };
    driver->validate({{"default"}, row.id, row.driver, row.config},
                     back_to<json_text>(self_, note));
  }
  arrived();
}

void doctor_state::list(driver& with, const environment_row& row,
                        const company_id& company) {
  ++open_;
  auto note = [this, id = row.id, company](listing all) {
    seen_.listings.push_back({id, company, std::move(all)});
    arrived();
  };
  environment_context place{company, row.id, row.driver, row.config};
  // Drivers ask whoever would make a lease now.
  auto ask_it = [this, &with, place, note](const result<lease_plan>& plan) {
    // A config that does not do is another finding.
    auto told = plan ? !plan->makes_resource : is_about_config(plan.error());
    if (told)
      return arrived();
    if (!plan)
      return note(plan.error());
    lease_context where;
    where.place = place;
    where.metadata = plan->metadata;
    with.list(where, back_to<std::vector<listed_resource>>(self_, note));
  };
  plan_lease what;
  what.place = place;
  with.plan(what, back_to<lease_plan>(self_, ask_it));
}

void doctor_state::read_claims() {
  begin(&doctor_state::look_up_leases);
  read<lease_rows>(list_claims{},
                   [this](lease_rows& x) { seen_.claims = std::move(x.rows); });
  arrived();
}

void doctor_state::look_up_leases() {
  begin(&doctor_state::conclude);
  auto wanted = leases_to_look_up(seen_);
  if (wanted.size() > rows_max)
    wanted.resize(rows_max);
  for (const auto& id : wanted) {
    ++open_;
    ask(
      self_, with_.store, caf::infinite, store_query{get_lease{id.value}},
      [this, id](store_answer& answer) {
        auto& row = std::get<lease_rows>(answer).rows.front();
        // The beginning of an id is not an id.
        if (row.id == id)
          seen_.named.push_back(std::move(row));
        arrived();
      },
      [this](const caf::error& err) {
        if (to_failure(err).code != ec::unknown_lease)
          return fail(err);
        arrived();
      });
  }
  arrived();
}

// -- treatment ----------------------------------------------------------------

void doctor_state::conclude() {
  found_ = diagnose(seen_);
  begin(&doctor_state::finish);
  if (order_.fix)
    for (size_t i = 0; i < found_.size() && open_ <= treatments_max; ++i)
      treat(i);
  arrived();
}

template <class Message>
void doctor_state::send(size_t number, Message what) {
  ++open_;
  ask(
    self_, with_.janitor, caf::infinite, std::move(what),
    [this, number](const lease_ended& how) { on_treated(number, how); },
    [this, number](const caf::error& err) {
      on_treated(number, to_failure(err));
    });
}

void doctor_state::treat(size_t number) {
  const auto& x = found_[number];
  switch (x.cure) {
    case remedy::none:
      return;
    case remedy::retry:
      return send(number, retry_cleanup{x.lease, order_.who});
    case remedy::remove:
      return send(number, remove_stray{x.lease, x.resource, order_.who});
    case remedy::discard:
      return send(number, destroy_lease{{x.lease, 0}, {}});
  }
}

void doctor_state::on_treated(size_t number, const result<lease_ended>& how) {
  auto& x = found_[number].what;
  if (how && how->cleanup == cleanup_status::success) {
    x.needs_you = false;
    x.done = "Removed.";
  } else {
    x.done = "Tried to remove it: "
             + (how ? how->cleanup_error : how.error().message);
  }
  arrived();
}

void doctor_state::finish() {
  over_ = true;
  examined out;
  out.at_ms = seen_.at.ms;
  for (auto& x : found_)
    out.findings.push_back(std::move(x.what));
  promise_.deliver(std::move(out));
  leave();
}

void doctor_state::leave() {
  self_->quit();
  alive_ = {};
}

} // namespace leasehold
