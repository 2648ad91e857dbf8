#include "actors/environment_actor.hpp"

#include "actors/mail.hpp"
#include "drivers/admission_config.hpp"
#include "messages/mutation.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace leasehold {

namespace {

/// Parked resources that are read at the most.
constexpr uint32_t parked_max = 100'000;

parked_resource parked_of(lease_row& row) {
  return {std::move(row.id),          std::move(row.resource),
          std::move(row.company),     std::move(row.workspace),
          std::move(row.fingerprint), std::move(row.metadata)};
}

} // namespace

environment_state::environment_state(environment_actor::pointer self,
                                     supervisor_actor supervisor,
                                     store_actor store, services_ptr services,
                                     environment_row row,
                                     environment_options options)
  : self_{self}, supervisor_{std::move(supervisor)}, store_{std::move(store)},
    services_{std::move(services)}, row_{std::move(row)},
    options_{std::move(options)}, read_at_{steady_now(self)}, used_at_{
                                                                read_at_} {
  // nop
}

environment_actor::behavior_type environment_state::make_behavior() {
  load_parked();
  arm_idle();
  apply_limits();
  return {
    [this](admit_lease& who) {
      used_at_ = steady_now(self_);
      at_the_door_.push_back(std::move(who));
      auto fresh = used_at_ - read_at_ < options_.refresh_interval;
      if (fresh || refreshing_)
        open_door();
      else
        refresh();
    },
    [this](const lease_placed& what) {
      on(admission_event::placed{what.lease});
    },
    [this](const lease_left& what) { leave(what.lease); },
    [this](const show_queue&) { return show(); },
    [this](const choose_resource& what) -> caf::result<resource_chosen> {
      auto promise = self_->make_response_promise<resource_chosen>();
      if (parked_loaded_)
        choose(promise, what);
      else
        choosing_.emplace_back(promise, what);
      return promise;
    },
    [this](park_resource& what) { parked_.park(std::move(what.what)); },
    [this](const environment_changed&) { refresh(); },
  };
}

void environment_state::arm_idle() {
  auto left = options_.idle_timeout - (steady_now(self_) - used_at_);
  if (left.count() <= 0) {
    // Who is counted must not be forgotten.
    if (!is_busy(door_))
      tell(self_, supervisor_, environment_idle{row_.id});
    // It may say that this is not the time.
    used_at_ = steady_now(self_);
    left = options_.idle_timeout;
  }
  idle_ = after(self_, left, [this] { arm_idle(); });
}

// -- the door -----------------------------------------------------------------

void environment_state::open_door() {
  if (refreshing_ || counting_)
    return;
  for (const auto& who : std::exchange(at_the_door_, {}))
    admit(who);
}

void environment_state::leave(const lease_id& who) {
  if (counting_)
    left_meanwhile_.insert(who);
  // Who was not even asked for yet must not be let in afterwards.
  std::erase_if(at_the_door_, [&](const auto& x) { return x.lease == who; });
  on(admission_event::left{who});
}

void environment_state::admit(const admit_lease& who) {
  if (row_.status != environment_status::active)
    return refuse(who.lease,
                  {ec::environment_inactive,
                   "Environment \"" + row_.name + "\" is not active.",
                   {}});
  on(admission_event::asked{who.lease, who.company, who.run, steady_now(self_),
                            who.queue_timeout, who.again});
}

void environment_state::refuse(const lease_id& who, failure why) {
  tell(self_, supervisor_, lease_refused{who, std::move(why)});
}

void environment_state::on(const admission_event::any& what) {
  auto [next, effects] = step(std::move(door_), what);
  door_ = std::move(next);
  if (door_.queue.empty())
    door_timer_.dispose();
  for (const auto& wish : effects)
    std::visit([this](const auto& x) { perform(x); }, wish);
}

void environment_state::apply_limits() {
  driver_config_ = without_admission(row_.config);
  auto limits = admission_of(row_.config, options_.limits);
  // What was saved has been checked; who wrote it past us gets what is usual.
  auto wanted = limits ? std::move(*limits) : options_.limits;
  if (wanted == door_.limits)
    return;
  auto begins = has_limit(wanted) && !has_limit(door_.limits);
  on(admission_event::limited{std::move(wanted)});
  if (begins)
    count_leases();
}

void environment_state::count_leases() {
  if (std::exchange(counting_, true))
    return;
  auto go_on = [this] {
    counting_ = false;
    left_meanwhile_.clear();
    open_door();
  };
  list_leases which;
  which.environment = row_.id;
  which.status = {lease_status::acquiring, lease_status::active};
  which.limit = parked_max;
  ask(
    self_, store_, caf::infinite, store_query{std::move(which)},
    [this, go_on](store_answer& answer) {
      std::vector<lease_id> live;
      for (auto& row : std::get<lease_rows>(answer).rows)
        if (row.owner == services_->self && !left_meanwhile_.contains(row.id))
          live.push_back(std::move(row.id));
      on(admission_event::counted{std::move(live)});
      go_on();
    },
    [go_on](const caf::error&) { go_on(); });
}

queue_shown environment_state::show() const {
  queue_shown out{row_.id, door_.limits, door_.live(), door_.acquiring, {}};
  auto now = steady_now(self_);
  for (const auto* x : door_.queue.in_order())
    out.waiting.push_back({x->lease, x->company, x->run, now - x->since,
                           std::max(x->until - now, milliseconds{0})});
  return out;
}

void environment_state::refresh() {
  if (std::exchange(refreshing_, true)) {
    // What is being read may be older than the change.
    refresh_again_ = true;
    return;
  }
  auto let_in = [this] {
    refreshing_ = false;
    if (std::exchange(refresh_again_, false))
      return refresh();
    read_at_ = steady_now(self_);
    apply_limits();
    if (row_.status != environment_status::active)
      on(admission_event::shut{
        {ec::environment_inactive,
         "Environment \"" + row_.name + "\" is not active any more."}});
    open_door();
  };
  auto give_up = [this](const caf::error& err) {
    refreshing_ = refresh_again_ = false;
    read_at_ -= options_.refresh_interval;
    auto why = to_failure(err);
    for (const auto& who : std::exchange(at_the_door_, {}))
      refuse(who.lease, why);
    if (why.code == ec::unknown_environment)
      on(admission_event::shut{std::move(why)});
  };
  ask(
    self_, store_, caf::infinite, store_query{get_environment{row_.id.value}},
    [this, let_in](store_answer& answer) {
      row_ = std::move(std::get<environment_rows>(answer).rows.front());
      let_in();
    },
    give_up);
}

// -- parked resources ---------------------------------------------------------

void environment_state::load_parked() {
  auto open = [this] {
    parked_loaded_ = true;
    for (auto& [promise, what] : std::exchange(choosing_, {}))
      choose(promise, what);
  };
  list_leases which;
  which.environment = row_.id;
  which.parked = true;
  which.limit = parked_max;
  ask(
    self_, store_, caf::infinite, store_query{std::move(which)},
    [this, open](store_answer& answer) {
      auto& rows = std::get<lease_rows>(answer).rows;
      // Latest first in the answer; the latest must be parked last.
      for (auto i = rows.rbegin(); i != rows.rend(); ++i)
        parked_.park(parked_of(*i));
      open();
    },
    // Without the list every lease is a fresh one; nothing is lost by that.
    [open](const caf::error&) { open(); });
}

void environment_state::choose(choice& promise, const choose_resource& what) {
  promise.deliver(resource_chosen{parked_.choose(what)});
}

// -- effects to messages ------------------------------------------------------

void environment_state::perform(const admission_effect::admit& wish) {
  auto open_until = has_limit(door_.limits)
                      ? milliseconds{0}
                      : read_at_ + options_.refresh_interval;
  tell(self_, supervisor_,
       lease_admitted{wish.lease, row_.driver, driver_config_, wish.counted,
                      open_until});
}

void environment_state::perform(const admission_effect::refuse& wish) {
  auto why = wish.why;
  why.message = "Environment \"" + row_.name + "\": " + why.message;
  refuse(wish.lease, std::move(why));
}

void environment_state::perform(const admission_effect::enqueue& wish) {
  if (services_->observe)
    services_->observe({"lease", wish.lease.value, "fresh", "queued",
                        "position " + std::to_string(wish.position) + " of "
                          + std::to_string(door_.queue.size())});
}

void environment_state::perform(const admission_effect::arm& wish) {
  if (mutated(mutation::queue_deadline_ignored))
    return;
  auto left = std::max(wish.at - steady_now(self_), milliseconds{0});
  door_timer_ = after(self_, left, [this] {
    on(admission_event::time_passed{steady_now(self_)});
  });
}

} // namespace leasehold
