// overload: what becomes of an engine that is asked for more than it can do.
// Its peak is found first, in a closed loop; then leases are asked for at half
// of that, at all of it, and at twice as many, whether it keeps up or not.
//
// What finds no place at the door (256 leases) waits in its queue (1 024). The
// engine takes no more than these 1 280 (`acquires_max`) and refuses the rest;
// all of them are documented limits. What counts is what still gets done, and
// that memory stays where it is.

#include "bench/load/engine_stage.hpp"

#include <algorithm>

namespace leasehold::bench {

namespace {

struct overload_figures {
  figure goodput;
  figure memory;
};

overload_figures named(const std::string& kind, const std::string& door,
                       double share) {
  overload_figures out;
  out.goodput.what = "goodput, " + door;
  out.goodput.store = kind;
  out.goodput.at["times_capacity"] = share;
  out.goodput.unit = "% of the peak";
  out.memory = out.goodput;
  out.memory.what = "memory grown, " + door;
  out.memory.unit = "MiB";
  return out;
}

/// A round at the peak and one at its multiple, in turns: the machine may be
/// another in a second.
void measure(stage& on, engine& with, const std::string& kind,
             const std::string& door, double share) {
  auto out = named(kind, door, share);
  auto seconds = on.pick(0.5, 3.0);
  auto cycle = lease_cycle(with, {"box"});
  histogram latency;
  std::map<std::string, uint64_t> errors;
  for (int i = 0; i < on.pick(2, 5); ++i) {
    auto peak = closed_loop(256, seconds, cycle).rate();
    auto before = own_rss();
    // Until the queue is as long as it gets.
    auto how = open_loop(peak * share, 2 * seconds, cycle, seconds);
    auto grown = static_cast<double>(own_rss()) - static_cast<double>(before);
    out.goodput.values.push_back(how.rate() / peak * 100);
    out.memory.values.push_back(grown / (1 << 20));
    latency.add(how.latency);
    for (const auto& [name, count] : how.errors)
      errors[name] += count;
  }
  load_result all;
  all.errors = errors;
  out.goodput.note = note_of(all);
  out.goodput.latency = latency.summary();
  on.add(std::move(out.goodput));
  on.add(std::move(out.memory));
}

void run_on(stage& on, const std::string& kind, const std::string& door,
            const std::string& config) {
  auto how = options_for(on.fresh_store(kind));
  how.acquires_max = 256 + how.environment_queue_max;
  engine with{std::move(how)};
  add_fake(with, "box", config);
  closed_loop(256, on.pick(0.3, 1.0), lease_cycle(with, {"box"}));
  for (auto share :
       on.how().quick ? std::vector{1.0, 2.0} : std::vector{0.5, 1.0, 1.5, 2.0})
    measure(on, with, kind, door, share);
}

} // namespace

void run_overload(stage& on) {
  for (const auto& kind : on.how().stores) {
    run_on(on, kind, "door of 256", R"(,"admission":{"maxLeases":256})");
    if (!on.how().quick)
      run_on(on, kind, "no limit", "");
  }
}

} // namespace leasehold::bench
