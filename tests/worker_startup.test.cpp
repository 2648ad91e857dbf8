// When a plugin has a worker: who is let through, who waits, and when the next
// worker is started after a crash.

#include "actors/worker_startup.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

using namespace leasehold;
using namespace leasehold::startup_event;
using namespace std::literals;
using test::lines;

namespace {

/// A plugin without a worker, and a clock.
struct starting_up {
  worker_startup now;
  steady_time clock{1'000'000};

  template <class Event>
  lines feed(const Event& what) {
    return test::feed(now, what);
  }

  lines ready() {
    return feed(became_ready{now.incarnation, clock});
  }

  /// The worker crashes. Dice of one half leave pauses as they are.
  lines crash(double dice = 0.5) {
    return feed(crashed{
      now.incarnation, {ec::worker_lost, "It fell over.", {}}, clock, dice});
  }

  /// Crashes, waits as long as the machine says, and starts again.
  void crash_and_restart() {
    auto todo = crash();
    REQUIRE(todo.size() == 1);
    auto word = todo.front();
    if (word.starts_with("pause ")) {
      clock += milliseconds{std::stoll(word.substr(6))};
      feed(pause_over{});
    }
    REQUIRE(now.phase == startup_phase::starting);
  }

  /// Ten crashes in a row, as fast as they come.
  void break_it() {
    feed(wanted{1});
    for (auto i = 1; i < 10; ++i)
      crash_and_restart();
    crash();
    REQUIRE(now.phase == startup_phase::broken);
  }
};

} // namespace

// -- who is let through -------------------------------------------------------

TEST_CASE_METHOD(starting_up,
                 "worker_startup: the first who wants a worker starts it",
                 "[worker_startup]") {
  CHECK(feed(wanted{1}) == lines{"grace for 1", "start 1"});
  CHECK(feed(wanted{2}) == lines{"grace for 2"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: all who wait are let through as soon as the "
                 "worker is ready",
                 "[worker_startup][pb-12.2.19]") {
  feed(wanted{1});
  feed(wanted{2});
  feed(wanted{3});
  CHECK(ready() == lines{"admit 1", "admit 2", "admit 3"});
  CHECK(feed(wanted{4}) == lines{"admit 4"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: the end of a grace refuses the one whose "
                 "grace it was",
                 "[worker_startup]") {
  feed(wanted{1});
  feed(wanted{2});
  CHECK(feed(grace_over{1}) == lines{"refuse 1: worker_not_ready"});
  CHECK(feed(grace_over{1}).empty());
  CHECK(ready() == lines{"admit 2"});
  CHECK(feed(grace_over{2}).empty());
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: who will not wait is refused, and starts the "
                 "worker all the same",
                 "[worker_startup]") {
  CHECK(feed(wanted{1, false})
        == lines{"refuse 1: worker_not_ready", "start 1"});
  CHECK(feed(wanted{2, false}) == lines{"refuse 2: worker_not_ready"});
  ready();
  CHECK(feed(wanted{3, false}) == lines{"admit 3"});
}

TEST_CASE_METHOD(starting_up, "worker_startup: a refusal says why",
                 "[worker_startup]") {
  feed(wanted{1});
  auto slow = step(now, grace_over{1}).effects.at(0);
  CHECK(std::get<startup_effect::refuse>(slow).why
        == "it has not answered `initialize` yet");
  crash();
  auto crashed = step(now, grace_over{1}).effects.at(0);
  CHECK(std::get<startup_effect::refuse>(crashed).why == "It fell over.");
}

// -- restarts -----------------------------------------------------------------

TEST_CASE_METHOD(starting_up, "worker_startup: the first restart is immediate",
                 "[worker_startup]") {
  feed(wanted{1});
  ready();
  CHECK(crash() == lines{"start 2"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: pauses begin with a second and double",
                 "[worker_startup]") {
  feed(wanted{1});
  CHECK(crash() == lines{"start 2"});
  for (const auto* pause :
       {"pause 1000 ms", "pause 2000 ms", "pause 4000 ms", "pause 8000 ms"}) {
    CHECK(crash() == lines{pause});
    feed(pause_over{});
  }
}

TEST_CASE("worker_startup: pauses double up to five minutes",
          "[worker_startup]") {
  worker_startup_options options;
  CHECK(restart_pause(0, options) == 0s);
  CHECK(restart_pause(1, options) == 0s);
  CHECK(restart_pause(2, options) == 1s);
  CHECK(restart_pause(3, options) == 2s);
  CHECK(restart_pause(10, options) == 256s);
  CHECK(restart_pause(11, options) == 300s);
  CHECK(restart_pause(1'000'000, options) == 300s);
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: chance moves a pause by a quarter at most",
                 "[worker_startup]") {
  feed(wanted{1});
  crash();
  auto before = now;
  CHECK(crash(0) == lines{"pause 750 ms"});
  now = before;
  CHECK(crash(0.999999) == lines{"pause 1250 ms"});
}

TEST_CASE_METHOD(
  starting_up,
  "worker_startup: no pause is longer than the longest, whatever "
  "chance says",
  "[worker_startup]") {
  now.options.crashes_max = 100;
  feed(wanted{1});
  for (auto i = 0; i < 12; ++i)
    crash_and_restart();
  auto before = now;
  CHECK(crash(0) == lines{"pause 225000 ms"});
  now = before;
  CHECK(crash(0.999999) == lines{"pause 300000 ms"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: who waits goes on waiting through a restart",
                 "[worker_startup][pb-12.2.19]") {
  feed(wanted{1});
  crash_and_restart();
  crash_and_restart();
  CHECK(ready() == lines{"admit 1"});
}

TEST_CASE_METHOD(
  starting_up,
  "worker_startup: a worker that was stable is restarted at once "
  "again",
  "[worker_startup]") {
  feed(wanted{1});
  crash_and_restart();
  crash_and_restart();
  ready();
  clock += 60s;
  CHECK(crash() == lines{"start 4"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: a moment less than stable is not stable",
                 "[worker_startup]") {
  feed(wanted{1});
  crash_and_restart();
  ready();
  clock += 60s - 1ms;
  CHECK(crash() == lines{"pause 1000 ms"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: getting ready does not reset the counter "
                 "(PB 12.2.20)",
                 "[worker_startup][pb-12.2.20][trap-4]") {
  feed(wanted{1});
  for (auto i = 1; i < 10; ++i) {
    ready();
    CHECK(now.phase == startup_phase::running);
    crash_and_restart();
  }
  ready();
  crash();
  CHECK(now.phase == startup_phase::broken);
}

TEST_CASE_METHOD(
  starting_up,
  "worker_startup: a failed handshake counts and is retried like "
  "a crash (PB 12.2.21)",
  "[worker_startup][pb-12.2.21]") {
  feed(wanted{1});
  CHECK(crash() == lines{"start 2"});
  CHECK(crash() == lines{"pause 1000 ms"});
}

// -- broken -------------------------------------------------------------------

TEST_CASE_METHOD(starting_up,
                 "worker_startup: ten crashes in ten minutes break it, and who "
                 "waits is told",
                 "[worker_startup][promise-11]") {
  feed(wanted{1});
  for (auto i = 1; i < 10; ++i)
    crash_and_restart();
  CHECK(now.crashes.size() == 9);
  CHECK(crash() == lines{"refuse 1: worker_broken", "pause 300000 ms"});
  CHECK(now.phase == startup_phase::broken);
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: crashes that are further apart break nothing",
                 "[worker_startup]") {
  feed(wanted{1});
  for (auto i = 0; i < 50; ++i) {
    ready();
    clock += 59s;
    crash_and_restart();
    clock += 10s;
  }
  CHECK(now.crashes.size() < 10);
}

TEST_CASE_METHOD(
  starting_up,
  "worker_startup: who wants a broken worker is refused at once, "
  "with the reason",
  "[worker_startup]") {
  break_it();
  auto may_wait = GENERATE(true, false);
  CHECK(feed(wanted{9, may_wait}) == lines{"refuse 9: worker_broken"});
  auto refusal = step(now, wanted{9, may_wait}).effects.at(0);
  CHECK(std::get<startup_effect::refuse>(refusal).why
        == "it crashed 10 times and is left alone for a while: It fell over.");
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: a broken worker is tried again after the "
                 "longest pause",
                 "[worker_startup]") {
  break_it();
  CHECK(feed(pause_over{}) == lines{"start 11"});
  CHECK(feed(wanted{9}) == lines{"grace for 9"});
  CHECK(ready() == lines{"admit 9"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: one more crash breaks it again, as often as "
                 "it is tried",
                 "[worker_startup]") {
  break_it();
  for (auto i = 0; i < 5; ++i) {
    clock += 300s;
    feed(pause_over{});
    if (i % 2 == 1)
      ready();
    CHECK(crash() == lines{"pause 300000 ms"});
    CHECK(now.phase == startup_phase::broken);
  }
}

TEST_CASE_METHOD(
  starting_up,
  "worker_startup: a broken worker that becomes stable is a good "
  "one",
  "[worker_startup]") {
  break_it();
  feed(pause_over{});
  ready();
  clock += 60s;
  CHECK(crash() == lines{"start 12"});
}

TEST_CASE_METHOD(starting_up, "worker_startup: an operator can reset it",
                 "[worker_startup]") {
  break_it();
  CHECK(feed(reset{}) == lines{"start 11"});
  CHECK(crash() == lines{"start 12"});
  CHECK(crash() == lines{"pause 1000 ms"});
  CHECK(feed(reset{}) == lines{"start 13"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: a reset starts nothing that runs or that "
                 "nobody wants",
                 "[worker_startup]") {
  CHECK(feed(reset{}).empty());
  feed(wanted{1});
  CHECK(feed(reset{}).empty());
  ready();
  CHECK(feed(reset{}).empty());
  CHECK(now.phase == startup_phase::running);
}

// -- the news of other incarnations -------------------------------------------

TEST_CASE_METHOD(starting_up,
                 "worker_startup: news of an earlier worker change nothing",
                 "[worker_startup]") {
  feed(wanted{1});
  crash();
  REQUIRE(now.incarnation == 2);
  CHECK(feed(became_ready{1, clock}).empty());
  CHECK(feed(crashed{1, {ec::worker_lost, "Old.", {}}, clock, 0.5}).empty());
  CHECK(feed(retired{1}).empty());
  CHECK(feed(pause_over{}).empty());
  CHECK(now.phase == startup_phase::starting);
  CHECK(now.crashes.size() == 1);
}

// -- retirement ---------------------------------------------------------------

TEST_CASE_METHOD(starting_up,
                 "worker_startup: a worker that was stopped is started again "
                 "when somebody wants it",
                 "[worker_startup]") {
  feed(wanted{1});
  ready();
  CHECK(feed(retired{1}).empty());
  CHECK(now.phase == startup_phase::stopped);
  CHECK(feed(wanted{2}) == lines{"grace for 2", "start 2"});
}

TEST_CASE_METHOD(starting_up,
                 "worker_startup: who waits for a worker that is stopped gets "
                 "the next one",
                 "[worker_startup]") {
  feed(wanted{1});
  CHECK(feed(retired{1}) == lines{"start 2"});
  CHECK(ready() == lines{"admit 1"});
}
