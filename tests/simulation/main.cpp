// leasehold-sim: runs seeds of the simulation, replays one in words, makes a
// failure smaller, and shows that deliberate bugs are found. `./dev sim` builds
// and runs it; docs/simulator.md says how to read what it prints.

#include "messages/type_ids.hpp"
#include "tests/simulation/hunt.hpp"
#include "tests/simulation/shrink.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace leasehold;
using namespace leasehold::sim;

namespace {

struct arguments {
  uint64_t seeds = 1'000;
  uint64_t from = 1;
  uint64_t jobs = 1;
  /// This one only.
  uint64_t seed = 0;
  bool trace = false;
  bool mutations = false;
  uint64_t mutation_seeds = 2'000;
  std::string mutation_name;
  std::set<std::string> without;
};

int complain(const std::string& why) {
  std::cerr << "leasehold-sim: " << why << "\n"
            << "usage: leasehold-sim [--seeds N] [--from S] [--jobs J]\n"
               "       leasehold-sim --seed N [--trace] [--without f0,r1,s2.3]"
               " [--mutation NAME]\n"
               "       leasehold-sim --mutations [--seeds N] [--jobs J]\n";
  return 2;
}

std::set<std::string> split(const std::string& list) {
  std::set<std::string> out;
  std::istringstream in{list};
  for (std::string part; std::getline(in, part, ',');)
    out.insert(part);
  return out;
}

/// What is wrong with the arguments; empty if nothing.
std::string parse(int argc, char** argv, arguments& out) {
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (name == "--trace")
      out.trace = true;
    else if (name == "--mutations")
      out.mutations = true;
    else if (i + 1 == argc)
      return name + " is unknown, or lacks its value";
    else if (name == "--seeds")
      out.seeds = out.mutation_seeds = strtoull(argv[++i], nullptr, 10);
    else if (name == "--from")
      out.from = strtoull(argv[++i], nullptr, 10);
    else if (name == "--jobs")
      out.jobs = strtoull(argv[++i], nullptr, 10);
    else if (name == "--seed")
      out.seed = strtoull(argv[++i], nullptr, 10);
    else if (name == "--without")
      out.without = split(argv[++i]);
    else if (name == "--mutation")
      out.mutation_name = argv[++i];
    else
      return name + " is unknown";
  }
  return out.seeds == 0 || out.jobs == 0 ? "a number is missing" : "";
}

double cpu_seconds(int whose) {
  rusage used{};
  getrusage(whose, &used);
  auto seconds = [](const timeval& x) {
    return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Lets so many processes work, and takes what they report. Each is called with
/// its number and with what reports.
template <class Report, class Work, class Take>
void in_processes(uint64_t count, Work work, Take take) {
  std::vector<int> ends;
  for (uint64_t i = 0; i < count; ++i) {
    int ways[2];
    if (pipe(ways) != 0)
      break;
    std::cout << std::flush;
    if (fork() == 0) {
      work(i, [&](const Report& what) {
        if (write(ways[1], &what, sizeof(what)) != sizeof(what))
          _exit(3);
      });
      _exit(0);
    }
    close(ways[1]);
    ends.push_back(ways[0]);
  }
  for (auto end : ends) {
    for (Report what; read(end, &what, sizeof(what)) == sizeof(what);)
      take(what);
    close(end);
  }
  while (wait(nullptr) > 0)
    continue;
}

// -- one seed -----------------------------------------------------------------

void tell(const violation& broken, uint64_t seed) {
  std::cout << "\nseed " << seed << " breaks promise " << broken.promise << " ("
            << name_of_promise(broken.promise) << "):\n  " << broken.words
            << "\n";
}

std::string tail_of(const std::string& story, size_t lines) {
  auto pos = story.size();
  for (size_t i = 0; i <= lines && pos != std::string::npos && pos > 0; ++i)
    pos = story.rfind('\n', pos - 1);
  return pos == std::string::npos || pos == 0 ? story : story.substr(pos + 1);
}

void make_smaller(workshop& tools, const plan& what, const violation& broken,
                  const std::string& bug) {
  auto small = shrink(tools, what, broken.promise);
  auto how = tools.simulate(small.smallest, true);
  std::cout << "\nas small as it gets (" << small.tries << " tries), "
            << words(small.smallest) << "\nthe end of it:\n"
            << tail_of(how.story, 60) << "\nto replay it:\n  ./dev sim --seed "
            << what.seed << " --trace";
  if (!bug.empty())
    std::cout << " --mutation " << bug;
  auto separator = " --without ";
  for (const auto& part : small.left_out)
    std::cout << std::exchange(separator, ",") << part;
  std::cout << "\n" << std::flush;
}

int replay(const arguments& args) {
  workshop tools;
  auto what = without(make_plan(args.seed), args.without);
  auto how = tools.simulate(what, args.trace);
  std::cout << words(what);
  if (args.trace)
    std::cout << how.story;
  std::cout << how.messages << " messages, " << how.lasted.count()
            << " ms of simulated time, print " << std::hex << how.print
            << std::dec << "\n";
  if (!how.broken) {
    std::cout << "no promise was broken\n";
    return 0;
  }
  tell(*how.broken, args.seed);
  if (!args.trace)
    make_smaller(tools, what, *how.broken, args.mutation_name);
  return 1;
}

// -- many seeds ---------------------------------------------------------------

struct tally {
  uint64_t seeds = 0;
  uint64_t messages = 0;
  uint64_t violations = 0;
};

/// Every `jobs`th seed from `first` on. Only the first failures are told.
tally run_some(const arguments& args, uint64_t first) {
  workshop tools;
  tally out;
  for (auto i = first; i < args.seeds; i += args.jobs) {
    auto what = make_plan(args.from + i);
    auto how = tools.simulate(what);
    ++out.seeds;
    out.messages += how.messages;
    if (!how.broken)
      continue;
    if (++out.violations <= 20)
      tell(*how.broken, what.seed);
    if (out.violations == 1)
      make_smaller(tools, what, *how.broken, {});
  }
  std::cout << std::flush;
  return out;
}

tally run_in_processes(const arguments& args) {
  tally out;
  uint64_t heard = 0;
  in_processes<tally>(
    args.jobs,
    [&](uint64_t job, const auto& report) { report(run_some(args, job)); },
    [&](const tally& some) {
      ++heard;
      out.seeds += some.seeds;
      out.messages += some.messages;
      out.violations += some.violations;
    });
  // Who died has not said why.
  out.violations += args.jobs - heard;
  return out;
}

int run_all(const arguments& args) {
  using clock = std::chrono::steady_clock;
  auto begin = clock::now();
  auto all = args.jobs == 1 ? run_some(args, 0) : run_in_processes(args);
  std::chrono::duration<double> took = clock::now() - begin;
  auto cpu = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
  auto seeds = static_cast<double>(all.seeds);
  std::cout << std::fixed << std::setprecision(1) << all.seeds << " seeds from "
            << args.from << ", " << all.violations << " violations; "
            << took.count() << " s, " << cpu << " s of processor time; "
            << seeds / took.count() << " seeds/s, " << seeds / cpu
            << " per second of processor time, "
            << static_cast<double>(all.messages) / seeds << " messages each\n";
  return all.violations == 0 && all.seeds == args.seeds ? 0 : 1;
}

// -- deliberate bugs ----------------------------------------------------------

/// What a process tells of one of its bugs.
struct hunted {
  uint64_t bug = 0;
  /// Zero: not found.
  uint64_t seeds = 0;
  int promise = 0;
};

std::vector<mutation> all_bugs() {
  std::vector<mutation> out;
  for (const auto& [bug, name] : names<mutation>)
    if (bug != mutation::none)
      out.push_back(bug);
  return out;
}

std::vector<hunted> hunt_in_processes(const arguments& args) {
  auto bugs = all_bugs();
  std::vector<hunted> out(bugs.size());
  in_processes<hunted>(
    args.jobs,
    [&](uint64_t job, const auto& report) {
      workshop tools;
      // Every `jobs`th of them.
      for (auto i = job; i < bugs.size(); i += args.jobs) {
        auto how = hunt(tools, bugs[i], args.mutation_seeds);
        report({i, how.seeds.value_or(0), how.broken.promise});
      }
    },
    [&](const hunted& one) { out[one.bug] = one; });
  return out;
}

int run_mutations(const arguments& args) {
#ifndef LEASEHOLD_MUTATIONS
  return complain("this build has no deliberate bugs; use ./dev sim");
#endif
  auto bugs = all_bugs();
  auto found = hunt_in_processes(args);
  size_t missed = bugs.size() - found.size();
  std::cout << std::left << std::setw(30) << "deliberate bug" << std::setw(12)
            << "found by"
            << "because of promise\n";
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& how = found[i];
    std::cout << std::setw(30) << to_string(bugs[i]);
    if (how.seeds > 0)
      std::cout << std::setw(12) << "seed " + std::to_string(how.seeds)
                << how.promise << " (" << name_of_promise(how.promise) << ")\n";
    else
      std::cout << "NOT FOUND\n";
    missed += how.seeds > 0 ? 0 : 1;
  }
  std::cout << bugs.size() - missed << " of " << bugs.size()
            << " deliberate bugs found within " << args.mutation_seeds
            << " seeds; " << std::fixed << std::setprecision(1)
            << cpu_seconds(RUSAGE_CHILDREN) << " s of processor time\n";
  return missed == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  arguments args;
  if (auto why = parse(argc, argv, args); !why.empty())
    return complain(why);
  caf::init_global_meta_objects<caf::id_block::leasehold>();
  caf::core::init_global_meta_objects();
#ifdef LEASEHOLD_MUTATIONS
  if (!args.mutation_name.empty()
      && !from_string(args.mutation_name, chosen_mutation))
    return complain("there is no mutation " + args.mutation_name);
#endif
  if (args.mutations)
    return run_mutations(args);
  return args.seed != 0 ? replay(args) : run_all(args);
}
