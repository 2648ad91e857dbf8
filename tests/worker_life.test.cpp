// The life of one worker process, from its start to its exit.

#include "actors/worker_life.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

#include <csignal>

using namespace leasehold;
using namespace leasehold::worker_event;
using test::lines;

namespace {

failure words(const char* text) {
  return {ec::worker_lost, text, {}};
}

const auto kill_it = "signal " + std::to_string(SIGKILL);
const auto end_it = "signal " + std::to_string(SIGTERM);

/// A worker process that is being launched.
struct living {
  worker_life now;

  template <class Event>
  lines feed(const Event& what) {
    return test::feed(now, what);
  }

  void be_ready() {
    feed(started{});
    feed(initialized{});
    REQUIRE(now.phase == worker_phase::ready);
  }

  /// Brings it into this phase, by the usual way.
  void go_to(worker_phase to) {
    if (to == worker_phase::launching)
      return;
    feed(started{});
    if (to == worker_phase::initializing)
      return;
    feed(initialized{});
    if (to == worker_phase::ready)
      return;
    if (to == worker_phase::killing)
      return static_cast<void>(feed(condemned{words("Bad.")}));
    feed(stop_asked{true});
    if (to == worker_phase::draining)
      return;
    feed(idle{});
    if (to == worker_phase::asking)
      return;
    feed(deadline{});
  }
};

const worker_phase phases_alive[]{
  worker_phase::launching, worker_phase::initializing,
  worker_phase::ready,     worker_phase::draining,
  worker_phase::asking,    worker_phase::terminating,
  worker_phase::killing,
};

} // namespace

// -- the start ----------------------------------------------------------------

TEST_CASE_METHOD(living, "worker_life: shakes hands, then takes calls",
                 "[worker_life]") {
  CHECK_FALSE(takes_calls(now.phase));
  CHECK(feed(started{}) == lines{"initialize"});
  CHECK_FALSE(takes_calls(now.phase));
  CHECK(feed(initialized{}) == lines{"announce that it is ready"});
  CHECK(takes_calls(now.phase));
}

TEST_CASE_METHOD(living, "worker_life: a process that does not start leaves",
                 "[worker_life]") {
  CHECK(
    feed(not_started{words("No such file.")})
    == lines{"fail calls: No such file.", "leave, unexpected: No such file."});
  CHECK(now.phase == worker_phase::gone);
}

TEST_CASE_METHOD(living, "worker_life: a handshake that fails kills",
                 "[worker_life]") {
  feed(started{});
  CHECK(feed(initialize_failed{words("ok=false")})
        == lines{"fail calls: ok=false", kill_it, "arm the deadline"});
  CHECK(feed(exited{words("signal 9")}).back()
        == "leave, unexpected: ok=false");
}

// -- the ladder ---------------------------------------------------------------

TEST_CASE_METHOD(living,
                 "worker_life: a worker is drained, asked, terminated and "
                 "killed, in this order",
                 "[worker_life]") {
  be_ready();
  CHECK(feed(stop_asked{true}) == lines{"arm the deadline"});
  CHECK(now.phase == worker_phase::draining);
  CHECK(feed(deadline{}) == lines{"ask it to exit", "arm the deadline"});
  CHECK(feed(deadline{}) == lines{end_it, "arm the deadline"});
  CHECK(feed(deadline{}).at(1) == kill_it);
  CHECK(feed(deadline{})
        == lines{"leave, expected: The worker did not follow SIGTERM."});
  CHECK(now.phase == worker_phase::gone);
}

TEST_CASE_METHOD(living, "worker_life: calls in flight are finished first",
                 "[worker_life][pb-12.2.29]") {
  be_ready();
  feed(stop_asked{true});
  CHECK(takes_calls(now.phase));
  CHECK(feed(idle{}) == lines{"ask it to exit", "arm the deadline"});
  CHECK_FALSE(takes_calls(now.phase));
}

TEST_CASE_METHOD(living, "worker_life: a worker without calls is asked at once",
                 "[worker_life]") {
  be_ready();
  CHECK(feed(stop_asked{false}) == lines{"ask it to exit", "arm the deadline"});
}

TEST_CASE_METHOD(living,
                 "worker_life: a worker that was never ready is not asked",
                 "[worker_life]") {
  SECTION("while it shakes hands") {
    feed(started{});
    CHECK(feed(stop_asked{false}) == lines{end_it, "arm the deadline"});
    CHECK(feed(initialized{}).empty());
    CHECK(feed(initialize_failed{words("Too late.")}).empty());
  }
  SECTION("before it runs") {
    CHECK(feed(stop_asked{false}).empty());
    CHECK(feed(started{}) == lines{end_it, "arm the deadline"});
  }
  CHECK(now.phase == worker_phase::terminating);
}

TEST_CASE_METHOD(living, "worker_life: to be asked twice is to be asked once",
                 "[worker_life]") {
  be_ready();
  feed(stop_asked{false});
  CHECK(feed(stop_asked{true}).empty());
  CHECK(feed(idle{}).empty());
  CHECK(now.phase == worker_phase::asking);
}

TEST_CASE_METHOD(
  living, "worker_life: a worker that cannot be killed is not waited for",
  "[worker_life]") {
  be_ready();
  feed(condemned{words("Bad.")});
  CHECK(feed(deadline{}) == lines{"leave, unexpected: Bad."});
}

TEST_CASE_METHOD(living, "worker_life: without a deadline nothing is over",
                 "[worker_life]") {
  auto phase = GENERATE(worker_phase::launching, worker_phase::initializing,
                        worker_phase::ready);
  go_to(phase);
  CHECK(feed(deadline{}).empty());
  CHECK(now.phase == phase);
}

// -- health -------------------------------------------------------------------

TEST_CASE_METHOD(living,
                 "worker_life: three health checks missed in a row kill",
                 "[worker_life]") {
  be_ready();
  CHECK(feed(health_missed{}).empty());
  CHECK(feed(health_missed{}).empty());
  CHECK(feed(health_missed{}).at(1) == kill_it);
  CHECK(feed(exited{words("signal 9")}).back()
        == "leave, unexpected: The worker did not answer 3 health checks in a "
           "row.");
}

TEST_CASE_METHOD(living, "worker_life: one answer makes up for two misses",
                 "[worker_life]") {
  be_ready();
  for (auto i = 0; i < 5; ++i) {
    CHECK(feed(health_missed{}).empty());
    CHECK(feed(health_missed{}).empty());
    CHECK(feed(healthy{}).empty());
  }
  CHECK(now.phase == worker_phase::ready);
}

TEST_CASE_METHOD(living,
                 "worker_life: who is stopping is not asked for its health",
                 "[worker_life]") {
  go_to(GENERATE(worker_phase::draining, worker_phase::asking,
                 worker_phase::terminating, worker_phase::killing));
  for (auto i = 0; i < 5; ++i)
    CHECK(feed(health_missed{}).empty());
}

// -- what it must not survive -------------------------------------------------

TEST_CASE_METHOD(living, "worker_life: a condemned worker is killed",
                 "[worker_life]") {
  go_to(GENERATE(worker_phase::initializing, worker_phase::ready));
  CHECK(
    feed(condemned{words("It closed its output.")})
    == lines{"fail calls: It closed its output.", kill_it, "arm the deadline"});
  CHECK(feed(condemned{words("Again.")}).empty());
  CHECK(feed(exited{words("signal 9")}).back()
        == "leave, unexpected: It closed its output.");
}

TEST_CASE_METHOD(
  living, "worker_life: a worker that is on its way out is not condemned",
  "[worker_life]") {
  go_to(GENERATE(worker_phase::draining, worker_phase::asking,
                 worker_phase::terminating));
  auto phase = now.phase;
  CHECK(feed(condemned{words("It closed its output.")}).empty());
  CHECK(now.phase == phase);
}

// -- the exit -----------------------------------------------------------------

TEST_CASE_METHOD(living, "worker_life: an exit in any phase is the end, once",
                 "[worker_life][pb-12.2.26]") {
  for (auto phase : phases_alive) {
    CAPTURE(to_string(phase));
    now = {};
    go_to(phase);
    REQUIRE(now.phase == phase);
    auto todo = feed(exited{words("code 1")});
    REQUIRE(todo.size() == 2);
    CHECK(todo[0] == "fail calls: code 1");
    CHECK(todo[1].starts_with("leave, "));
    CHECK(now.phase == worker_phase::gone);
    CHECK(feed(exited{words("code 1")}).empty());
    CHECK(feed(deadline{}).empty());
    CHECK(feed(stop_asked{true}).empty());
    CHECK(feed(condemned{words("Late.")}).empty());
  }
}

TEST_CASE_METHOD(living,
                 "worker_life: who exits without having been asked has crashed",
                 "[worker_life]") {
  go_to(GENERATE(worker_phase::launching, worker_phase::initializing,
                 worker_phase::ready));
  CHECK(feed(exited{words("code 0")}).back() == "leave, unexpected: code 0");
}

TEST_CASE_METHOD(living,
                 "worker_life: who exits after having been asked has not",
                 "[worker_life]") {
  go_to(GENERATE(worker_phase::draining, worker_phase::asking,
                 worker_phase::terminating));
  CHECK(feed(exited{words("code 0")}).back() == "leave, expected: code 0");
}

// -- relieved -----------------------------------------------------------------

TEST_CASE("worker_life: one that is relieved stops at once if it is idle",
          "[worker_life]") {
  living it;
  it.be_ready();
  it.feed(relief_asked{false});
  CHECK(it.now.phase == worker_phase::asking);
}

TEST_CASE("worker_life: one that is relieved serves until it is idle",
          "[worker_life]") {
  living it;
  it.be_ready();
  it.feed(relief_asked{true});
  CHECK(it.now.phase == worker_phase::ready);
  CHECK(takes_calls(it.now.phase));
  CHECK(it.feed(relief_asked{true}).empty());
  it.feed(idle{});
  CHECK(it.now.phase == worker_phase::asking);
  CHECK(it.now.stop_asked);
}

TEST_CASE("worker_life: patience with one that is never idle ends",
          "[worker_life]") {
  living it;
  it.be_ready();
  CHECK(it.feed(deadline{}).empty());
  it.feed(relief_asked{true});
  it.feed(deadline{});
  CHECK(it.now.phase == worker_phase::draining);
}

TEST_CASE("worker_life: one that crashes before it is relieved has crashed",
          "[worker_life]") {
  living it;
  it.be_ready();
  it.feed(relief_asked{true});
  it.feed(exited{words("code 1")});
  CHECK(it.now.phase == worker_phase::gone);
  CHECK_FALSE(it.now.stop_asked);
}
