// floors: what everything else stands on, by itself: a synced write, a message
// to an actor and back, a line to a process and back. The floors of single
// scenarios are taken again in these, beside what they are compared with.

#include "bench/load/pipe_floor.hpp"
#include "bench/load/scenario.hpp"
#include "bench/load/small_things.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace leasehold::bench {

namespace {

using steady = std::chrono::steady_clock;

void add_times(stage& on, const std::string& what, const histogram& times) {
  figure out;
  out.what = what;
  out.unit = "us, median";
  out.values = {times.quantile_us(0.5)};
  out.latency = times.summary();
  on.add(std::move(out));
}

/// A page is appended and synced, as a log's is at each commit.
histogram sync_times(const std::string& path, int count) {
  auto file = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0)
    throw std::runtime_error{"cannot write " + path};
  std::array<char, 4096> page{};
  histogram out;
  for (int i = 0; i < count; ++i) {
    auto begin = steady::now();
    if (write(file, page.data(), page.size()) < 0 || fdatasync(file) != 0)
      throw std::runtime_error{"cannot sync " + path};
    out.add(steady::now() - begin);
  }
  close(file);
  return out;
}

histogram request_times(const char* policy, int count) {
  caf::core::init_global_meta_objects();
  caf::actor_system_config config;
  config.set("caf.scheduler.policy", policy);
  caf::actor_system system{config};
  auto twice = [] { return caf::behavior{[](int32_t x) { return 2 * x; }}; };
  auto other = system.spawn(twice);
  caf::scoped_actor self{system};
  histogram out;
  for (int32_t i = 0; i < count; ++i) {
    auto begin = steady::now();
    self->request(other, caf::infinite, i)
      .receive([&](int32_t) { out.add(steady::now() - begin); },
               [](const caf::error&) {
                 throw std::runtime_error{"an actor did not answer"};
               });
  }
  return out;
}

} // namespace

void run_floors(stage& on) {
  add_times(on, "fdatasync of a page",
            sync_times(on.fresh_path("sync"), on.pick(300, 3'000)));
  for (const auto* policy : {"stealing", "sharing"})
    add_times(on, std::string{"CAF request and response, work "} + policy,
              request_times(policy, on.pick(20'000, 300'000)));
  add_times(on, "pipe ping-pong, 1 KiB", ping_pong(1024, on.pick(0.5, 3.0)));
}

} // namespace leasehold::bench
