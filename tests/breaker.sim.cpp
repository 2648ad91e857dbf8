// Random walks through a breaker: it opens within K failures, one tries at a
// time, and a provider that is well again is used again.

#include "actors/breaker.hpp"

#include "tests/support/catch.hpp"

#include <map>
#include <random>

using namespace leasehold;

namespace {

namespace effect = breaker_effect;
namespace event = breaker_event;

/// Runs that come and go, and a provider that is well or not.
class world_model {
public:
  explicit world_model(unsigned seed) : rng_{seed} {
    now_.options.failures_max = 1 + static_cast<uint32_t>(roll(6));
    now_.options.pause = milliseconds{1 + roll(2'000)};
    now_.options.pause_max = now_.options.pause * (1 + roll(20));
  }

  void run() {
    for (auto i = 0; i < 300; ++i)
      stir();
  }

  /// The provider is well from now on.
  void check() {
    well_ = true;
    for (auto i = 0; i < 3; ++i) {
      while (!under_way_.empty())
        end(under_way_.begin()->first);
      clock_ += now_.options.pause_max;
      come();
    }
    while (!under_way_.empty())
      end(under_way_.begin()->first);
    CHECK(now_.phase == breaker_phase::closed);
    CHECK(kept_ == false);
  }

private:
  size_t roll(size_t n) {
    return rng_() % n;
  }

  void feed(const event::any& what) {
    auto before = now_;
    auto [next, effects] = step(now_, what);
    now_ = std::move(next);
    for (const auto& wish : effects)
      std::visit([this](const auto& x) { perform(x); }, wish);
    CHECK((now_.phase != breaker_phase::closed
           || now_.failures < now_.options.failures_max));
    CHECK(now_.period >= before.period);
    CHECK(kept_ == (now_.phase != breaker_phase::closed));
    // The pause is never longer than the longest.
    if (now_.phase == breaker_phase::open)
      CHECK(now_.retry_at - clock_ <= now_.options.pause_max);
  }

  void come() {
    auto before = now_.phase;
    feed(event::wanted{clock_});
    auto in = let_in_.has_value();
    if (before == breaker_phase::closed)
      CHECK(in);
    if (before == breaker_phase::probing)
      CHECK_FALSE(in);
    if (before == breaker_phase::open)
      CHECK(in == (clock_ >= now_.retry_at));
    if (in)
      under_way_[++last_] = *std::exchange(let_in_, std::nullopt);
  }

  void end(int who) {
    auto ticket = under_way_.at(who);
    under_way_.erase(who);
    auto probing
      = now_.phase == breaker_phase::probing && ticket.period == now_.period;
    if (well_) {
      feed(event::answered{ticket});
      if (probing)
        CHECK(now_.phase == breaker_phase::closed);
      return;
    }
    if (roll(8) == 0)
      return feed(event::withdrawn{ticket});
    auto code = roll(2) == 0 ? ec::worker_lost : ec::call_timed_out;
    auto before = now_.failures;
    feed(event::failed{
      ticket, {code, "No."}, clock_, static_cast<double>(roll(1000)) / 1000});
    if (probing)
      CHECK(now_.phase == breaker_phase::open);
    CHECK(now_.failures <= before + 1);
  }

  void stir() {
    clock_ += milliseconds{roll(500)};
    switch (roll(12)) {
      case 0:
        well_ = !well_;
        return;
      case 1:
        if (roll(10) == 0) {
          feed(event::reset{});
          CHECK(now_.phase == breaker_phase::closed);
        }
        return;
      case 2:
        clock_ += now_.options.pause;
        return;
      case 3:
      case 4:
      case 5:
      case 6:
        return come();
      default:
        if (!under_way_.empty()) {
          auto pos = under_way_.begin();
          std::advance(pos, roll(under_way_.size()));
          end(pos->first);
        }
    }
  }

  void perform(const effect::let_through& x) {
    let_in_ = x.ticket;
  }

  void perform(const effect::refuse&) {
    let_in_.reset();
  }

  void perform(const effect::keep& x) {
    CHECK(x.retry_in <= now_.options.pause_max);
    kept_ = true;
  }

  void perform(const effect::forget&) {
    kept_ = false;
  }

  std::mt19937 rng_;
  breaker now_;
  milliseconds clock_{0};
  bool well_ = true;
  bool kept_ = false;
  int last_ = 0;
  std::optional<breaker_ticket> let_in_;
  std::map<int, breaker_ticket> under_way_;
};

} // namespace

TEST_CASE("breaker: whatever fails, a provider that is well is used again",
          "[breaker][sim]") {
  for (unsigned seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    world_model world{seed};
    world.run();
    world.check();
  }
}
