// The simulator itself: it repeats itself to the last message, and a few seeds
// of it. `./dev sim` runs many.

#include "tests/simulation/simulation.hpp"

#include "tests/simulation/shrink.hpp"
#include "tests/support/catch.hpp"

using namespace leasehold;
using namespace leasehold::sim;

TEST_CASE("simulator: the same seed does the same to the last message",
          "[simulator]") {
  workshop one;
  workshop other;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    auto what = make_plan(seed);
    auto first = one.simulate(what, true);
    // Another one in between must not matter.
    one.simulate(make_plan(seed + 100));
    auto again = one.simulate(what, true);
    auto elsewhere = other.simulate(what);
    CAPTURE(seed);
    CHECK(first.story == again.story);
    CHECK(first.print == again.print);
    CHECK(first.print == elsewhere.print);
    CHECK(first.messages > 100);
  }
}

TEST_CASE("simulator: what is left out of a plan keeps the names of the rest",
          "[simulator]") {
  auto what = make_plan(3);
  auto parts = parts_of(what);
  auto less = without(what, {parts.front()});
  auto left = parts_of(less);
  CHECK(left.size() == parts.size() - 1);
  CHECK(left == std::vector<std::string>(parts.begin() + 1, parts.end()));
}

TEST_CASE("simulator: no promise is broken", "[simulator]") {
  workshop tools;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    auto how = tools.simulate(make_plan(seed));
    CAPTURE(seed);
    if (how.broken)
      FAIL("promise " << how.broken->promise << ": " << how.broken->words);
  }
}
