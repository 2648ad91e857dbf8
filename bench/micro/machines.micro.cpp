// Question: does deciding stay out of the way of what is decided about?
// Workload: one whole life through each machine, on the usual way. Floor: what
// every life does anyway, one block of memory per event. A machine that takes
// as long as a message between actors (about 1 us) changes our mind.

#include "actors/lease_term.hpp"
#include "actors/placement.hpp"
#include "actors/sweeps.hpp"
#include "actors/tenancy.hpp"
#include "actors/worker_life.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace leasehold;

namespace {

/// Feeds a machine; what it wants done is not done.
template <class Machine, class Event>
void feed(Machine& now, Event what) {
  auto [next, effects] = step(std::move(now), std::move(what));
  benchmark::DoNotOptimize(effects.data());
  now = std::move(next);
}

void count_events(benchmark::State& state, int64_t each) {
  state.SetItemsProcessed(state.iterations() * each);
}

lease_plan plan_of(lease_policy policy) {
  lease_plan out;
  out.provider = "boxes";
  out.makes_resource = true;
  out.exclusive = true;
  out.policy = policy;
  out.metadata = json_text{R"({"provider":"boxes","driver":"sandbox"})"};
  return out;
}

resource_ready ready_box() {
  return {{"box-1"}, std::nullopt, json_text{R"({"image":"debian:12"})"}};
}

void place_fresh(benchmark::State& state) {
  namespace event = placement_event;
  for (auto _ : state) {
    placement now;
    now.lease = {"lease-1"};
    feed(now, event::opened{});
    feed(now, event::planned{plan_of(lease_policy::ephemeral)});
    feed(now, event::recorded{});
    feed(now, event::came_up{1, ready_box()});
    feed(now, event::recorded{});
    if (now.phase != placement_phase::granted)
      return state.SkipWithError("it was not granted");
  }
  count_events(state, 5);
}

/// What was parked does not come back, and another one is made.
void place_fallback(benchmark::State& state) {
  namespace event = placement_event;
  parked_resource box;
  box.lease = {"lease-0"};
  box.resource = {"box-0"};
  for (auto _ : state) {
    placement now;
    now.lease = {"lease-1"};
    feed(now, event::opened{});
    feed(now, event::planned{plan_of(lease_policy::reuse_by_environment)});
    feed(now, event::chosen{box});
    feed(now, event::recorded{});
    feed(now, event::refused{1, {ec::resource_gone, "It is gone.", {}}});
    feed(now, event::recorded{});
    feed(now, event::came_up{2, ready_box()});
    feed(now, event::recorded{});
    if (now.phase != placement_phase::granted)
      return state.SkipWithError("it was not granted");
  }
  count_events(state, 8);
}

void live_tenancy(benchmark::State& state) {
  namespace event = tenancy_event;
  for (auto _ : state) {
    tenancy now;
    now.terms.makes_resource = true;
    feed(now, event::command_began{{"make"}});
    feed(now, event::command_ended{{"make"}});
    feed(now, event::asked_to_end{});
    feed(now, event::provider_answered{1, done{}});
    feed(now, event::recorded{});
    if (now.phase != tenancy_phase::ended)
      return state.SkipWithError("it has not ended");
  }
  count_events(state, 5);
}

void judge_end(benchmark::State& state) {
  lease_ending how;
  lease_terms terms{lease_policy::reuse_by_environment, true};
  for (auto _ : state) {
    benchmark::DoNotOptimize(needs_provider(how, terms));
    benchmark::DoNotOptimize(outcome_of(how, terms, done{}));
  }
}

void live_worker(benchmark::State& state) {
  namespace event = worker_event;
  for (auto _ : state) {
    worker_life now;
    feed(now, event::started{});
    feed(now, event::initialized{});
    feed(now, event::healthy{});
    feed(now, event::idle{});
    feed(now, event::stop_asked{false});
    feed(now, event::exited{});
    if (now.phase != worker_phase::gone)
      return state.SkipWithError("it is not gone");
  }
  count_events(state, 6);
}

/// A page of cleanups that are due, each tried and recorded.
void sweep_page(benchmark::State& state) {
  namespace event = sweep_event;
  lease_rows page;
  for (int64_t i = 0; i < state.range(0); ++i) {
    lease_row row;
    row.id = {"lease-" + std::to_string(i)};
    row.resource = {"box-" + std::to_string(i)};
    row.status = lease_status::released;
    row.cleanup = cleanup_status::failed;
    row.next_cleanup_at = timestamp{1};
    page.rows.push_back(std::move(row));
  }
  for (auto _ : state) {
    sweeps now;
    feed(now, event::sweep_due{});
    feed(now, event::listed{page});
    for (const auto& row : page.rows) {
      feed(now, event::tried{row, done{}});
      feed(now, event::recorded{row.id, std::nullopt});
    }
    if (!now.under_way.empty())
      return state.SkipWithError("something is still under way");
  }
  count_events(state, 2 * state.range(0));
}

void one_block_each(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(std::make_unique<placement_effect::any>());
  count_events(state, 1);
}

BENCHMARK(place_fresh)->Name("placement/fresh");
BENCHMARK(place_fallback)->Name("placement/resume_then_acquire");
BENCHMARK(live_tenancy)->Name("tenancy/life");
BENCHMARK(judge_end)->Name("lease_term/outcome");
BENCHMARK(live_worker)->Name("worker_life/life");
BENCHMARK(sweep_page)->Name("sweeps/page")->Arg(1)->Arg(100);
BENCHMARK(one_block_each)->Name("machines/floor");

} // namespace
