// lease-cycle: how many leases a second can be acquired and released, durably,
// and what an acquire costs whoever asks for it.
//
// The engine and its floor (bare_sql.hpp) take turns, each on a database of its
// own, so that a machine that gets slower gets slower for both.

#include "bench/load/bare_sql.hpp"
#include "bench/load/bubblewrap_cycle.hpp"
#include "bench/load/engine_stage.hpp"

#include <optional>
#include <thread>

namespace leasehold::bench {

namespace {

using steady = std::chrono::steady_clock;

constexpr const char* unit = "cycles/s";

/// An engine and the floor, side by side.
struct pair_of_stores {
  pair_of_stores(stage& on, const std::string& kind)
    : ours{on.fresh_store(kind)}, theirs{on.fresh_store(kind)} {
    prepare_by_engine(theirs);
    floor = open_bare_sql(theirs);
    with.emplace(options_for(ours));
    add_fake(*with);
  }

  store_place ours;
  store_place theirs;
  std::unique_ptr<bare_sql> floor;
  std::optional<engine> with;
};

figure cycles_figure(const std::string& what, const std::string& store,
                     size_t in_flight) {
  figure out;
  out.what = what;
  out.store = store;
  out.at["in_flight"] = static_cast<double>(in_flight);
  out.unit = unit;
  return out;
}

/// One round of something: its rate, and what it used.
template <class Round>
uint64_t add_round(stage& on, figure& to, const Round& run) {
  auto meter = on.watch();
  load_result how = run();
  add_use(to.usage, meter.read());
  to.values.push_back(how.rate());
  to.note = note_of(how);
  return how.done;
}

void add_with_cost(stage& on, figure x, uint64_t count) {
  x.note += (x.note.empty() ? "" : ", ") + cost_of_each(x.usage, count);
  on.add(std::move(x));
}

/// So many rounds of the floor and the engine at one number in flight.
void compare(stage& on, pair_of_stores& both, size_t in_flight, int rounds,
             double seconds) {
  auto ours = cycles_figure("engine", both.ours.kind, in_flight);
  auto theirs = cycles_figure("floor", both.ours.kind, in_flight);
  auto times = std::make_shared<acquire_times>();
  auto cycle = lease_cycle(*both.with, {"box"}, times);
  closed_loop(in_flight, seconds / 4, cycle);
  times->take();
  uint64_t done = 0;
  uint64_t bare = 0;
  for (int i = 0; i < rounds; ++i) {
    bare += add_round(
      on, theirs, [&] { return bare_cycles(*both.floor, in_flight, seconds); });
    done += add_round(on, ours,
                      [&] { return closed_loop(in_flight, seconds, cycle); });
  }
  ours.latency = times->take().summary();
  add_with_cost(on, std::move(theirs), bare);
  add_with_cost(on, std::move(ours), done);
}

/// Another kind of environment at the same number in flight, without a floor.
void measure(stage& on, const std::string& what, const std::string& store,
             engine& with, const std::string& environment) {
  auto out = cycles_figure(what, store, 256);
  auto times = std::make_shared<acquire_times>();
  auto cycle = lease_cycle(with, {environment}, times);
  closed_loop(256, on.pick(0.1, 1.0), cycle);
  times->take();
  uint64_t done = 0;
  for (int i = 0; i < on.pick(2, 5); ++i)
    done += add_round(
      on, out, [&] { return closed_loop(256, on.pick(0.5, 2.0), cycle); });
  out.latency = times->take().summary();
  add_with_cost(on, std::move(out), done);
}

// -- so many a second ---------------------------------------------------------

/// What the floor takes for an acquire at so many a second: whatever is due is
/// written in one transaction, together with the ends of those that the last
/// one began.
histogram bare_open_loop(bare_sql& floor, double rate, double seconds) {
  std::mt19937_64 dice{7};
  std::exponential_distribution<double> gap{rate};
  auto begin = steady::now();
  auto at = [begin](double x) {
    return begin
           + std::chrono::duration_cast<steady::duration>(
             std::chrono::duration<double>{x});
  };
  histogram out;
  auto due = gap(dice);
  std::vector<steady::time_point> waiting;
  while (due < seconds) {
    std::this_thread::sleep_until(at(due));
    waiting.clear();
    for (auto now = steady::now(); at(due) <= now; due += gap(dice))
      waiting.push_back(at(due));
    floor.write(waiting.size(), floor.live());
    auto now = steady::now();
    for (auto since : waiting)
      out.add(now - since);
  }
  return out;
}

work timed_acquire(engine& with) {
  return [&with](uint64_t number, const finish& then) {
    acquire_request what;
    what.environment = "box";
    what.run = "open-" + std::to_string(number);
    with.acquire(what, [&with, then](const result<lease>& how) {
      then(how ? ec::none : how.error().code);
      if (how)
        with.release(*how, {}, [](const result<ended_lease>&) {});
    });
  };
}

void measure_open_loop(stage& on, pair_of_stores& both) {
  constexpr auto rate = 1'000.0;
  auto seconds = on.pick(0.7, 4.0);
  figure theirs;
  theirs.what = "floor, open loop";
  theirs.store = both.ours.kind;
  theirs.at["offered"] = rate;
  theirs.unit = "us, median";
  auto ours = theirs;
  ours.what = "engine, open loop";
  histogram bare;
  histogram measured;
  auto acquire = timed_acquire(*both.with);
  open_loop(rate, seconds / 4, acquire);
  for (int i = 0; i < on.pick(3, 7); ++i) {
    auto floor = bare_open_loop(*both.floor, rate, seconds);
    theirs.values.push_back(floor.quantile_us(0.5));
    bare.add(floor);
    auto how = open_loop(rate, seconds, acquire);
    ours.values.push_back(how.latency.quantile_us(0.5));
    ours.note = note_of(how);
    measured.add(how.latency);
  }
  theirs.latency = bare.summary();
  ours.latency = measured.summary();
  on.add(std::move(theirs));
  on.add(std::move(ours));
}

void run_on(stage& on, const std::string& kind) {
  pair_of_stores both{on, kind};
  compare(on, both, 256, on.pick(5, 15), on.pick(0.4, 1.5));
  auto others = on.how().quick ? std::vector<size_t>{1, 16, 1024}
                               : std::vector<size_t>{1, 4, 16, 64, 1024};
  for (auto in_flight : others)
    compare(on, both, in_flight, on.pick(2, 7), on.pick(0.2, 0.7));
  measure_open_loop(on, both);
  both.with->put_environment({.name = "here", .driver = "local"}).get().value();
  measure(on, "engine, local", kind, *both.with, "here");
  add_worker(*both.with);
  measure(on, "engine, worker", kind, *both.with, "far");
}

} // namespace

void run_lease_cycle(stage& on) {
  for (const auto& kind : on.how().stores) {
    run_on(on, kind);
    measure_bubblewrap(on, kind);
  }
}

} // namespace leasehold::bench
