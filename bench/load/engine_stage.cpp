#include "bench/load/engine_stage.hpp"

#include "bench/load/small_things.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <utility>

namespace leasehold::bench {

namespace {

using steady = std::chrono::steady_clock;

/// Runs have names of their own, whatever engine they are on.
std::atomic<uint64_t> last_run{0};

void add_environment(engine& with, const std::string& name,
                     const std::string& config) {
  environment_info what;
  what.name = name;
  what.driver = "sandbox";
  what.config = config;
  with.put_environment(what).get().value();
}

constexpr const char* worker_manifest
  = R"({"id":"bench.plugin","apiVersion":1,"version":"1.0.0",)"
    R"("displayName":"Bench","capabilities":["environment.drivers.register"],)"
    R"("environmentDrivers":[{"driverKey":"bench",)"
    R"("kind":"sandbox_provider","displayName":"Bench",)"
    R"("supportsReusableLeases":true,"configSchema":{}}]})";

} // namespace

options options_for(const store_place& where) {
  options out;
  out.store = where.url;
  out.helpers = LEASEHOLD_BENCH_PROGRAMS;
  out.allow_fake_provider = true;
  return out;
}

void add_fake(engine& with, const std::string& name, const std::string& more) {
  add_environment(with, name,
                  R"({"provider":"fake","image":"ubuntu:24.04")" + more + "}");
}

void add_worker(engine& with, const std::string& more) {
  plugin_info what;
  what.manifest = worker_manifest;
  what.command = {LEASEHOLD_BENCH_PROGRAMS "/leasehold-bench-worker"};
  with.put_plugin(what).get().value();
  add_environment(with, "far", R"({"provider":"bench")" + more + "}");
}

void add_bubblewrap(engine& with, const std::string& folder) {
  std::string program = LEASEHOLD_BENCH_PROGRAMS "/leasehold-bubblewrap";
  plugin_info what;
  what.manifest = output_of(program + " --manifest");
  what.command = {program, "--state", folder};
  with.put_plugin(what).get().value();
  add_environment(with, "jail", R"({"provider":"bubblewrap"})");
}

pid_t find_worker() {
  for (auto who : family_of(getpid()))
    if (name_of(who) == "leasehold-bench-worker")
      return who;
  return 0;
}

work lease_cycle(engine& with, std::vector<std::string> environments,
                 std::shared_ptr<acquire_times> times) {
  return [&with, environments = std::move(environments),
          times](uint64_t number, const finish& then) {
    acquire_request what;
    what.environment = environments[number % environments.size()];
    what.run = "run-" + std::to_string(++last_run);
    auto begin = steady::now();
    with.acquire(what, [&with, times, begin, then](const result<lease>& how) {
      if (!how)
        return then(how.error().code);
      if (times)
        times->add(steady::now() - begin);
      with.release(*how, {}, [then](const result<ended_lease>& ended) {
        then(ended ? ec::none : ended.error().code);
      });
    });
  };
}

std::string note_of(const load_result& x) {
  std::string out;
  for (const auto& [name, count] : x.errors)
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  return out;
}

} // namespace leasehold::bench
