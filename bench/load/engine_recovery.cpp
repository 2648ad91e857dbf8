// engine-recovery: an engine with 10 000 live leases is killed; how long the
// next one takes to serve, and until nothing of the old one is left.
//
// The engine that is killed lives in a child process. Its leases are those of a
// worker, whose resources have to be given back one by one, or of the provider
// inside the engine.

#include "bench/load/bare_sql.hpp"
#include "bench/load/engine_stage.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>

namespace leasehold::bench {

namespace {

using steady = std::chrono::steady_clock;

constexpr uint64_t live = 10'000;

double ms_since(steady::time_point begin) {
  return std::chrono::duration<double, std::milli>(steady::now() - begin)
    .count();
}

work hold(engine& with, const std::string& environment) {
  return [&with, environment](uint64_t number, const finish& then) {
    acquire_request what;
    what.environment = environment;
    what.run = "old-" + std::to_string(number);
    with.acquire(what, [then](const result<lease>& how) {
      then(how ? ec::none : how.error().code);
    });
  };
}

/// Takes the leases, says so, and waits to be killed.
[[noreturn]] void be_victim(const store_place& where,
                            const std::string& environment, int told) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    engine with{options_for(where)};
    add_fake(with);
    add_worker(with);
    auto how = closed_loop(256, live, hold(with, environment));
    char fine = how.done_in_all == live ? 'y' : 'n';
    if (write(told, &fine, 1) == 1)
      for (;;)
        pause();
  } catch (const std::exception&) {
    // The parent sees that the pipe ends.
  }
  _exit(1);
}

/// An engine has taken leases of this environment, and was killed.
void kill_engine(const store_place& where, const std::string& environment) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0)
    throw std::runtime_error{"no pipe"};
  auto pid = fork();
  if (pid == 0) {
    close(ends[0]);
    be_victim(where, environment, ends[1]);
  }
  close(ends[1]);
  char said = 0;
  auto got = read(ends[0], &said, 1);
  close(ends[0]);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  if (got != 1 || said != 'y')
    throw std::runtime_error{"the engine to be killed did not get its leases"};
}

struct recovery_times {
  double open = 0;
  double serve = 0;
  double resolve = 0;
};

recovery_times recover(const store_place& where,
                       const std::string& environment) {
  recovery_times out;
  auto begin = steady::now();
  engine with{options_for(where)};
  out.open = ms_since(begin);
  // Of the provider inside: what is asked is whether the engine serves.
  auto held = with.acquire({.environment = "box", .run = "new"}).get().value();
  out.serve = ms_since(begin);
  with.recovered().get().value();
  auto owed = with.settled(std::chrono::seconds{60}).get().value();
  out.resolve = ms_since(begin);
  with.release(held).get().value();
  lease_filter left;
  left.environment = environment;
  left.holding_only = true;
  if (owed > 0 || !with.leases(left).get().value().empty())
    throw std::runtime_error{"leases of the dead engine are left"};
  return out;
}

void measure(stage& on, const std::string& kind,
             const std::string& environment) {
  auto suffix = environment == "far" ? "" : ", provider inside";
  std::vector<figure> out(3);
  const char* names[] = {"time to open", "time to serve", "time to resolve"};
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].what = std::string{names[i]} + suffix;
    out[i].store = kind;
    out[i].at["live"] = live;
    out[i].unit = "ms";
  }
  for (int i = 0; i < on.pick(1, 5); ++i) {
    auto where = on.fresh_store(kind);
    kill_engine(where, environment);
    auto took = recover(where, environment);
    out[0].values.push_back(took.open);
    out[1].values.push_back(took.serve);
    out[2].values.push_back(took.resolve);
  }
  for (auto& x : out)
    on.add(std::move(x));
}

} // namespace

void run_engine_recovery(stage& on) {
  for (const auto& kind : on.how().stores) {
    measure(on, kind, "far");
    if (!on.how().quick)
      measure(on, kind, "box");
  }
}

} // namespace leasehold::bench
