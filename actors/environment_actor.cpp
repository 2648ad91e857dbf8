#include "actors/environment_actor.hpp"

#include "actors/mail.hpp"

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
                                     store_actor store, environment_row row,
                                     environment_options options)
  : self_{self}, supervisor_{std::move(supervisor)}, store_{std::move(store)},
    row_{std::move(row)}, options_{options}, read_at_{steady_now(self)},
    used_at_{read_at_} {
  // nop
}

environment_actor::behavior_type environment_state::make_behavior() {
  load_parked();
  arm_idle();
  return {
    [this](const admit_lease& who) -> caf::result<lease_admitted> {
      used_at_ = steady_now(self_);
      auto promise = self_->make_response_promise<lease_admitted>();
      auto fresh = steady_now(self_) - read_at_ < options_.refresh_interval;
      if (fresh && !refreshing_) {
        admit(promise, who);
        return promise;
      }
      at_the_door_.emplace_back(promise, who);
      if (!refreshing_)
        refresh();
      return promise;
    },
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
    tell(self_, supervisor_, environment_idle{row_.id});
    // It may say that this is not the time.
    used_at_ = steady_now(self_);
    left = options_.idle_timeout;
  }
  idle_ = after(self_, left, [this] { arm_idle(); });
}

void environment_state::admit(admission& promise, const admit_lease& who) {
  if (row_.status != environment_status::active)
    return promise.deliver(
      to_error({ec::environment_inactive,
                "Environment \"" + row_.name + "\" is not active.",
                {}}));
  promise.deliver(
    lease_admitted{{who.company, row_.id, row_.driver, row_.config}});
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
    for (auto& [promise, who] : std::exchange(at_the_door_, {}))
      admit(promise, who);
  };
  auto refuse = [this](const caf::error& err) {
    refreshing_ = refresh_again_ = false;
    read_at_ -= options_.refresh_interval;
    for (auto& [promise, who] : std::exchange(at_the_door_, {}))
      promise.deliver(err);
  };
  ask(
    self_, store_, caf::infinite, store_query{get_environment{row_.id.value}},
    [this, let_in](store_answer& answer) {
      row_ = std::move(std::get<environment_rows>(answer).rows.front());
      let_in();
    },
    refuse);
}

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

} // namespace leasehold
