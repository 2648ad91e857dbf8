#include "bench/instructions/counted_work.hpp"

#include "bench/instructions/still_engine.hpp"
#include "bench/micro/samples.hpp"
#include "drivers/json_rpc.hpp"
#include "drivers/line_splitter.hpp"

#include <cstdlib>
#include <memory>
#include <utility>
#include <variant>

namespace leasehold::counting {

namespace {

/// Leases and calls on their way at a time.
constexpr size_t in_flight = 64;
constexpr size_t parked = 10'000;
constexpr size_t small_round = 100;

std::function<std::function<void()>()> cycles(const std::string& environment) {
  return [environment] {
    auto engine = std::make_shared<still_engine>();
    return [engine, environment] { engine->cycle(environment, in_flight); };
  };
}

std::function<void()> calls() {
  auto engine = std::make_shared<still_engine>();
  return [engine, params = samples::execute_params()] {
    engine->call_worker_with("environmentExecute", params, in_flight);
  };
}

/// A request is written, and its answer read.
std::function<void()> codec() {
  auto params = samples::execute_params();
  auto answer = samples::execute_answer(256);
  auto round = [params, answer] {
    line_splitter lines{1u << 20,
                        [](const std::string& line) {
                          auto what = rpc::parse_line(line);
                          if (!std::holds_alternative<rpc::response>(what))
                            std::abort();
                        },
                        [](const overlong_line&) { std::abort(); }};
    for (size_t i = 0; i < small_round; ++i) {
      auto sent = rpc::encode_request(
        17, "environmentExecute", params,
        rpc::invocation{"0d6c1ce3-9a53-4a39-6a0b-2f1c7f8ea1f1", "company-1"});
      if (sent.size() < params.text.size())
        std::abort();
      lines.feed(answer);
    }
  };
  return round;
}

/// A config becomes a fingerprint, and that finds a resource, which is parked
/// again.
std::function<void()> matcher() {
  auto house = std::make_shared<parking>(samples::full_house(parked));
  return [house] {
    for (size_t i = 0; i < small_round; ++i) {
      auto found = house->choose(samples::wish(i));
      if (!found)
        std::abort();
      house->park(std::move(*found));
    }
  };
}

} // namespace

const std::vector<counted_work>& all_work() {
  static const std::vector<counted_work> all{
    {"lease_cycle", in_flight, cycles("here")},
    {"queued_cycle", in_flight, cycles("narrow")},
    {"sandbox_cycle", in_flight, cycles("sandbox")},
    {"worker_call", in_flight, calls},
    {"codec_round_trip", small_round, codec},
    {"matcher_lookup", small_round, matcher},
  };
  return all;
}

} // namespace leasehold::counting
