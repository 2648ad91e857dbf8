#include "bench/load/bubblewrap_cycle.hpp"

#include "bench/load/engine_stage.hpp"
#include "bench/load/small_things.hpp"
#include "drivers/bubblewrap/launch.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <stdexcept>

namespace leasehold::bench {

namespace {

namespace fs = std::filesystem;

using steady = std::chrono::steady_clock;

/// The folders that a box has, and the words that start a command in it: those
/// of the bubblewrap worker.
std::vector<std::string> bare_command(const std::string& box) {
  for (const auto* name : {"tmp", "home", "workspace", "etc"})
    fs::create_directories(box + "/" + name);
  write_text(box + "/etc/passwd", "runner:x:1000:1000::/home/runner:/bin/sh\n");
  write_text(box + "/etc/group", "runner:x:1000:\n");
  write_text(box + "/etc/hosts", "127.0.0.1 localhost\n");
  bubblewrap::launch_request what;
  what.box_path = box;
  what.host = bubblewrap::look_at_host();
  what.hostname = "bench";
  what.cwd = bubblewrap::workspace_path;
  what.env = bubblewrap::command_env({}, {}, {});
  auto out = bubblewrap::bubblewrap_options(what);
  out.insert(out.begin(), "/usr/bin/bwrap");
  for (const auto* word : {"--", "echo", "hello"})
    out.emplace_back(word);
  return out;
}

/// Until the first byte of its output.
nanoseconds start_bare(const std::vector<std::string>& command) {
  std::vector<char*> args;
  args.reserve(command.size() + 1);
  for (const auto& x : command)
    args.push_back(const_cast<char*>(x.c_str()));
  args.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipe"};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  auto begin = steady::now();
  pid_t pid = 0;
  auto failed
    = posix_spawn(&pid, args[0], &actions, nullptr, args.data(), environ);
  close(ends[1]);
  char byte = 0;
  auto got = failed == 0 ? read(ends[0], &byte, 1) : 0;
  auto took = steady::now() - begin;
  close(ends[0]);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == 0)
    waitpid(pid, nullptr, 0);
  if (got != 1)
    throw std::runtime_error{"bwrap does not work here"};
  return took;
}

struct engine_times {
  nanoseconds first_byte{0};
  nanoseconds cycle{0};
};

engine_times start_by_engine(engine& with) {
  engine_times out;
  auto begin = steady::now();
  auto held = with.acquire({.environment = "jail"}).get().value();
  auto see = [&](const output&) {
    if (out.first_byte.count() == 0)
      out.first_byte = steady::now() - begin;
  };
  command what;
  what.command = "echo";
  what.args = {"hello"};
  with.execute(held, what, see).get().value();
  with.release(held).get().value();
  out.cycle = steady::now() - begin;
  return out;
}

figure time_figure(const std::string& what, const std::string& store,
                   const histogram& times) {
  figure out;
  out.what = what;
  out.store = store;
  out.unit = "ms, median";
  out.values = {times.quantile_us(0.5) / 1e3};
  out.latency = times.summary();
  return out;
}

} // namespace

void measure_bubblewrap(stage& on, const std::string& store) {
  auto bare = bare_command(on.fresh_path("box"));
  engine with{options_for(on.fresh_store(store))};
  add_bubblewrap(with, on.fresh_path("boxes"));
  histogram bare_times;
  histogram first_bytes;
  histogram cycles;
  for (int i = 0; i < 5; ++i) {
    start_bare(bare);
    start_by_engine(with);
  }
  for (int i = 0; i < on.pick(40, 300); ++i) {
    bare_times.add(start_bare(bare));
    auto took = start_by_engine(with);
    first_bytes.add(took.first_byte);
    cycles.add(took.cycle);
  }
  on.add(time_figure("floor, bare bwrap to first byte", store, bare_times));
  on.add(time_figure("engine, bubblewrap to first byte", store, first_bytes));
  on.add(time_figure("engine, bubblewrap whole cycle", store, cycles));
}

} // namespace leasehold::bench
