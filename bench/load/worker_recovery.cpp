// worker-recovery: how long after a worker was killed the next call to it
// succeeds. Each kill is the first that an engine sees, as it is in life: an
// engine waits before it starts again what crashes over and over.

#include "bench/load/engine_stage.hpp"

#include <csignal>
#include <stdexcept>

namespace leasehold::bench {

namespace {

using steady = std::chrono::steady_clock;

/// From the signal on, calls one after the other until one succeeds.
nanoseconds time_once(stage& on) {
  engine with{options_for(on.fresh_store("sqlite"))};
  add_worker(with);
  auto held
    = with.acquire({.environment = "far", .run = "before"}).get().value();
  auto worker = find_worker();
  if (worker == 0)
    throw std::runtime_error{"there is no worker to kill"};
  command what{.command = "echo", .stdin_text = "hello"};
  auto begin = steady::now();
  kill(worker, SIGKILL);
  while (!with.execute(held, what).get())
    if (steady::now() - begin > std::chrono::seconds{30})
      throw std::runtime_error{"the worker does not come back"};
  auto took = steady::now() - begin;
  with.release(held).get().value();
  return took;
}

} // namespace

void run_worker_recovery(stage& on) {
  figure out;
  out.what = "kill to call";
  out.unit = "ms";
  histogram all;
  for (int i = 0; i < on.pick(10, 50); ++i) {
    auto took = time_once(on);
    out.values.push_back(
      std::chrono::duration<double, std::milli>(took).count());
    all.add(took);
  }
  out.latency = all.summary();
  on.add(std::move(out));
}

} // namespace leasehold::bench
