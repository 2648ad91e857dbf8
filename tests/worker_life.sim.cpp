// Random walks through a worker's life: whatever happens, it leaves once, every
// call is answered once, and nothing is sent to a process that is gone.

#include "actors/worker_life.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

#include <csignal>
#include <random>

using namespace leasehold;

namespace {

namespace effect = worker_effect;
namespace event = worker_event;

/// The process, and the calls that are made to it.
class world_model {
public:
  explicit world_model(unsigned seed) : rng_{seed} {
    // nop
  }

  void run() {
    for (auto i = 0; i < 40 && now_.phase != worker_phase::gone; ++i)
      stir();
    // The engine stops, and the process may or may not care.
    feed(event::stop_asked{calls_ > 0});
    if (now_.phase == worker_phase::launching)
      feed(event::started{});
    for (auto i = 0; i < 5 && now_.phase != worker_phase::gone; ++i)
      if (one_in(4))
        exit();
      else
        feed(event::deadline{});
  }

  void check() {
    CHECK(now_.phase == worker_phase::gone);
    CHECK(left_ == 1);
    CHECK(calls_ == 0);
    feed(event::exited{{ec::worker_lost, "At last.", {}}});
    CHECK(left_ == 1);
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
      armed_ = false;
    // A life goes one way.
    CHECK(now_.phase >= before);
    for (const auto& wish : effects)
      std::visit([this](const auto& x) { perform(x); }, wish);
    // Every phase on the way out is over at some time.
    if (now_.phase >= worker_phase::draining
        && now_.phase != worker_phase::gone)
      CHECK(armed_);
  }

  void stir() {
    failure why{ec::worker_lost, "Something.", {}};
    switch (roll(12)) {
      case 0:
      case 1:
        // Calls wait for a worker that is not ready; a stopping one takes none.
        if (now_.phase <= worker_phase::ready)
          ++calls_;
        return;
      case 2:
        return answer_one();
      case 3:
        if (now_.phase == worker_phase::launching)
          return one_in(5) ? feed(event::not_started{why})
                           : feed(event::started{});
        return;
      case 4:
        if (now_.phase == worker_phase::initializing)
          return one_in(5) ? feed(event::initialize_failed{why})
                           : feed(event::initialized{});
        return;
      case 5:
        if (one_in(4))
          feed(event::relief_asked{calls_ > 0});
        else if (one_in(6))
          feed(event::stop_asked{calls_ > 0});
        return;
      case 6:
        if (armed_ && one_in(3))
          feed(event::deadline{});
        return;
      case 7:
        return one_in(3) ? feed(event::healthy{})
                         : feed(event::health_missed{});
      case 8:
        if (one_in(10))
          feed(event::condemned{why});
        return;
      case 9:
        if (one_in(10))
          exit();
        return;
      default:
        return;
    }
  }

  void answer_one() {
    if (!takes_calls(now_.phase) || calls_ == 0)
      return;
    if (--calls_ == 0)
      feed(event::idle{});
  }

  void exit() {
    if (now_.phase != worker_phase::launching)
      feed(event::exited{{ec::worker_lost, "code 1", {}}});
  }

  void perform(const effect::initialize&) {
    CHECK(now_.phase == worker_phase::initializing);
  }

  void perform(const effect::arm_deadline&) {
    armed_ = true;
  }

  void perform(const effect::announce_ready&) {
    CHECK_FALSE(std::exchange(announced_, true));
    CHECK_FALSE(now_.stop_asked);
  }

  void perform(const effect::ask_to_exit&) {
    CHECK_FALSE(std::exchange(asked_, true));
    CHECK(now_.stop_asked);
  }

  void perform(const effect::send_signal& x) {
    CHECK(now_.phase
          == (x.number == SIGKILL ? worker_phase::killing
                                  : worker_phase::terminating));
  }

  void perform(const effect::fail_calls& x) {
    CHECK(x.why.code != ec::none);
    CHECK_FALSE(takes_calls(now_.phase));
    calls_ = 0;
  }

  void perform(const effect::leave& x) {
    ++left_;
    CHECK(x.expected == now_.stop_asked);
    CHECK(calls_ == 0);
    CHECK(now_.phase == worker_phase::gone);
  }

  std::minstd_rand rng_;
  worker_life now_;
  /// Calls that have no answer yet, sent or not.
  int calls_ = 0;
  int left_ = 0;
  bool armed_ = false;
  bool announced_ = false;
  bool asked_ = false;
};

} // namespace

TEST_CASE("worker_life: a worker leaves once, and no call is left behind",
          "[sim]") {
  auto seed = GENERATE(range(1, 3000));
  CAPTURE(seed);
  world_model world{static_cast<unsigned>(seed)};
  world.run();
  world.check();
}
