// Question: does finding a parked resource cost the same with 10 as with
// 10 000 of them, and what does the canonical form of a config cost?
// Workload: 10 companies, 10 configs; what is found is parked again. Floors:
// one look into a hash table, and nlohmann/json reading and writing the same
// config. More than 20 % between 10 and 10 000 changes our mind (DESIGN §13).

#include "bench/micro/samples.hpp"

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace leasehold;

namespace {

/// Wishes that are all granted, for any number of resources from 10 on.
std::vector<choose_resource> wishes() {
  std::vector<choose_resource> out;
  for (size_t i = 0; i < samples::companies; ++i)
    out.push_back(samples::wish(i));
  return out;
}

void find_parked(benchmark::State& state) {
  auto house = samples::full_house(static_cast<size_t>(state.range(0)));
  auto all = wishes();
  size_t next = 0;
  for (auto _ : state) {
    auto found = house.choose(all[next++ % all.size()]);
    if (!found)
      return state.SkipWithError("nothing was found");
    house.park(std::move(*found));
  }
}

void find_nothing(benchmark::State& state) {
  auto house = samples::full_house(static_cast<size_t>(state.range(0)));
  auto wish = samples::wish(0);
  wish.fingerprint += "!";
  for (auto _ : state)
    benchmark::DoNotOptimize(house.choose(wish));
}

void find_floor(benchmark::State& state) {
  std::unordered_map<std::string, parked_resource> table;
  auto all = wishes();
  auto count = static_cast<size_t>(state.range(0));
  for (size_t i = 0; i < count; ++i) {
    auto which = samples::wish(i);
    table[which.company.value + which.fingerprint + std::to_string(i)]
      .resource.value
      = std::to_string(i);
  }
  std::vector<std::string> keys;
  for (size_t i = 0; i < all.size(); ++i)
    keys.push_back(all[i].company.value + all[i].fingerprint
                   + std::to_string(i));
  size_t next = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(table.find(keys[next++ % keys.size()]));
}

void fingerprint(benchmark::State& state) {
  auto config = samples::config(12);
  for (auto _ : state)
    benchmark::DoNotOptimize(samples::fingerprint(config));
}

void canonical(benchmark::State& state) {
  auto config = samples::config(12);
  for (auto _ : state)
    benchmark::DoNotOptimize(canonical_object(config.text, "config"));
}

void fingerprint_floor(benchmark::State& state) {
  auto config = samples::config(12);
  for (auto _ : state)
    benchmark::DoNotOptimize(nlohmann::json::parse(config.text).dump());
}

BENCHMARK(find_parked)->Name("matcher/find")->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK(find_nothing)->Name("matcher/find_nothing")->Arg(10)->Arg(10'000);
BENCHMARK(find_floor)->Name("matcher/find_floor")->Arg(10)->Arg(10'000);
BENCHMARK(fingerprint)->Name("matcher/fingerprint");
BENCHMARK(canonical)->Name("matcher/canonical_object");
BENCHMARK(fingerprint_floor)->Name("matcher/fingerprint_floor");

} // namespace
