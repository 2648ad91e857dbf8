// idle: what a lease costs that lives and does nothing: memory of the engine,
// and the processor at rest; 100 000 of them, in a hurry 20 000.

#include "bench/load/engine_stage.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace leasehold::bench {

namespace {

/// Leases that stay.
work hold(engine& with) {
  return [&with](uint64_t, const finish& then) {
    acquire_request what;
    what.environment = "box";
    static std::atomic<uint64_t> last{0};
    what.run = "idle-" + std::to_string(++last);
    with.acquire(what, [then](const result<lease>& how) {
      then(how ? ec::none : how.error().code);
    });
  };
}

/// Resident memory once freed pages went back to the system.
uint64_t settled_rss() {
  malloc_trim(0);
  return own_rss();
}

/// Takes so many leases; says how fast it goes the more there are.
load_result fill(stage& on, const std::string& kind, engine& with,
                 uint64_t count) {
  constexpr uint64_t block = 20'000;
  load_result all;
  while (all.done_in_all < count) {
    auto how
      = closed_loop(512, std::min(block, count - all.done_in_all), hold(with));
    all.done_in_all += how.done_in_all;
    for (const auto& [name, number] : how.errors)
      all.errors[name] += number;
    figure out;
    out.what = "acquires beside those that live";
    out.store = kind;
    out.at["live"] = static_cast<double>(all.done_in_all);
    out.unit = "acquires/s";
    out.values = {how.rate()};
    on.add(std::move(out));
    if (how.done_in_all == 0)
      break;
  }
  return all;
}

void run_on(stage& on, const std::string& kind) {
  auto count = on.pick(uint64_t{20'000}, uint64_t{100'000});
  auto opts = options_for(on.fresh_store(kind));
  // What lives is the next engine's, which never comes.
  opts.stop_timeout = std::chrono::milliseconds{1};
  auto ours = std::make_unique<engine>(opts);
  auto& with = *ours;
  add_fake(with);
  closed_loop(256, uint64_t{2'000}, [&](uint64_t n, const finish& then) {
    lease_cycle(with, {"box"})(n, then);
  });
  auto before = settled_rss();
  auto how = fill(on, kind, with, count);
  auto after = settled_rss();
  figure memory;
  memory.what = "memory of a lease";
  memory.store = kind;
  memory.at["live"] = static_cast<double>(how.done_in_all);
  memory.unit = "bytes";
  memory.values = {static_cast<double>(after - before)
                   / static_cast<double>(how.done_in_all)};
  memory.note = std::to_string(how.done_in_all) + " live"
                + (how.errors.empty() ? "" : ", " + note_of(how));
  auto cpu = cpu_seconds_of(getpid());
  auto seconds = on.pick(2.0, 10.0);
  std::this_thread::sleep_for(std::chrono::duration<double>{seconds});
  figure rest;
  rest.what = "processor at rest";
  rest.store = kind;
  rest.at = memory.at;
  rest.unit = "% of one core";
  rest.values = {(cpu_seconds_of(getpid()) - cpu) / seconds * 100};
  rest.usage = on.watch().read();
  figure stop;
  stop.what = "time to stop, with a stop_timeout of 1 ms";
  stop.store = kind;
  stop.at = memory.at;
  stop.unit = "ms";
  on.add(std::move(memory));
  on.add(std::move(rest));
  auto begin = std::chrono::steady_clock::now();
  ours.reset();
  std::chrono::duration<double, std::milli> took
    = std::chrono::steady_clock::now() - begin;
  stop.values = {took.count()};
  on.add(std::move(stop));
}

} // namespace

void run_idle(stage& on) {
  // The engine's memory does not depend on the store: one will do in a hurry.
  auto stores = on.how().stores;
  if (on.how().quick)
    stores.resize(1);
  for (const auto& kind : stores)
    run_on(on, kind);
}

} // namespace leasehold::bench
