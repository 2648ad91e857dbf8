// Question: what does the JSON-RPC codec add to reading and writing JSON?
// Workload: the request and the answer of `environmentExecute`. Floors: the
// same texts read and written by nlohmann/json alone. Reading an answer at more
// than twice its floor would change our mind: it is read once and spliced.

#include "bench/micro/samples.hpp"
#include "drivers/json_rpc.hpp"
#include "drivers/line_splitter.hpp"

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using namespace leasehold;

namespace {

constexpr int64_t kib = 1'024;
constexpr int64_t mib = kib * kib;

const rpc::invocation scope{"0d6c1ce3-9a53-4a39-6a0b-2f1c7f8ea1f1",
                            "company-1"};

std::string answer_of(const benchmark::State& state) {
  return samples::execute_answer(static_cast<size_t>(state.range(0)));
}

void count_bytes(benchmark::State& state, size_t each) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(each));
}

// -- writing ------------------------------------------------------------------

void encode_request(benchmark::State& state) {
  auto params = samples::execute_params();
  for (auto _ : state)
    benchmark::DoNotOptimize(
      rpc::encode_request(17, "environmentExecute", params, scope));
  count_bytes(state, params.text.size());
}

void encode_floor(benchmark::State& state) {
  auto params = samples::execute_params();
  auto request = nlohmann::json::parse(
    rpc::encode_request(17, "environmentExecute", params, scope));
  for (auto _ : state)
    benchmark::DoNotOptimize(request.dump());
  count_bytes(state, params.text.size());
}

// -- reading ------------------------------------------------------------------

void parse_answer(benchmark::State& state) {
  auto line = answer_of(state);
  line.pop_back();
  for (auto _ : state)
    benchmark::DoNotOptimize(rpc::parse_line(line));
  count_bytes(state, line.size());
}

void parse_floor(benchmark::State& state) {
  auto line = answer_of(state);
  line.pop_back();
  for (auto _ : state)
    benchmark::DoNotOptimize(nlohmann::json::parse(line));
  count_bytes(state, line.size());
}

/// In pieces as pipes hand them on.
void split_lines(benchmark::State& state) {
  auto bytes = answer_of(state);
  line_splitter lines{
    2 * mib,
    [](const std::string& line) { benchmark::DoNotOptimize(line.data()); },
    [](const overlong_line&) {}};
  constexpr size_t piece = 64 * kib;
  for (auto _ : state)
    for (size_t pos = 0; pos < bytes.size(); pos += piece)
      lines.feed(std::string_view{bytes}.substr(pos, piece));
  count_bytes(state, bytes.size());
}

void split_floor(benchmark::State& state) {
  auto bytes = answer_of(state);
  for (auto _ : state)
    benchmark::DoNotOptimize(std::string{bytes});
  count_bytes(state, bytes.size());
}

// -- both ---------------------------------------------------------------------

void round_trip(benchmark::State& state) {
  auto params = samples::execute_params();
  auto answer = samples::execute_answer(256);
  line_splitter lines{mib,
                      [](const std::string& line) {
                        benchmark::DoNotOptimize(rpc::parse_line(line));
                      },
                      [](const overlong_line&) {}};
  for (auto _ : state) {
    benchmark::DoNotOptimize(
      rpc::encode_request(17, "environmentExecute", params, scope));
    lines.feed(answer);
  }
}

BENCHMARK(encode_request)->Name("codec/encode_request");
BENCHMARK(encode_floor)->Name("codec/encode_request_floor");
BENCHMARK(parse_answer)->Name("codec/parse_answer")->Arg(kib)->Arg(mib);
BENCHMARK(parse_floor)->Name("codec/parse_answer_floor")->Arg(kib)->Arg(mib);
BENCHMARK(split_lines)->Name("codec/split_lines")->Arg(kib)->Arg(mib);
BENCHMARK(split_floor)->Name("codec/split_lines_floor")->Arg(kib)->Arg(mib);
BENCHMARK(round_trip)->Name("codec/round_trip");

} // namespace
