#include "tests/simulation/plan.hpp"

#include "tests/simulation/dice.hpp"

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
  out.environment = chance.percent(50) ? 1 : chance.below(environments_max);
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
             + (x.patient ? ", patient" : "") + "\n";
  for (const auto& run : x.runs)
    out += "  " + words(run) + "\n";
  for (const auto& one : x.faults)
    out += "  " + words(one) + "\n";
  return out;
}

} // namespace leasehold::sim
