// fairness: what a quiet company notices of one that floods. The quiet one asks
// for 20 leases a second; the other keeps hundreds of acquires waiting, all the
// time. Both want the same environment, with a limit at its door and without.

#include "bench/load/engine_stage.hpp"

#include <thread>

namespace leasehold::bench {

namespace {

work cycle_of(engine& with, const std::string& company) {
  return [&with, company](uint64_t number, const finish& then) {
    acquire_request what;
    what.environment = "far";
    what.company = company;
    what.run = company + "-" + std::to_string(number);
    with.acquire(what, [&with, then](const result<lease>& how) {
      then(how ? ec::none : how.error().code);
      if (how)
        with.release(*how, {}, [](const result<ended_lease>&) {});
    });
  };
}

figure quiet_figure(const std::string& what, const std::string& kind,
                    const load_result& how) {
  figure out;
  out.what = what;
  out.store = kind;
  out.unit = "us, p99";
  out.values = {how.latency.quantile_us(0.99)};
  out.latency = how.latency.summary();
  out.note = note_of(how);
  return out;
}

void measure(stage& on, const std::string& kind, const std::string& name,
             const std::string& config) {
  constexpr auto quiet_rate = 20.0;
  auto seconds = on.pick(1.5, 10.0);
  engine with{options_for(on.fresh_store(kind))};
  add_worker(with, config);
  closed_loop(64, uint64_t{500}, cycle_of(with, "warm"));
  auto alone = open_loop(quiet_rate, seconds, cycle_of(with, "quiet"));
  load_result flood;
  std::thread flooding{
    [&] { flood = closed_loop(512, seconds, cycle_of(with, "loud")); }};
  auto beside = open_loop(quiet_rate, seconds, cycle_of(with, "modest"));
  flooding.join();
  on.add(quiet_figure("quiet company alone, " + name, kind, alone));
  on.add(quiet_figure("quiet company beside a flood, " + name, kind, beside));
  figure loud = quiet_figure("flooding company, " + name, kind, flood);
  loud.unit = "acquires/s";
  loud.values = {flood.rate()};
  on.add(std::move(loud));
}

} // namespace

void run_fairness(stage& on) {
  for (const auto& kind : on.how().stores) {
    measure(on, kind, "door of 32", R"(,"admission":{"maxLeases":32})");
    if (!on.how().quick)
      measure(on, kind, "no limit", "");
  }
}

} // namespace leasehold::bench
