// Random walks through a tenancy: whoever asks for its end, in whatever order,
// with a provider that answers late or never and a store that is unwell. Once
// somebody has asked, the lease ends, and its end is written once.

#include "actors/tenancy.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

#include <random>
#include <set>

using namespace leasehold;

namespace {

namespace effect = tenancy_effect;
namespace event = tenancy_event;
using how = lease_ending::how;

/// The run, the provider and the store around one tenancy.
class world_model {
public:
  explicit world_model(unsigned seed) : rng_{seed} {
    now_.terms.makes_resource = !one_in(5);
    if (one_in(2))
      now_.terms.policy = lease_policy::reuse_by_environment;
  }

  void run() {
    for (auto i = 0; i < 40; ++i)
      stir();
    ask(how::release, false);
    // Time passes: timers fire, the store recovers, and nothing else happens.
    for (auto i = 0; i < 20 && now_.phase != tenancy_phase::ended; ++i) {
      if (now_.retaking > 0)
        feed(event::retake_over{});
      else if (patience_)
        pass_patience();
      else if (retry_)
        pass_retry();
      else if (writing_)
        written(true);
    }
  }

  void check() {
    CHECK(now_.phase == tenancy_phase::ended);
    CHECK(ends_told_ == 1);
    CHECK((ends_written_ == 1 || ended_by_others_));
    CHECK(ends_written_ <= 1);
    for (auto call : calls_)
      feed(event::provider_answered{call, done{}});
    CHECK(ends_told_ == 1);
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
      // Timers belong to a phase.
      patience_ = retry_ = false;
    CHECK(now_.phase >= before);
    for (const auto& wish : effects)
      std::visit([this](const auto& x) { perform(x); }, wish);
    CHECK((now_.phase != tenancy_phase::recording || writing_ || retry_
           || now_.retaking > 0));
    CHECK((now_.phase != tenancy_phase::ending || patience_));
  }

  void stir() {
    switch (roll(11)) {
      case 9:
        // Only a lease that is not ending is taken again.
        if (now_.phase == tenancy_phase::active)
          feed(event::retake_began{});
        return;
      case 10:
        if (now_.retaking > 0)
          feed(event::retake_over{});
        return;
      case 0:
        // No command begins on a lease that is ending.
        if (now_.phase == tenancy_phase::active)
          feed(event::command_began{{std::to_string(roll(3))}});
        return;
      case 1:
      case 2:
        return feed(event::command_ended{{std::to_string(roll(3))}});
      case 3:
        if (one_in(3))
          ask(static_cast<how>(roll(3)), one_in(2));
        return;
      case 4:
        if (patience_)
          pass_patience();
        return;
      case 5:
        if (retry_)
          pass_retry();
        return;
      case 6:
        if (writing_)
          written(!one_in(3));
        return;
      default:
        if (!calls_.empty())
          answer();
    }
  }

  void ask(how what, bool wait) {
    auto status = static_cast<release_status>(roll(3));
    asked_to_destroy_
      = asked_to_destroy_
        || (what == how::destroy && now_.phase < tenancy_phase::recording);
    feed(event::asked_to_end{{what, status, {}}, wait});
  }

  void pass_patience() {
    patience_ = false;
    feed(event::patience_over{});
  }

  void pass_retry() {
    retry_ = false;
    feed(event::retry_due{});
  }

  void answer() {
    auto pos = calls_.begin();
    std::advance(pos, static_cast<long>(roll(calls_.size())));
    auto call = *pos;
    calls_.erase(pos);
    if (one_in(3))
      feed(event::provider_answered{call,
                                    failure{ec::provider_refused, "No.", {}}});
    else
      feed(event::provider_answered{call, done{}});
  }

  void written(bool well) {
    writing_ = false;
    if (one_in(20))
      ended_by_others_ = true;
    if (!well)
      return feed(event::unrecorded{{ec::store_unavailable, "No.", {}}});
    if (ended_by_others_)
      return feed(event::unrecorded{{ec::conflict, "Ended.", {}}});
    ++ends_written_;
    feed(event::recorded{});
  }

  void call(uint32_t number) {
    CHECK(now_.terms.makes_resource);
    CHECK(numbers_.insert(number).second);
    calls_.insert(number);
  }

  void perform(const effect::call_release& x) {
    call(x.call);
  }

  void perform(const effect::call_destroy& x) {
    call(x.call);
  }

  void perform(const effect::record& x) {
    CHECK_FALSE(writing_);
    CHECK(now_.retaking == 0);
    writing_ = true;
    CHECK(has_ended(x.outcome.status));
    // Nobody who wanted it gone finds it parked or kept.
    if (asked_to_destroy_) {
      CHECK_FALSE(x.outcome.parked);
      CHECK(x.outcome.cleanup != cleanup_status::none);
    }
  }

  void perform(const effect::announce& x) {
    ++ends_told_;
    CHECK(x.outcome == now_.outcome);
    CHECK(ends_written_ == 1);
  }

  void perform(const effect::withdraw&) {
    ++ends_told_;
    CHECK(ended_by_others_);
  }

  void perform(const effect::cancel_commands&) {
    CHECK_FALSE(now_.running.empty());
  }

  void perform(const effect::arm_patience&) {
    patience_ = true;
  }

  void perform(const effect::arm_retry&) {
    retry_ = true;
  }

  void perform(const effect::excuse&) {
    CHECK(now_.phase == tenancy_phase::recording);
  }

  std::minstd_rand rng_;
  tenancy now_;
  /// Calls that the provider has not answered, and every number so far.
  std::set<uint32_t> calls_;
  std::set<uint32_t> numbers_;
  bool patience_ = false;
  bool retry_ = false;
  bool writing_ = false;
  bool ended_by_others_ = false;
  bool asked_to_destroy_ = false;
  int ends_written_ = 0;
  int ends_told_ = 0;
};

} // namespace

TEST_CASE("tenancy: a lease ends once, whatever happens on the way",
          "[sim][promise-8]") {
  auto seed = GENERATE(range(1, 3000));
  CAPTURE(seed);
  world_model world{static_cast<unsigned>(seed)};
  world.run();
  world.check();
}
