// leasehold-faults [--kills N] [--store sqlite|postgres|both] [--seed S]
//                  [--dir DIR]
//
// The kill campaign: kills an engine, its workers, their commands and its
// database, over and over, and proves after each time that nothing was lost.
// docs/faults.md says what is killed where and how to read a failure.

#include "tests/faults/kills.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>

namespace {

using namespace leasehold;
using namespace leasehold::faults;

namespace fs = std::filesystem;

using std::chrono::steady_clock;

struct settings {
  size_t kills = 200;
  std::string store = "both";
  uint64_t seed = std::random_device{}();
  fs::path dir = fs::temp_directory_path();
};

int usage() {
  std::cerr << "usage: leasehold-faults [--kills N] "
               "[--store sqlite|postgres|both] [--seed S] [--dir DIR]\n";
  return 2;
}

bool parse(int argc, char** argv, settings& out) {
  for (auto at = 1; at < argc; at += 2) {
    std::string name = argv[at];
    if (at + 1 == argc)
      return false;
    char* end = argv[at + 1] + std::strlen(argv[at + 1]);
    if (name == "--kills")
      out.kills = std::strtoull(argv[at + 1], &end, 10);
    else if (name == "--seed")
      out.seed = std::strtoull(argv[at + 1], &end, 10);
    else if (name == "--store")
      out.store = argv[at + 1];
    else if (name == "--dir")
      out.dir = argv[at + 1];
    else
      return false;
    if (*end != '\0')
      return false;
  }
  return out.store == "sqlite" || out.store == "postgres"
         || out.store == "both";
}

// -- what is printed ----------------------------------------------------------

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

void print_table(kill_stage& stage, const killer& by, double took) {
  std::printf("\n%-18s %-28s %6s\n", "killed", "where", "kills");
  for (const auto& [what, count] : by.kills()) {
    // `engine after.grant`; names of two words come first in the alphabet.
    auto cut = what.find(' ');
    for (const auto* two : {"bubblewrap worker", "postgres backend"})
      if (what.starts_with(two))
        cut = std::strlen(two);
    std::printf("%-18s %-28s %6zu\n", what.substr(0, cut).c_str(),
                what.substr(cut + 1).c_str(), count);
  }
  const auto& found = stage.found();
  auto line = [](const char* what, size_t count) {
    std::printf("%-47s %6zu\n", what, count);
  };
  std::printf("\n");
  line("kills", by.count());
  line("engines started", static_cast<size_t>(stage.victims()));
  line("answers that hung or came late", by.delays());
  line("leases granted", stage.book().grants().size());
  line("resources taken over by another run", stage.seen().takeovers());
  line("cycles acknowledged", stage.book().cycles());
  line("answers acknowledged", stage.book().acknowledged());
  line("leaked resources", found.leaked);
  line("lost acknowledgements", found.lost);
  line("double holders", found.double_holders);
  line("processes left", found.processes_left);
  line("other violations", found.other);
  std::printf("%-47s %6.1f s (%.1f kills/s)\n", "time", took,
              static_cast<double>(by.count()) / took);
}

void print_errors(kill_stage& stage) {
  std::printf("\nanswers that were errors, as they must be\n");
  for (const auto& [what, count] : stage.book().errors())
    std::printf("  %-45s %6zu\n", what.c_str(), count);
}

void print_failure(kill_stage& stage, const settings& how) {
  std::printf("\nFAILED. The seed was %llu.\n",
              static_cast<unsigned long long>(how.seed));
  auto left = 20;
  for (const auto& why : stage.found().words)
    if (left-- > 0)
      std::printf("  %s\n", why.c_str());
  std::printf("Everything is kept in %s\n", stage.dir().c_str());
}

/// What the tables said, where the database itself does not stay.
void keep_database(kill_stage& stage) {
  auto* server = stage.server();
  if (!server)
    return;
  server->stop();
  std::error_code ignored;
  fs::copy(server->directory(), stage.dir() / "postgres",
           fs::copy_options::recursive | fs::copy_options::skip_symlinks,
           ignored);
}

// -- a campaign ---------------------------------------------------------------

fs::path make_dir(const settings& how) {
  auto name = (how.dir / "leasehold-faults-XXXXXX").string();
  if (!::mkdtemp(name.data())) {
    std::cerr << "leasehold-faults: cannot make " << name << '\n';
    std::exit(2);
  }
  return name;
}

bool run(const settings& how, test::postgres_server* server) {
  std::printf("== %zu kills on %s, seed %llu\n", how.kills,
              server ? "PostgreSQL" : "SQLite",
              static_cast<unsigned long long>(how.seed));
  std::fflush(stdout);
  auto begin = steady_clock::now();
  kill_stage stage{make_dir(how), server, how.seed};
  killer by{stage, how.seed};
  stage.start();
  auto told = size_t{0};
  while (by.count() < how.kills && stage.found().clean()) {
    by.round();
    if (by.count() / 100 <= told)
      continue;
    told = by.count() / 100;
    std::printf("   %zu kills, %zu cycles, %.1f s\n", by.count(),
                stage.book().cycles(), seconds_since(begin));
    std::fflush(stdout);
  }
  if (stage.found().clean())
    stage.check(true);
  stage.bury();
  print_table(stage, by, seconds_since(begin));
  print_errors(stage);
  auto clean = stage.found().clean();
  if (clean) {
    fs::remove_all(stage.dir());
  } else {
    print_failure(stage, how);
    keep_database(stage);
  }
  std::fflush(stdout);
  return clean;
}

} // namespace

int main(int argc, char** argv) {
  settings how;
  if (!parse(argc, argv, how))
    return usage();
  adopt_orphans();
  auto clean = how.store == "postgres" || run(how, nullptr);
  if (how.store == "sqlite")
    return clean ? 0 : 1;
  if (test::postgres_is_missing())
    return how.store == "both" && clean ? 0 : 1;
  clean = run(how, &test::postgres_server::shared()) && clean;
  return clean ? 0 : 1;
}
