// leasehold-instructions: does one kind of work over and over, for callgrind to
// count what it takes. gate.py runs it, and `./dev instructions` runs that.

#include "bench/instructions/counted_work.hpp"
#include "messages/type_ids.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <gnu/libc-version.h>
#include <sqlite3.h>
#include <valgrind/callgrind.h>

#include <cstdlib>
#include <iostream>
#include <string>

using namespace leasehold::counting;

namespace {

/// Before counting begins, so that nothing happens for the first time.
constexpr int warm_up_rounds = 2;

int complain() {
  std::cerr << "usage: leasehold-instructions --list | --about | WORK ROUNDS\n";
  return 2;
}

int list() {
  for (const auto& work : all_work())
    std::cout << work.name << " " << work.operations << "\n";
  return 0;
}

/// What else decides how many instructions something takes.
int about() {
  std::cout << LEASEHOLD_COMPILER ", " LEASEHOLD_CAF ", SQLite "
            << sqlite3_libversion() << ", glibc " << gnu_get_libc_version()
            << "\n";
  return 0;
}

int count(const counted_work& work, int rounds) {
  auto round = work.prepare();
  for (int i = 0; i < warm_up_rounds; ++i)
    round();
  CALLGRIND_TOGGLE_COLLECT;
  for (int i = 0; i < rounds; ++i)
    round();
  CALLGRIND_TOGGLE_COLLECT;
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  std::string what = argc > 1 ? argv[1] : "";
  if (what == "--list")
    return list();
  if (what == "--about")
    return about();
  auto rounds = argc > 2 ? std::atoi(argv[2]) : 0;
  if (rounds <= 0)
    return complain();
  caf::init_global_meta_objects<caf::id_block::leasehold>();
  caf::core::init_global_meta_objects();
  for (const auto& work : all_work())
    if (work.name == what)
      return count(work, rounds);
  return complain();
}
