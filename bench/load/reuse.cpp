// reuse: whether a lease costs the same however many there were and however
// many resources wait. Engines on stores of several sizes take turns with one
// acquire and release each, one at a time, so that all see the same machine.
//
// The rows are copies of one that the engine wrote; the worker takes any name.

#include "bench/load/bare_sql.hpp"
#include "bench/load/engine_stage.hpp"

#include <memory>
#include <stdexcept>

namespace leasehold::bench {

namespace {

using steady = std::chrono::steady_clock;

/// One store: so many ended leases, so many resources that wait.
struct size_point {
  size_t rows = 0;
  size_t parked = 0;
};

/// An engine on a store that has grown.
struct grown {
  size_point size;
  std::unique_ptr<engine> with;
  std::vector<histogram> resumes;
  std::vector<histogram> acquires;
};

lease acquire(engine& with, const std::string& environment) {
  static int last = 0;
  acquire_request what;
  what.environment = environment;
  what.run = "reuse-" + std::to_string(++last);
  return with.acquire(what).get().value();
}

std::unique_ptr<engine> open_engine(const store_place& where) {
  return std::make_unique<engine>(options_for(where));
}

/// An engine makes one lease of each kind; then there are many.
grown grow(stage& on, const std::string& kind, size_point size) {
  auto where = on.fresh_store(kind);
  {
    auto it = open_engine(where);
    add_fake(*it);
    add_worker(*it, R"(,"reuseLease":true)");
    it->release(acquire(*it, "far")).get().value();
    it->release(acquire(*it, "box")).get().value();
  }
  auto rows = open_bare_sql(where);
  rows->grow(size.rows);
  rows->park(size.parked - 1);
  rows.reset();
  auto out = grown{size, open_engine(where), {}, {}};
  // Finds out what is parked.
  auto held = acquire(*out.with, "far");
  if (held.origin != origin::resumed)
    throw std::runtime_error{"what was parked is not found"};
  out.with->release(held).get().value();
  return out;
}

/// How long one acquire takes; its release goes with it.
nanoseconds time_one(engine& with, const std::string& environment) {
  auto begin = steady::now();
  auto held = acquire(with, environment);
  auto took = steady::now() - begin;
  with.release(held).get().value();
  return took;
}

void take_turns(std::vector<grown>& all, int count) {
  for (auto& one : all) {
    one.resumes.emplace_back();
    one.acquires.emplace_back();
  }
  for (int i = 0; i < count; ++i)
    for (auto& one : all) {
      one.resumes.back().add(time_one(*one.with, "far"));
      one.acquires.back().add(time_one(*one.with, "box"));
    }
}

void report(stage& on, const std::string& kind, const std::string& what,
            const grown& one, const std::vector<histogram>& rounds) {
  figure out;
  out.what = what;
  out.store = kind;
  out.at = {{"rows", static_cast<double>(one.size.rows)},
            {"parked", static_cast<double>(one.size.parked)}};
  out.unit = "us, median";
  histogram all;
  out.values.reserve(rounds.size());
  for (const auto& x : rounds) {
    out.values.push_back(x.quantile_us(0.5));
    all.add(x);
  }
  out.latency = all.summary();
  out.note = std::to_string(one.size.rows) + " rows, "
             + std::to_string(one.size.parked) + " parked";
  on.add(std::move(out));
}

void run_on(stage& on, const std::string& kind) {
  std::vector<size_point> sizes{{10, 10}, {100'000, 10'000}};
  if (!on.how().quick)
    sizes = {{10, 10}, {1'000, 100}, {10'000, 1'000}, {100'000, 10'000}};
  std::vector<grown> all;
  all.reserve(sizes.size());
  for (auto size : sizes)
    all.push_back(grow(on, kind, size));
  take_turns(all, 20);
  for (auto& one : all) {
    one.resumes.clear();
    one.acquires.clear();
  }
  for (int i = 0; i < on.pick(3, 9); ++i)
    take_turns(all, on.pick(25, 150));
  for (const auto& one : all) {
    report(on, kind, "resume", one, one.resumes);
    report(on, kind, "acquire", one, one.acquires);
  }
}

} // namespace

void run_reuse(stage& on) {
  for (const auto& kind : on.how().stores)
    run_on(on, kind);
}

} // namespace leasehold::bench
