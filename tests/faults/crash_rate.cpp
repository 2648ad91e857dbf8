// leasehold-crash-rate [--runs N] [--at-a-time N] [--boxes N] [--percent N]
//
// Many runs share a few reusable sandboxes whose worker dies in the middle of
// its calls: first never, then in so many percent of the places where it can
// (trips.hpp), then never again. Every run must end, no sandbox may ever have
// two holders, and nothing may be left over. Once the crashes stop and every
// sandbox has been used once more, nothing may fail any longer, and the runs
// must be about as quick as before. Few runs are over too soon to be timed.

#include "leasehold/engine.hpp"
#include "tests/faults/facts.hpp"
#include "tests/faults/journal.hpp"
#include "tests/support/temp_dir.hpp"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <utility>

namespace {

using namespace leasehold;
using namespace std::chrono_literals;

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Fewer runs than these are not timed.
constexpr size_t timed_runs_min = 200;

struct settings {
  size_t runs = 400;
  size_t at_a_time = 200;
  size_t boxes = 20;
  size_t percent = 30;
};

bool parse(int argc, char** argv, settings& out) {
  const std::pair<const char*, size_t*> all[]
    = {{"--runs", &out.runs},
       {"--at-a-time", &out.at_a_time},
       {"--boxes", &out.boxes},
       {"--percent", &out.percent}};
  for (auto at = 1; at < argc; at += 2) {
    auto known = false;
    for (auto [name, where] : all)
      if (at + 1 < argc && std::strcmp(argv[at], name) == 0) {
        *where = std::strtoull(argv[at + 1], nullptr, 10);
        known = *where > 0 || where == &out.percent;
      }
    if (!known)
      return false;
  }
  return true;
}

/// What a scheduler does: keeps so many runs going at a time, has them wait for
/// one of the few places, and repeats what may be repeated, each time after a
/// longer pause. Callbacks of the engine do the steps.
class scheduler {
public:
  scheduler(engine& with, std::string journal, const settings& how)
    : engine_{with}, journal_{std::move(journal)},
      at_a_time_{how.at_a_time}, places_{how.boxes} {
    // nop
  }

  /// Has `count` runs come to their end; returns how many did within the
  /// patience.
  size_t run(size_t count, std::chrono::seconds patience) {
    std::unique_lock guard{mutex_};
    auto last = ended_ + count;
    auto end = steady_clock::now() + patience;
    while (ended_ < last && steady_clock::now() < end) {
      while (started_ - ended_ < at_a_time_ && started_ < last)
        waiting_.push_back("run-" + std::to_string(++started_));
      for (; places_ > 0 && !waiting_.empty(); --places_) {
        due_.emplace(steady_clock::now(),
                     [this, name = waiting_.front()] { acquire(name, 0); });
        waiting_.pop_front();
      }
      if (!due_.empty() && due_.begin()->first <= steady_clock::now()) {
        auto next = due_.extract(due_.begin());
        guard.unlock();
        next.mapped()();
        guard.lock();
        continue;
      }
      changed_.wait_until(guard, due_.empty() ? end : due_.begin()->first);
    }
    return count - (last - ended_);
  }

  /// What failed since this was called last, and how often.
  std::map<std::string, size_t> take_errors() {
    std::lock_guard guard{mutex_};
    return std::exchange(errors_, {});
  }

private:
  /// Has something done again, after a pause that grows.
  void again(const char* verb, const failure& why, int attempt,
             std::function<void()> what) {
    std::lock_guard guard{mutex_};
    ++errors_[verb + std::string{" "} + to_string(why.code)];
    auto pause = milliseconds{20} * (1 << std::min(attempt, 6));
    pause += pause * std::uniform_int_distribution{0, 100}(dice_) / 100;
    due_.emplace(steady_clock::now() + pause, std::move(what));
    changed_.notify_all();
  }

  void acquire(const std::string& name, int attempt) {
    acquire_request what;
    what.environment = "den";
    what.run = name;
    engine_.acquire(what, [this, name, attempt](const result<lease>& how) {
      if (how)
        return execute(name, *how);
      again("acquire", how.error(), attempt,
            [this, name, attempt] { acquire(name, attempt + 1); });
    });
  }

  void execute(const std::string& name, const lease& where) {
    command what;
    what.command = LEASEHOLD_FAULT_TENANT;
    what.args = {journal_, name, "1", "0"};
    auto then = [this, where](const result<finished>& how) {
      if (!how) {
        std::lock_guard guard{mutex_};
        ++errors_["execute " + to_string(how.error().code)];
      }
      release(where, how.has_value(), 0);
    };
    engine_.execute(where, what, {}, then);
  }

  void release(const lease& where, bool well, int attempt) {
    release_request how;
    how.outcome = well ? outcome::released : outcome::failed;
    auto then = [this, where, well, attempt](const result<ended_lease>& ended) {
      if (!ended)
        return again("release", ended.error(), attempt,
                     [=, this] { release(where, well, attempt + 1); });
      std::lock_guard guard{mutex_};
      ++ended_;
      ++places_;
      changed_.notify_all();
    };
    engine_.release(where, how, then);
  }

  engine& engine_;
  std::string journal_;
  size_t at_a_time_;
  size_t places_;
  std::deque<std::string> waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<steady_clock::time_point, std::function<void()>> due_;
  std::map<std::string, size_t> errors_;
  std::mt19937 dice_{1};
  size_t started_ = 0;
  size_t ended_ = 0;
};

options options_for(const test::temp_dir& dir) {
  options out;
  out.store = dir / "leasehold.db";
  out.helpers = LEASEHOLD_HELPERS;
  // A worker that dies so often is worth no patience elsewhere; here it is
  // started again at once, for ever.
  out.worker_restart_delay = out.worker_restart_delay_max = 1ms;
  out.worker_crashes_max = 1'000'000'000;
  out.cleanup_retry_delay = 100ms;
  out.cleanup_retry_delay_max = 2s;
  out.breaker_pause = 20ms;
  out.breaker_pause_max = 200ms;
  // A crash takes all calls with it: fewer of them get more done.
  out.cleanup_batch_max = 4;
  out.cleanup_attempts_max = 1'000'000;
  return out;
}

void set_up(engine& with, const test::temp_dir& dir) {
  plugin_info faults;
  faults.manifest
    = R"({"id":"faults.plugin","apiVersion":1,"version":"1.0.0",)"
      R"("displayName":"Dies","capabilities":["environment.drivers.register"],)"
      R"("environmentDrivers":[{"driverKey":"faults",)"
      R"("kind":"sandbox_provider","displayName":"Faults",)"
      R"("configSchema":{}}]})";
  faults.command = {LEASEHOLD_FAULT_WORKER, dir.path().string()};
  with.put_plugin(faults).get().value();
  environment_info den;
  den.name = "den";
  den.driver = "sandbox";
  den.config = R"({"provider":"faults","reuseLease":true})";
  with.put_environment(den).get().value();
}

/// What is wrong now that everything rests.
size_t complaints(const test::temp_dir& dir, faults::journal& seen) {
  auto wrong = seen.read();
  std::set<std::string> parked;
  for (const auto& row :
       faults::sqlite_facts(dir / "leasehold.db")->open_ones())
    if (!row.parked || !parked.insert(row.resource).second)
      wrong.push_back("lease " + row.id + " is " + row.status + ", cleanup "
                      + row.cleanup + ", resource " + row.resource);
  for (const auto& entry : std::filesystem::directory_iterator{dir / "boxes"})
    if (auto name = entry.path().filename().string(); !parked.contains(name))
      wrong.push_back("no row knows of " + name);
  for (const auto& why : wrong)
    std::printf("WRONG: %s\n", why.c_str());
  return wrong.size();
}

size_t crashes(const test::temp_dir& dir) {
  auto text = test::read_text(dir / "journal");
  size_t out = 0;
  for (size_t at = 0; (at = text.find("up ", at)) != std::string::npos; ++at)
    out += at == 0 || text[at - 1] == '\n';
  return out;
}

/// A part of the whole, with so many crashes.
struct part {
  const char* name;
  size_t runs;
  size_t percent;
};

struct outcome_of_part {
  size_t missing = 0;
  size_t failed = 0;
  /// Runs a second.
  double rate = 0;
};

outcome_of_part play(const test::temp_dir& dir, scheduler& runs,
                     const part& what) {
  // Renamed into place: the worker reads it at any time.
  test::write_text(dir / "percent.new", std::to_string(what.percent));
  std::filesystem::rename(dir / "percent.new", dir / "crash_percent");
  auto crashed = crashes(dir);
  auto begin = steady_clock::now();
  auto ended = runs.run(what.runs, 600s);
  std::chrono::duration<double> took = steady_clock::now() - begin;
  outcome_of_part out{what.runs - ended, 0,
                      static_cast<double>(ended) / took.count()};
  std::printf("%-26s %6zu of %zu runs ended, %8.1f runs/s, %5zu crashes\n",
              what.name, ended, what.runs, out.rate, crashes(dir) - crashed);
  for (const auto& [why, count] : runs.take_errors()) {
    std::printf("  %-40s %8zu\n", why.c_str(), count);
    out.failed += count;
  }
  std::fflush(stdout);
  return out;
}

} // namespace

int main(int argc, char** argv) {
  settings how;
  if (!parse(argc, argv, how)) {
    std::cerr << "usage: leasehold-crash-rate [--runs N] [--at-a-time N] "
                 "[--boxes N] [--percent N]\n";
    return 2;
  }
  test::temp_dir dir;
  test::write_text(dir / "capacity", std::to_string(how.boxes));
  engine with{options_for(dir)};
  set_up(with, dir);
  faults::journal seen{dir / "journal"};
  scheduler runs{with, dir / "journal", how};
  auto before = play(dir, runs, {"before", how.runs, 0});
  auto during
    = play(dir, runs, {"while the worker crashes", how.runs, how.percent});
  auto left = with.settled(60s).get().value();
  // Whatever a crash has left is met now.
  auto again = play(dir, runs, {"every sandbox once more", how.boxes, 0});
  auto after = play(dir, runs, {"after the crashes", how.runs, 0});
  left += with.settled(60s).get().value();
  std::printf("cleanups left %zu, boxes taken over %zu times\n", left,
              seen.takeovers());
  auto wrong = left + complaints(dir, seen);
  for (const auto& x : {before, during, again, after})
    wrong += x.missing;
  if (before.failed + after.failed > 0) {
    std::printf("WRONG: something failed while no worker crashed\n");
    ++wrong;
  }
  if (how.runs >= timed_runs_min && after.rate < before.rate / 2) {
    std::printf("WRONG: the runs have not become quick again\n");
    ++wrong;
  }
  return wrong == 0 ? 0 : 1;
}
