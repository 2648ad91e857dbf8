// stream: how fast the output of a command gets through a worker and the engine
// to whoever runs it, and of a command on this host. The floor is the same
// output in the same lines of JSON over a bare pipe, parsed.

#include "bench/load/engine_stage.hpp"
#include "bench/load/pipe_floor.hpp"

#include <atomic>
#include <stdexcept>

namespace leasehold::bench {

namespace {

using steady = std::chrono::steady_clock;

/// MiB a second of one command.
double stream_once(engine& with, const lease& held, const command& what,
                   size_t mib) {
  std::atomic<size_t> got{0};
  auto see = [&](const output& piece) { got += piece.text.size(); };
  auto begin = steady::now();
  with.execute(held, what, see).get().value();
  std::chrono::duration<double> took = steady::now() - begin;
  if (got < mib << 20)
    throw std::runtime_error{"only " + std::to_string(got)
                             + " bytes of output came"};
  return static_cast<double>(mib) / took.count();
}

figure stream_figure(const std::string& what) {
  figure out;
  out.what = what;
  out.unit = "MiB/s";
  return out;
}

} // namespace

void run_stream(stage& on) {
  engine with{options_for(on.fresh_store("sqlite"))};
  add_worker(with);
  with.put_environment({.name = "here", .driver = "local"}).get().value();
  auto far = with.acquire({.environment = "far"}).get().value();
  auto here = with.acquire({.environment = "here"}).get().value();
  // What is passed on of one command is 128 MiB (docs/limits.md).
  auto mib = on.pick(size_t{16}, size_t{120});
  auto size = std::to_string(mib);
  command flood{.command = "flood", .args = {size}};
  command local{.command = "sh",
                .args = {"-c", "yes 'a line of output, as programs write them' "
                               "| head -c "
                                 + size + "M"}};
  auto floor = stream_figure("floor, JSON lines over a pipe");
  auto worker = stream_figure("engine, worker");
  auto host = stream_figure("engine, local");
  auto meter = on.watch();
  for (int i = 0; i < on.pick(3, 7); ++i) {
    floor.values.push_back(bare_stream(mib));
    worker.values.push_back(stream_once(with, far, flood, mib));
    host.values.push_back(stream_once(with, here, local, mib));
  }
  worker.usage = meter.read();
  on.add(std::move(floor));
  on.add(std::move(worker));
  on.add(std::move(host));
  with.release(far).get().value();
  with.release(here).get().value();
}

} // namespace leasehold::bench
