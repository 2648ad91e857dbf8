// Who may have a lease of an environment now, and who waits.

#include "actors/admission.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;
using namespace std::chrono_literals;

namespace event = admission_event;
namespace effect = admission_effect;

namespace {

using lines = std::vector<std::string>;

struct door {
  admission now;
  milliseconds clock{0};
  lines said;
  std::optional<milliseconds> armed;

  door() {
    limit({2, 0, 3, 1'000ms, {}});
  }

  void limit(const admission_limits& limits) {
    on(event::limited{limits});
  }

  void on(const event::any& what) {
    auto [next, effects] = step(std::move(now), what);
    now = std::move(next);
    for (const auto& wish : effects)
      std::visit([this](const auto& x) { note(x); }, wish);
  }

  void come(const std::string& lease, const std::string& company = "acme",
            milliseconds patience = 0ms) {
    on(event::asked{{lease}, {company}, {"run"}, clock, patience});
  }

  void leave(const std::string& lease) {
    on(event::left{{lease}});
  }

  void place(const std::string& lease) {
    on(event::placed{{lease}});
  }

  /// What was said since the last time.
  lines news() {
    return std::exchange(said, {});
  }

  void note(const effect::admit& x) {
    said.push_back("in " + x.lease.value + (x.counted ? "" : " uncounted"));
  }

  void note(const effect::refuse& x) {
    said.push_back("no " + x.lease.value + ": " + to_string(x.why.code));
  }

  void note(const effect::enqueue& x) {
    said.push_back(x.lease.value + " waits as number "
                   + std::to_string(x.position));
  }

  void note(const effect::arm& x) {
    armed = x.at;
  }
};

} // namespace

TEST_CASE_METHOD(door, "admission: without limits everybody is let in",
                 "[admission]") {
  limit({});
  for (auto i = 0; i < 100; ++i)
    come("l" + std::to_string(i));
  CHECK(news().back() == "in l99 uncounted");
  CHECK_FALSE(is_busy(now));
}

TEST_CASE_METHOD(door, "admission: at the limit one waits for a place",
                 "[admission]") {
  come("a");
  come("b");
  come("c");
  CHECK(news() == lines{"in a", "in b", "c waits as number 1"});
  SECTION("and gets it at once when a lease ends") {
    place("a");
    CHECK(news().empty());
    leave("a");
    CHECK(news() == lines{"in c"});
  }
  SECTION("and gets it at once when an acquire fails") {
    leave("b");
    CHECK(news() == lines{"in c"});
  }
  SECTION("and when the limit is raised") {
    limit({3, 0, 3, 1'000ms, {}});
    CHECK(news() == lines{"in c"});
  }
  CHECK(now.places.size() <= now.limits.leases_max);
}

TEST_CASE_METHOD(door, "admission: acquires have a limit of their own",
                 "[admission]") {
  limit({0, 1, 3, 1'000ms, {}});
  come("a");
  come("b");
  CHECK(news() == lines{"in a", "b waits as number 1"});
  place("a");
  CHECK(news() == lines{"in b"});
  place("b");
  place("b");
  CHECK(now.acquiring == 0);
  CHECK(now.live() == 2);
}

TEST_CASE_METHOD(door, "admission: a full queue refuses at once",
                 "[admission]") {
  for (auto* lease : {"a", "b", "c", "d", "e", "f"})
    come(lease);
  CHECK(news()
        == lines{"in a", "in b", "c waits as number 1", "d waits as number 2",
                 "e waits as number 3", "no f: overloaded"});
  SECTION("but a company with a shorter line gets in before the longest") {
    come("g", "other");
    CHECK(news() == lines{"no e: overloaded", "g waits as number 2"});
  }
}

TEST_CASE_METHOD(door, "admission: nobody waits longer than he said",
                 "[admission]") {
  come("a");
  come("b");
  come("c");
  CHECK(armed == 1'000ms);
  clock = 100ms;
  come("d", "acme", 200ms);
  CHECK(armed == 300ms);
  news();
  on(event::time_passed{300ms});
  CHECK(news() == lines{"no d: queue_timed_out"});
  CHECK(armed == 1'000ms);
  on(event::time_passed{999ms});
  CHECK(news().empty());
  on(event::time_passed{1'000ms});
  CHECK(news() == lines{"no c: queue_timed_out"});
}

TEST_CASE_METHOD(door, "admission: who waits may leave", "[admission]") {
  come("a");
  come("b");
  come("c");
  come("d");
  news();
  leave("c");
  CHECK(news() == lines{"no c: cancelled"});
  leave("a");
  CHECK(news() == lines{"in d"});
  leave("nobody");
  CHECK(news().empty());
}

TEST_CASE_METHOD(door, "admission: companies have their shares",
                 "[admission][promise-12]") {
  limit({1, 0, 100, 1'000ms, {{"big", 3}}});
  come("first");
  for (auto i = 0; i < 8; ++i) {
    come("b" + std::to_string(i), "big");
    come("s" + std::to_string(i), "small");
  }
  CHECK(position_of(now, {"s0"}) == 4);
  CHECK(position_of(now, {"b3"}) == 5);
  CHECK(position_of(now, {"nobody"}) == 0);
  news();
  lines order;
  leave("first");
  for (auto i = 0; i < 7; ++i) {
    auto in = news().back().substr(3);
    order.push_back(in);
    leave(in);
  }
  CHECK(order == lines{"b0", "b1", "b2", "s0", "b3", "b4", "b5"});
}

TEST_CASE_METHOD(door, "admission: who takes its own again needs no place",
                 "[admission]") {
  come("a");
  come("b");
  come("c");
  news();
  on(event::asked{{"again"}, {"acme"}, {"run"}, clock, 0ms, true});
  CHECK(news() == lines{"in again uncounted"});
  leave("again");
  CHECK(news().empty());
}

TEST_CASE_METHOD(door, "admission: what lives is counted whoever let it in",
                 "[admission]") {
  on(event::counted{{{"x"}, {"y"}}});
  come("a");
  CHECK(news() == lines{"a waits as number 1"});
  leave("x");
  CHECK(news() == lines{"in a"});
  CHECK(is_busy(now));
}

TEST_CASE_METHOD(door, "admission: who came past the door has a place, too",
                 "[admission]") {
  on(event::placed{{"x"}});
  on(event::placed{{"y"}});
  come("a");
  CHECK(news() == lines{"a waits as number 1"});
  leave("x");
  CHECK(news() == lines{"in a"});
}

TEST_CASE_METHOD(door, "admission: a door that shuts says so to all who wait",
                 "[admission]") {
  come("a");
  come("b");
  come("c");
  come("d");
  news();
  on(event::shut{{ec::environment_inactive, "Closed."}});
  CHECK(news()
        == lines{"no c: environment_inactive", "no d: environment_inactive"});
  leave("a");
  leave("b");
  CHECK_FALSE(is_busy(now));
}
