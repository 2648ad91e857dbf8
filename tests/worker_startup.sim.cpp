// Random walks through a worker's startup: whatever the worker does, everybody
// who wants one is answered once, provided time passes.

#include "actors/worker_startup.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

#include <map>
#include <random>
#include <set>

using namespace leasehold;

namespace {

namespace effect = startup_effect;
namespace event = startup_event;

/// The worker, its supervisor's timers, and those who want it.
class world_model {
public:
  explicit world_model(unsigned seed) : rng_{seed} {
    now_.options.crashes_max = 3 + roll(4);
  }

  void run() {
    for (auto i = 0; i < 120; ++i)
      stir();
  }

  /// Time passes: graces end.
  void check() {
    for (auto who : std::set<waiter_no>{graces_})
      feed(event::grace_over{who});
    CHECK(now_.waiting.empty());
    for (const auto& [who, count] : answers_) {
      CAPTURE(who);
      CHECK(count == 1);
    }
    // It is never given up for good: it runs, or something will happen.
    CHECK((alive_ || pausing_ || now_.phase == startup_phase::stopped));
  }

private:
  size_t roll(size_t n) {
    return rng_() % n;
  }

  bool one_in(size_t n) {
    return roll(n) == 0;
  }

  void feed(const event::any& what) {
    auto before = now_.phase;
    auto [next, effects] = step(now_, what);
    now_ = std::move(next);
    if (now_.phase != before)
      pausing_ = false;
    for (const auto& wish : effects)
      std::visit([this](const auto& x) { perform(x); }, wish);
    auto should_live = now_.phase == startup_phase::starting
                       || now_.phase == startup_phase::running;
    CHECK(alive_ == should_live);
    CHECK((now_.waiting.empty() || now_.phase != startup_phase::running));
    CHECK((now_.waiting.empty() || now_.phase != startup_phase::broken));
  }

  void stir() {
    clock_ += milliseconds{roll(30'000)};
    switch (roll(10)) {
      case 0:
      case 1:
      case 2: {
        auto who = ++last_waiter_;
        answers_[who] = 0;
        return feed(event::wanted{who, !one_in(4)});
      }
      case 3:
        if (!graces_.empty())
          feed(event::grace_over{*graces_.begin()});
        return;
      case 4:
        if (alive_)
          feed(event::became_ready{now_.incarnation, clock_});
        return;
      case 5:
        if (alive_ && one_in(3)) {
          alive_ = false;
          feed(event::retired{now_.incarnation});
        }
        return;
      case 6:
        if (one_in(10))
          feed(event::reset{});
        return;
      case 7:
        return stale_news();
      default:
        if (pausing_ && one_in(2)) {
          pausing_ = false;
          feed(event::pause_over{});
        } else if (alive_) {
          alive_ = false;
          feed(event::crashed{now_.incarnation,
                              {ec::worker_lost, "It fell over.", {}},
                              clock_,
                              static_cast<double>(roll(1000)) / 1000});
        }
    }
  }

  void stale_news() {
    if (now_.incarnation == 0)
      return;
    auto old = roll(now_.incarnation);
    if (one_in(2))
      feed(event::became_ready{old, clock_});
    else
      feed(
        event::crashed{old, {ec::worker_lost, "Long ago.", {}}, clock_, 0.5});
  }

  void answered(waiter_no who) {
    ++answers_.at(who);
    graces_.erase(who);
  }

  void perform(const effect::start& x) {
    CHECK_FALSE(alive_);
    CHECK(x.incarnation == now_.incarnation);
    CHECK(x.incarnation > last_incarnation_);
    last_incarnation_ = x.incarnation;
    alive_ = true;
  }

  void perform(const effect::arm_pause& x) {
    CHECK_FALSE(pausing_);
    CHECK(x.delay.count() > 0);
    CHECK(x.delay <= now_.options.restart_delay_max);
    pausing_ = true;
  }

  void perform(const effect::arm_grace& x) {
    CHECK(graces_.insert(x.who).second);
  }

  void perform(const effect::admit& x) {
    CHECK(now_.phase == startup_phase::running);
    answered(x.who);
  }

  void perform(const effect::refuse& x) {
    auto broken = x.code == ec::worker_broken;
    CHECK(broken == (now_.phase == startup_phase::broken));
    CHECK_FALSE(x.why.empty());
    answered(x.who);
  }

  std::minstd_rand rng_;
  worker_startup now_;
  steady_time clock_{1};
  bool alive_ = false;
  bool pausing_ = false;
  uint64_t last_incarnation_ = 0;
  waiter_no last_waiter_ = 0;
  std::set<waiter_no> graces_;
  std::map<waiter_no, int> answers_;
};

} // namespace

TEST_CASE("worker_startup: everybody who wants a worker is answered once",
          "[sim]") {
  auto seed = GENERATE(range(1, 2000));
  CAPTURE(seed);
  world_model world{static_cast<unsigned>(seed)};
  world.run();
  world.check();
}
