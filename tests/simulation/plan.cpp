#include "tests/simulation/plan.hpp"

#include "tests/simulation/dice.hpp"
#include "tests/simulation/places.hpp"

#include <algorithm>
#include <utility>

namespace leasehold::sim {

namespace {

using kind = fault_kind;
using ms = milliseconds;

/// Kinds that are rolled, some more often than others.
const std::vector<kind> call_faults{kind::call_refused,
                                    kind::crash_before_effect,
                                    kind::crash_after_effect,
                                    kind::worker_hangs,
                                    kind::no_answer,
                                    kind::late_answer,
                                    kind::late_effect,
                                    kind::answered_twice,
                                    kind::garbage,
                                    kind::wrong_answer,
                                    kind::stutter,
                                    kind::slow};

const std::vector<kind> start_faults{kind::cannot_start, kind::crash_at_start,
                                     kind::hang_at_start,
                                     kind::refuses_initialize};

const std::vector<kind> world_faults{
  kind::worker_killed, kind::workers_die_young, kind::resource_vanishes,
  kind::provider_down};

const std::vector<kind> store_faults{
  kind::write_fails, kind::written_unknown, kind::unwritten_unknown,
  kind::slow_write,  kind::read_fails,      kind::slow_read,
  kind::store_away};

const std::vector<kind> engine_faults{
  kind::engine_crashes, kind::engine_crashes, kind::engine_crashes,
  kind::engine_freezes, kind::engine_stops};

/// `busy` says how much there is to strike, of a hundred.
fault roll_fault(dice& chance, size_t engines, size_t busy) {
  auto up_to = [&](size_t most) {
    return chance.between(1, std::max<size_t>(most * busy / 100, 1));
  };
  fault out;
  out.engine = chance.below(engines);
  // Most runs are done by then.
  out.at = chance.between(ms{0}, ms{30'000});
  out.lasts = chance.between(ms{100}, ms{15'000});
  auto which = chance.below(100);
  if (which < 35) {
    out.what = chance.pick(call_faults);
    out.nth = up_to(24);
  } else if (which < 43) {
    out.what = chance.pick(start_faults);
    out.nth = chance.between(1, 4);
  } else if (which < 58) {
    out.what = chance.pick(world_faults);
  } else if (which < 78) {
    out.what = chance.pick(store_faults);
    out.nth = up_to(40);
  } else {
    out.what = chance.pick(engine_faults);
    out.nth = up_to(500);
  }
  return out;
}

const std::vector<step_kind> beginnings{
  step_kind::acquire, step_kind::acquire,
  step_kind::acquire, step_kind::acquire_for_a_while,
  step_kind::acquire, step_kind::acquire_in_a_hurry};

const std::vector<step_kind> middles{
  step_kind::execute,       step_kind::execute,         step_kind::execute_long,
  step_kind::execute_aside, step_kind::realize,         step_kind::renew,
  step_kind::acquire,       step_kind::cancel_commands, step_kind::resume_by_id,
};

const std::vector<step_kind> ends{
  step_kind::release,     step_kind::release,        step_kind::release,
  step_kind::release_run, step_kind::release_failed, step_kind::release_kept,
  step_kind::destroy};

run_plan roll_run(dice& chance, size_t engines, size_t leases_max) {
  run_plan out;
  out.company = chance.percent(75) ? 0 : 1;
  // Most of them want the same, so that they get in each other's way.
  out.environment = chance.percent(50) ? 1 : chance.below(plain_places);
  out.engine = chance.below(engines);
  auto add = [&](step_kind what, ms longest) {
    step more;
    more.number = out.steps.size();
    more.what = what;
    more.pause = chance.between(ms{0}, longest);
    more.other_engine = engines > 1 && chance.percent(10);
    more.old_handle = chance.percent(12);
    out.steps.push_back(more);
  };
  auto leases = chance.between(1, leases_max);
  for (size_t i = 0; i < leases; ++i) {
    add(i > 0 && chance.percent(25) ? step_kind::resume_by_id
                                    : chance.pick(beginnings),
        ms{i == 0 ? 10'000 : 4'000});
    for (auto left = chance.below(4); left > 0; --left)
      add(chance.pick(middles), ms{2'000});
    // Some never say that they are done.
    if (chance.percent(85))
      add(chance.pick(ends), ms{3'000});
    if (chance.percent(20))
      add(chance.pick(ends), ms{3'000});
  }
  return out;
}

// -- themes -------------------------------------------------------------------

step step_of(run_plan& run, step_kind what, ms pause) {
  step out;
  out.number = run.steps.size();
  out.what = what;
  out.pause = pause;
  return out;
}

void add_step(run_plan& run, step_kind what, ms pause) {
  run.steps.push_back(step_of(run, what, pause));
}

/// Replaces the runs by as many new ones that `fill` plans.
template <class Fill>
void replace_runs(plan& x, size_t count, Fill fill) {
  x.runs.clear();
  for (size_t i = 0; i < count; ++i) {
    auto& run = x.runs.emplace_back();
    run.number = i;
    fill(run);
  }
}

/// The plan keeps so many of its faults.
void keep_faults(plan& x, size_t most) {
  x.faults.resize(std::min(x.faults.size(), most));
}

void add_fault(plan& x, fault more) {
  more.number = x.faults.size();
  x.faults.push_back(more);
}

/// One company wants many leases at once, others want one now and then.
void make_crowd(plan& x, dice& chance) {
  auto where = chance.percent(65) ? narrow_place : single_place;
  auto engine = chance.below(x.engines);
  keep_faults(x, chance.below(4));
  replace_runs(x, chance.between(3, 5), [&](run_plan& run) {
    run.environment = where;
    run.engine = chance.percent(80) ? engine : chance.below(x.engines);
    auto floods = run.number == 0 && where == narrow_place;
    run.company = floods || chance.percent(30) ? 0 : 1;
    auto leases = chance.between(1, 2);
    for (size_t i = 0; i < leases; ++i) {
      add_step(run, floods ? step_kind::flood : step_kind::acquire_in_line,
               chance.between(ms{0}, ms{floods ? 1'500 : 6'000}));
      if (chance.percent(20))
        add_step(run, step_kind::cancel_acquire,
                 chance.between(ms{0}, ms{300}));
      if (chance.percent(25))
        add_step(run,
                 chance.pick(std::vector{
                   step_kind::execute, step_kind::acquire_in_line,
                   step_kind::acquire_in_a_hurry, step_kind::resume_by_id}),
                 chance.between(ms{0}, ms{2'000}));
      if (chance.percent(90))
        add_step(run, floods ? step_kind::release_run : chance.pick(ends),
                 chance.between(ms{0}, ms{floods ? 20'000 : 5'000}));
    }
  });
}

/// Runs that go on asking a provider that raves, and one that asks another.
void make_outage(plan& x, dice& chance) {
  keep_faults(x, chance.below(3));
  fault raves;
  raves.what = fault_kind::provider_raves;
  raves.at = chance.between(ms{0}, ms{4'000});
  raves.lasts = chance.between(ms{8'000}, ms{30'000});
  add_fault(x, raves);
  replace_runs(x, chance.between(3, 4), [&](run_plan& run) {
    auto bystander = run.number == 0;
    run.environment = bystander ? chance.below(raving_place) : raving_place;
    run.company = chance.below(2);
    run.engine = chance.below(x.engines);
    auto leases = bystander ? 2 : chance.between(3, 5);
    for (size_t i = 0; i < leases; ++i) {
      add_step(run, step_kind::acquire, chance.between(ms{0}, ms{6'000}));
      add_step(run, chance.pick(ends), chance.between(ms{0}, ms{1'000}));
    }
  });
}

/// Engines die while runs hold something, and the runs come back for it.
void make_homecoming(plan& x, dice& chance) {
  x.reattach_grace = chance.between(ms{3'000}, ms{25'000});
  keep_faults(x, chance.below(3));
  for (auto left = chance.between(1, 2); left > 0; --left) {
    fault death;
    death.what = fault_kind::engine_crashes;
    death.nth = chance.between(60, 250);
    death.engine = chance.below(x.engines);
    death.lasts = chance.between(ms{100}, ms{15'000});
    add_fault(x, death);
  }
  for (auto& run : x.runs) {
    run.steps.resize(std::min<size_t>(run.steps.size(), 5));
    if (!chance.percent(50))
      continue;
    auto pos = chance.between(1, run.steps.size());
    run.steps.insert(
      run.steps.begin() + static_cast<ptrdiff_t>(pos),
      step_of(run, step_kind::reattach, chance.between(ms{0}, ms{4'000})));
    for (size_t i = 0; i < run.steps.size(); ++i)
      run.steps[i].number = i;
  }
}

/// What is parked waits for a few seconds.
void make_parking(plan& x, dice& chance) {
  keep_faults(x, 3);
  for (auto& run : x.runs)
    if (chance.percent(80))
      run.environment = brief_place;
}

/// Whatever a seed is about has dice of its own, so that the plain seeds among
/// them stay as they are.
void make_theme(plan& x) {
  dice chance{seed_for(x.seed, 4)};
  auto which = chance.below(100);
  if (which < 60)
    return;
  if (which < 75) {
    x.about = theme::crowd;
    make_crowd(x, chance);
  } else if (which < 85) {
    x.about = theme::outage;
    make_outage(x, chance);
  } else if (which < 95) {
    x.about = theme::homecoming;
    make_homecoming(x, chance);
  } else {
    x.about = theme::parking;
    make_parking(x, chance);
  }
}

std::string time_words(ms x) {
  return std::to_string(x.count()) + " ms";
}

std::string words(const fault& x) {
  auto out = "f" + std::to_string(x.number) + ": " + to_string(x.what);
  if (counts_occasions(x.what))
    out += ", number " + std::to_string(x.nth);
  else
    out += " at " + time_words(x.at);
  return out + ", engine " + std::to_string(x.engine) + ", for "
         + time_words(x.lasts);
}

std::string words(const run_plan& x) {
  auto out = "r" + std::to_string(x.number) + ": company "
             + std::to_string(x.company) + ", environment "
             + std::to_string(x.environment) + ", engine "
             + std::to_string(x.engine) + ":";
  for (const auto& one : x.steps)
    out += " [" + std::to_string(one.number) + "] after "
           + time_words(one.pause) + " " + to_string(one.what)
           + (one.old_handle ? " with its old handle" : "")
           + (one.other_engine ? " elsewhere;" : ";");
  return out;
}

} // namespace

plan make_plan(uint64_t seed) {
  dice chance{seed_for(seed, 1)};
  plan out;
  out.seed = seed;
  out.engines = chance.percent(35) ? 2 : 1;
  out.clear_up = chance.percent(50);
  out.haste = chance.percent(30) ? chance.between(1, 10) : 0;
  // Many small stories meet more of what there is than a few long ones do.
  auto large = chance.percent(15);
  auto runs = chance.between(2, large ? 6 : 3);
  for (size_t i = 0; i < runs; ++i) {
    out.runs.push_back(roll_run(chance, out.engines, large ? 3 : 2));
    out.runs.back().number = i;
  }
  auto faults = chance.percent(8) ? 0 : chance.between(1, 6);
  for (size_t i = 0; i < faults; ++i) {
    out.faults.push_back(roll_fault(chance, out.engines, large ? 100 : 50));
    out.faults.back().number = i;
  }
  out.patient = chance.percent(2);
  make_theme(out);
  return out;
}

bool counts_occasions(fault_kind what) {
  return what < kind::worker_killed
         || (what >= kind::write_fails && what < kind::store_away)
         || what == kind::engine_crashes;
}

std::vector<std::string> parts_of(const plan& x) {
  std::vector<std::string> out;
  for (const auto& one : x.faults)
    out.push_back("f" + std::to_string(one.number));
  for (const auto& run : x.runs)
    out.push_back("r" + std::to_string(run.number));
  for (const auto& run : x.runs)
    for (const auto& one : run.steps)
      out.push_back("s" + std::to_string(run.number) + "."
                    + std::to_string(one.number));
  return out;
}

plan without(const plan& x, const std::set<std::string>& parts) {
  auto out = x;
  std::erase_if(out.faults, [&](const auto& one) {
    return parts.contains("f" + std::to_string(one.number));
  });
  std::erase_if(out.runs, [&](const auto& one) {
    return parts.contains("r" + std::to_string(one.number));
  });
  for (auto& run : out.runs)
    std::erase_if(run.steps, [&](const auto& one) {
      return parts.contains("s" + std::to_string(run.number) + "."
                            + std::to_string(one.number));
    });
  return out;
}

std::string words(const plan& x) {
  auto out = "seed " + std::to_string(x.seed) + ": " + std::to_string(x.engines)
             + " engine(s)" + (x.clear_up ? ", cleared up in the end" : "")
             + ", haste " + std::to_string(x.haste)
             + (x.patient ? ", patient" : "") + ", about " + to_string(x.about)
             + (x.reattach_grace.count() > 0
                  ? ", runs may come back for " + time_words(x.reattach_grace)
                  : "")
             + "\n";
  for (const auto& run : x.runs)
    out += "  " + words(run) + "\n";
  for (const auto& one : x.faults)
    out += "  " + words(one) + "\n";
  return out;
}

} // namespace leasehold::sim
