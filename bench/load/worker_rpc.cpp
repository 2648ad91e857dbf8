// worker-rpc: what a call to a plugin worker costs, as a command of the worker
// that answers with its own input. The floor is the same JSON over a bare pair
// of pipes (pipe_floor.hpp), one call after the other; both take turns.

#include "bench/load/engine_stage.hpp"
#include "bench/load/pipe_floor.hpp"

#include <algorithm>

namespace leasehold::bench {

namespace {

work call_of(engine& with, const lease& held, size_t payload) {
  return [&with, held, input = std::string(payload, 'x')](uint64_t,
                                                          const finish& then) {
    command what;
    what.command = "echo";
    what.stdin_text = input;
    with.execute(held, what, {}, [then, size = input.size()](const auto& how) {
      if (!how)
        return then(how.error().code);
      then(how->stdout_text.size() == size ? ec::none : ec::internal);
    });
  };
}

figure calls_figure(const std::string& what, size_t in_flight, size_t payload) {
  figure out;
  out.what = what;
  out.at["in_flight"] = static_cast<double>(in_flight);
  out.at["payload_kib"] = static_cast<double>(payload) / 1024;
  out.unit = "calls/s";
  return out;
}

/// How much of it makes a round. Large payloads go by number: so few of them
/// are done in a second that it would be left to chance how many.
load_result load(const stage& on, size_t in_flight, size_t payload,
                 const work& what) {
  if (payload > 100'000)
    return closed_loop(in_flight, uint64_t{std::max(in_flight, size_t{8})},
                       what);
  return closed_loop(in_flight, on.pick(0.3, 1.5), what);
}

/// The floor with one in flight is what the table asks for; with more, for
/// those who want to know what pipes can do.
void measure(stage& on, engine& with, const lease& held, size_t in_flight,
             size_t payload) {
  auto theirs = calls_figure("floor", in_flight, payload);
  auto ours = calls_figure("engine", in_flight, payload);
  histogram bare;
  histogram measured;
  auto call = call_of(with, held, payload);
  auto seconds = on.pick(0.3, 1.5);
  auto is_large = payload > 100'000;
  if (!is_large)
    closed_loop(in_flight, seconds / 4, call);
  uint64_t done = 0;
  for (int i = 0; i < (is_large ? on.pick(1, 3) : on.pick(5, 9)); ++i) {
    if (in_flight == 1) {
      auto times = ping_pong(payload, seconds);
      theirs.values.push_back(1e6 / times.mean_us());
      bare.add(times);
    } else {
      theirs.values.push_back(pipelined(in_flight, payload, seconds));
    }
    auto meter = on.watch();
    auto how = load(on, in_flight, payload, call);
    add_use(ours.usage, meter.read());
    done += how.done;
    ours.values.push_back(how.rate());
    measured.add(how.latency);
  }
  ours.note = cost_of_each(ours.usage, done);
  ours.latency = measured.summary();
  if (in_flight == 1)
    theirs.latency = bare.summary();
  on.add(std::move(theirs));
  on.add(std::move(ours));
}

} // namespace

void run_worker_rpc(stage& on) {
  engine with{options_for(on.fresh_store("sqlite"))};
  add_worker(with);
  auto held
    = with.acquire({.environment = "far", .run = "calls"}).get().value();
  for (auto in_flight : {size_t{1}, size_t{64}, size_t{256}})
    measure(on, with, held, in_flight, 1 << 10);
  for (auto in_flight : {size_t{1}, size_t{64}, size_t{256}})
    if (in_flight == 1 || !on.how().quick)
      measure(on, with, held, in_flight, 1 << 20);
  with.release(held).get().value();
}

} // namespace leasehold::bench
