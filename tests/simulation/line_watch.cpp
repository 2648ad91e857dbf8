#include "tests/simulation/line_watch.hpp"

#include "tests/simulation/places.hpp"

#include <algorithm>
#include <utility>

namespace leasehold::sim {

namespace {

using ms = milliseconds;

/// How long it takes at the most until an acquire is where it has to wait, if
/// nothing holds its engine up.
constexpr ms way_to_the_door{1'000};
/// From there to the first row: a worker that gets ready has some seconds.
constexpr ms way_to_the_row{12'000};
/// From there to the answer: a resume, an acquire, and what is written between.
constexpr ms way_to_the_answer{95'000};

bool is_limited(const admission_limits& x) {
  return x.leases_max > 0 || x.acquires_max > 0;
}

size_t weight_of(const admission_limits& x, const company_id& company) {
  auto pos = x.weights.find(company.value);
  return pos == x.weights.end() ? 1 : pos->second;
}

} // namespace

line_watch::line_watch(surroundings& around, complaint complain)
  : around_{around}, complain_{std::move(complain)} {
  // nop
}

// -- what is asked and answered -----------------------------------------------

size_t line_watch::others_before(const request& who) const {
  const auto& limits = places().at(who.place).limits;
  size_t before = 1;
  size_t weight = 1;
  for (const auto& [id, other] : waiting_) {
    if (other.engine != who.engine || other.place != who.place)
      continue;
    if (other.company == who.company)
      ++before;
    else
      weight = std::max(weight, weight_of(limits, other.company));
  }
  // Some had been let in before and were not written down yet.
  auto on_their_way
    = limits.acquires_max > 0 ? limits.acquires_max : limits.leases_max;
  return before * weight + on_their_way;
}

void line_watch::on_asked(const acquire_lease& what,
                          const instance_id& engine) {
  auto now = around_.time.now();
  request who;
  who.engine = engine;
  who.company = what.company;
  who.run = what.run;
  ++asked_[what.run];
  who.place = number_of({what.environment});
  const auto& limits = places().at(who.place).limits;
  ms patience{0};
  if (is_limited(limits))
    patience = what.queue_timeout.count() > 0 ? what.queue_timeout
                                              : limits.queue_timeout;
  who.waits_from = now + way_to_the_door + around_.hold_ups;
  auto recorded = now + patience + way_to_the_row + around_.hold_ups;
  who.due = recorded + way_to_the_answer;
  who.others_max = others_before(who);
  around_.time.at(who.due, [this, id = what.id] { check_answered(id); });
  around_.time.at(recorded, [this, id = what.id] { check_recorded(id); });
  waiting_.emplace(what.id, std::move(who));
}

void line_watch::on_resume_asked(const lease_id& which) {
  not_counted_.insert(which);
}

void line_watch::on_answered(const lease_id& which, const failure& how) {
  auto who = waiting_.extract(which);
  if (!who || how.code != ec::circuit_open)
    return;
  const auto& program = places().at(who.mapped().place).program;
  if (around_.troubles[program] == 0)
    complain_(11, "lease " + which.value
                    + " was refused, and nothing was "
                      "wrong with its provider: "
                    + how.message);
}

void line_watch::check_recorded(const lease_id& which) {
  auto pos = waiting_.find(which);
  if (pos == waiting_.end() || pos->second.recorded)
    return;
  // What a run has already is not written down anew.
  if (!places().at(pos->second.place).reuses || asked_[pos->second.run] == 1)
    complain_(12, "lease " + which.value
                    + " waits for its turn, and its time is up");
}

void line_watch::check_answered(const lease_id& which) {
  auto pos = waiting_.find(which);
  if (pos == waiting_.end())
    return;
  auto limited = is_limited(places().at(pos->second.place).limits);
  complain_(limited ? 12 : 11,
            "whoever asked for lease " + which.value + " has had no answer");
}

void line_watch::on_engine_gone(const instance_id& which) {
  std::erase_if(waiting_,
                [&](const auto& x) { return x.second.engine == which; });
}

// -- rows ---------------------------------------------------------------------

void line_watch::on_row(const lease_row& row) {
  auto place = number_of(row.environment);
  if (auto who = waiting_.find(row.id);
      who != waiting_.end() && !std::exchange(who->second.recorded, true))
    check_turns(row);
  auto [maker, is_new] = makers_.emplace(row.id, row.owner);
  auto& living = living_[{maker->second, place}];
  // What was taken over did not come through the door.
  auto counts = row.owner == maker->second && !has_ended(row.status)
                && !not_counted_.contains(row.id);
  if (counts)
    living.all.insert(row.id);
  else
    living.all.erase(row.id);
  if (counts && row.status == lease_status::acquiring)
    living.acquiring.insert(row.id);
  else
    living.acquiring.erase(row.id);
}

void line_watch::check_limits(const lease_row& row) {
  auto place = number_of(row.environment);
  const auto& limits = places().at(place).limits;
  const auto& living = living_[{row.owner, place}];
  auto too_many = [](const auto& all, uint32_t most) {
    return most > 0 && all.size() > most;
  };
  auto complain = [&](const auto& all, const char* what) {
    complain_(12, row.owner.value + " has " + std::to_string(all.size())
                    + " leases " + what + " in " + row.environment.value
                    + ", more than may be");
  };
  if (too_many(living.all, limits.leases_max))
    complain(living.all, "");
  if (too_many(living.acquiring, limits.acquires_max))
    complain(living.acquiring, "on their way");
}

void line_watch::check_turns(const lease_row& row) {
  const auto& let_in = waiting_.at(row.id);
  if (!is_limited(places().at(let_in.place).limits))
    return;
  auto now = around_.time.now();
  for (auto& [id, other] : waiting_) {
    if (other.recorded || other.engine != let_in.engine
        || other.place != let_in.place || other.company == let_in.company
        || now < other.waits_from || ++other.others <= other.others_max)
      continue;
    complain_(12, "lease " + id.value + " of " + other.company.value
                    + " waits for its turn, and " + std::to_string(other.others)
                    + " of others were let in before it");
  }
}

} // namespace leasehold::sim
