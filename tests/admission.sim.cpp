// Random walks through the door of an environment: never more than the limits,
// everybody answered once and in time, and companies get their shares.

#include "actors/admission.hpp"

#include "tests/support/catch.hpp"

#include <map>
#include <random>
#include <set>

using namespace leasehold;

namespace {

namespace effect = admission_effect;
namespace event = admission_event;

class world_model {
public:
  explicit world_model(unsigned seed) : rng_{seed} {
    feed(event::limited{some_limits()});
  }

  void run() {
    for (auto i = 0; i < 250; ++i)
      stir();
  }

  /// Whoever is in leaves in the end; then nobody waits.
  void check() {
    while (!in_.empty())
      leave(*in_.begin());
    CHECK(waiting_.empty());
    CHECK_FALSE(is_busy(now_));
    for (const auto& [lease, count] : answers_) {
      CAPTURE(lease.value);
      CHECK(count == 1);
    }
  }

private:
  size_t roll(size_t n) {
    return rng_() % n;
  }

  admission_limits some_limits() {
    admission_limits out;
    out.leases_max = static_cast<uint32_t>(roll(6));
    out.acquires_max = static_cast<uint32_t>(roll(4));
    out.queue_max = static_cast<uint32_t>(1 + roll(12));
    out.queue_timeout = milliseconds{1 + roll(5'000)};
    out.weights = {{"c0", 1 + static_cast<uint32_t>(roll(4))}};
    return out;
  }

  void feed(const event::any& what) {
    auto [next, effects] = step(std::move(now_), what);
    now_ = std::move(next);
    // As the actor does.
    if (now_.queue.empty())
      armed_ = milliseconds::max();
    for (const auto& wish : effects)
      std::visit([this](const auto& x) { perform(x); }, wish);
    CHECK(now_.acquiring <= now_.places.size());
    CHECK(now_.queue.size() == waiting_.size());
    // Nobody waits where there is room.
    auto room = (now_.limits.leases_max == 0
                 || now_.places.size() < now_.limits.leases_max)
                && (now_.limits.acquires_max == 0
                    || now_.acquiring < now_.limits.acquires_max);
    CHECK((waiting_.empty() || !room));
    // Somebody looks when the first one has waited long enough.
    for (const auto& [lease, until] : waiting_) {
      CAPTURE(lease.value);
      CHECK(armed_ <= until);
    }
  }

  void stir() {
    auto then = clock_ + milliseconds{roll(400)};
    while (!waiting_.empty() && armed_ <= then) {
      clock_ = armed_;
      feed(event::time_passed{clock_});
      for (const auto& [lease, until] : waiting_)
        CHECK(until > clock_);
    }
    clock_ = then;
    switch (roll(10)) {
      case 0:
        if (roll(6) == 0)
          feed(event::limited{some_limits()});
        return;
      case 1:
        if (!waiting_.empty())
          leave(std::next(waiting_.begin(),
                          static_cast<std::ptrdiff_t>(roll(waiting_.size())))
                  ->first);
        return;
      case 2:
      case 3:
        if (!in_.empty())
          feed(event::placed{*in_.begin()});
        return;
      case 4:
      case 5:
        if (!in_.empty())
          leave(*std::next(in_.begin(),
                           static_cast<std::ptrdiff_t>(roll(in_.size()))));
        return;
      default:
        come();
    }
  }

  void come() {
    lease_id lease{"lease-" + std::to_string(answers_.size())};
    answers_[lease] = 0;
    auto before = now_.places.size();
    auto limit = now_.limits.leases_max;
    company_id company{"c" + std::to_string(roll(3))};
    milliseconds patience{roll(2) == 0 ? 0 : 1 + roll(3'000)};
    auto again = roll(15) == 0;
    feed(event::asked{lease, company, {}, clock_, patience, again});
    // A limit that was lowered keeps who is in.
    CHECK(
      (limit == 0 || now_.places.size() <= std::max<size_t>(limit, before)));
  }

  void leave(lease_id lease) {
    in_.erase(lease);
    feed(event::left{lease});
  }

  void perform(const effect::admit& x) {
    ++answers_.at(x.lease);
    waiting_.erase(x.lease);
    if (x.counted)
      in_.insert(x.lease);
  }

  void perform(const effect::refuse& x) {
    ++answers_.at(x.lease);
    waiting_.erase(x.lease);
  }

  void perform(const effect::enqueue& x) {
    for (const auto* item : now_.queue.in_order())
      if (item->lease == x.lease)
        waiting_[x.lease] = item->until;
    CHECK(x.position == position_of(now_, x.lease));
  }

  void perform(const effect::arm& x) {
    armed_ = x.at;
  }

  std::mt19937 rng_;
  admission now_;
  milliseconds clock_{0};
  milliseconds armed_{0};
  std::map<lease_id, int> answers_;
  std::map<lease_id, milliseconds> waiting_;
  std::set<lease_id> in_;
};

} // namespace

TEST_CASE("admission: limits hold and everybody is answered once, in time",
          "[admission][sim][promise-12]") {
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    world_model world{seed};
    world.run();
    world.check();
  }
}

TEST_CASE("admission: who always waits gets its weight's share of all places",
          "[admission][sim][promise-12]") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 rng{seed};
    admission now;
    admission_limits limits;
    limits.leases_max = 1 + static_cast<uint32_t>(rng() % 5);
    limits.queue_max = 1'000;
    limits.queue_timeout = milliseconds{1'000'000};
    std::map<std::string, uint32_t> weights;
    for (auto* company : {"a", "b", "c", "d"})
      weights[company] = 1 + static_cast<uint32_t>(rng() % 5);
    limits.weights = weights;
    std::map<std::string, int> served;
    std::map<std::string, std::string> company_of;
    std::vector<std::string> in;
    auto last = 0;
    auto feed = [&](const event::any& what) {
      auto [next, effects] = step(std::move(now), what);
      now = std::move(next);
      for (const auto& wish : effects)
        if (const auto* x = std::get_if<effect::admit>(&wish))
          in.push_back(x->lease.value);
    };
    auto come = [&](const std::string& company) {
      auto lease = std::to_string(++last);
      company_of[lease] = company;
      feed(event::asked{{lease}, {company}, {}, milliseconds{0}});
    };
    feed(event::limited{limits});
    for (auto i = 0; i < 20; ++i)
      for (const auto& [company, weight] : weights)
        come(company);
    auto total = 0u;
    for (const auto& [company, weight] : weights)
      total += weight;
    auto rounds = 40;
    for (auto i = 0u; i < total * static_cast<unsigned>(rounds); ++i) {
      auto pos = in.begin() + static_cast<std::ptrdiff_t>(rng() % in.size());
      auto lease = *pos;
      in.erase(pos);
      ++served[company_of[lease]];
      feed(event::left{{lease}});
      come(company_of[lease]);
    }
    for (const auto& [company, weight] : weights) {
      CAPTURE(company, weight);
      // Those that are in when the counting begins and ends may be anybody's.
      CHECK(std::abs(served[company] - static_cast<int>(weight) * rounds)
            <= static_cast<int>(limits.leases_max + weight + 5));
    }
  }
}
