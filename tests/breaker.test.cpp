// When a provider that nobody gets an answer from is left alone.

#include "actors/breaker.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;
using namespace std::chrono_literals;

namespace event = breaker_event;
namespace effect = breaker_effect;

namespace {

const failure timed_out{ec::call_timed_out, "No answer.", "its own words"};
const failure lost{ec::worker_lost, "It crashed."};

struct guarded {
  breaker now;
  milliseconds clock{0};
  std::vector<effect::any> last;

  guarded() {
    now.options = {3, 1'000ms, 10'000ms};
  }

  void on(const event::any& what) {
    auto [next, effects] = step(now, what);
    now = std::move(next);
    last = std::move(effects);
  }

  /// Comes and wants to be let through; nothing if it is not.
  std::optional<breaker_ticket> come() {
    on(event::wanted{clock});
    REQUIRE(last.size() == 1);
    auto* in = std::get_if<effect::let_through>(&last[0]);
    return in ? std::optional{in->ticket} : std::nullopt;
  }

  void fail(const breaker_ticket& ticket, const failure& why = timed_out) {
    on(event::failed{ticket, why, clock, 0.5});
  }

  void fail_times(int n) {
    for (auto i = 0; i < n; ++i)
      fail(come().value());
  }

  milliseconds refused_for() {
    on(event::wanted{clock});
    return std::get<effect::refuse>(last.at(0)).retry_in;
  }
};

} // namespace

TEST_CASE_METHOD(guarded, "breaker: it opens with the last of K failures",
                 "[breaker]") {
  fail_times(2);
  CHECK(last.empty());
  CHECK(now.phase == breaker_phase::closed);
  fail_times(1);
  CHECK(last == std::vector<effect::any>{effect::keep{1'000ms}});
  CHECK(now.phase == breaker_phase::open);
  CHECK(refused_for() == 1'000ms);
  clock += 400ms;
  CHECK(refused_for() == 600ms);
}

TEST_CASE_METHOD(guarded, "breaker: an answer between failures forgives them",
                 "[breaker]") {
  fail_times(2);
  on(event::answered{come().value()});
  fail_times(2);
  CHECK(now.phase == breaker_phase::closed);
}

TEST_CASE_METHOD(guarded, "breaker: failures of calls side by side all count",
                 "[breaker]") {
  auto a = come().value();
  auto b = come().value();
  auto c = come().value();
  fail(a);
  fail(b);
  fail(c);
  CHECK(now.phase == breaker_phase::open);
}

TEST_CASE_METHOD(guarded, "breaker: a crash counts once for all that it took",
                 "[breaker]") {
  std::vector<breaker_ticket> many;
  for (auto i = 0; i < 200; ++i)
    many.push_back(come().value());
  for (const auto& ticket : many)
    fail(ticket, lost);
  CHECK(now.failures == 1);
  fail(come().value(), lost);
  fail(come().value(), lost);
  CHECK(now.phase == breaker_phase::open);
}

TEST_CASE_METHOD(guarded, "breaker: after the pause one is let through to try",
                 "[breaker]") {
  fail_times(3);
  clock += 1'000ms;
  auto probe = come();
  REQUIRE(probe);
  CHECK_FALSE(come());
  CHECK(refused_for() == 0ms);
  SECTION("an answer closes it") {
    on(event::answered{*probe});
    CHECK(last == std::vector<effect::any>{effect::forget{}});
    CHECK(come());
    CHECK(come());
    CHECK(now.failures == 0);
  }
  SECTION("a failure opens it for twice as long") {
    fail(*probe);
    CHECK(last == std::vector<effect::any>{effect::keep{2'000ms}});
    CHECK(refused_for() == 2'000ms);
  }
  SECTION("if nobody will know, the next one tries") {
    on(event::withdrawn{*probe});
    CHECK(come());
    CHECK_FALSE(come());
  }
}

TEST_CASE_METHOD(guarded, "breaker: pauses double up to the longest",
                 "[breaker]") {
  fail_times(3);
  std::vector<int64_t> pauses;
  for (auto i = 0; i < 6; ++i) {
    pauses.push_back(refused_for().count());
    clock += refused_for();
    fail(come().value());
  }
  CHECK(pauses == std::vector<int64_t>{1000, 2000, 4000, 8000, 10000, 10000});
}

TEST_CASE_METHOD(guarded, "breaker: pauses are spread, but never too long",
                 "[breaker]") {
  fail_times(2);
  SECTION("by a quarter at the most") {
    on(event::failed{come().value(), timed_out, clock, 0.0});
    CHECK(refused_for() == 750ms);
  }
  SECTION("the longest is the longest") {
    now.pauses = 9;
    on(event::failed{come().value(), timed_out, clock, 0.999});
    CHECK(refused_for() == 10'000ms);
  }
}

TEST_CASE_METHOD(guarded, "breaker: outcomes of earlier times change nothing",
                 "[breaker]") {
  auto early = come().value();
  fail_times(3);
  on(event::answered{early});
  CHECK(now.phase == breaker_phase::open);
  fail(early);
  CHECK(now.failures == 3);
  clock += 1'000ms;
  auto probe = come().value();
  on(event::answered{early});
  on(event::withdrawn{early});
  fail(early);
  CHECK(now.phase == breaker_phase::probing);
  on(event::answered{probe});
  fail(probe);
  CHECK(now.failures == 0);
  CHECK(now.phase == breaker_phase::closed);
}

TEST_CASE_METHOD(guarded, "breaker: an operator closes it", "[breaker]") {
  fail_times(3);
  on(event::reset{});
  CHECK(last == std::vector<effect::any>{effect::forget{}});
  CHECK(come());
  on(event::reset{});
  CHECK(last.empty());
}

TEST_CASE_METHOD(guarded, "breaker: what others found out is taken over",
                 "[breaker]") {
  on(event::restored{7, 2, 5'000ms, timed_out});
  CHECK(refused_for() == 5'000ms);
  clock = 5'000ms;
  auto probe = come().value();
  on(event::restored{9, 3, 90'000ms, timed_out});
  CHECK(now.phase == breaker_phase::probing);
  fail(probe);
  CHECK(refused_for() == 4'000ms);
}

TEST_CASE_METHOD(guarded, "breaker: with a limit of zero it never opens",
                 "[breaker]") {
  now.options.failures_max = 0;
  fail_times(100);
  on(event::restored{7, 2, 5'000ms, timed_out});
  CHECK(come());
}

TEST_CASE("breaker: what counts is that nobody answers", "[breaker]") {
  for (auto code : {ec::call_timed_out, ec::worker_lost, ec::worker_not_ready,
                    ec::outcome_unknown, ec::protocol_violation})
    CHECK(evidence_of(code, false) == evidence::failed);
  for (auto code : {ec::none, ec::provider_refused, ec::resource_gone,
                    ec::not_supported, ec::stale_lease})
    CHECK(evidence_of(code, false) == evidence::answered);
  // What the engine itself is to blame for, and what the worker's own crash
  // intensity has said already.
  for (auto code : {ec::worker_broken, ec::overloaded, ec::store_unavailable,
                    ec::circuit_open, ec::cancelled, ec::conflict,
                    ec::secret_unusable, ec::shutting_down})
    CHECK(evidence_of(code, false) == evidence::none);
  CHECK(evidence_of(ec::provider_refused, true) == evidence::failed);
}

TEST_CASE_METHOD(guarded, "breaker: who is refused hears the provider's words",
                 "[breaker]") {
  fail_times(3);
  auto why = refusal_of(now, 1'200ms, "Environment \"box\"",
                        "leasehold env reset box");
  CHECK(why.code == ec::circuit_open);
  CHECK(disposition_of(why.code) == disposition::retry);
  CHECK(why.provider_acted == acted::no);
  CHECK(why.message
        == "Environment \"box\" is left alone after 3 failures in a row. It is "
           "tried again in 2 s, or at once after `leasehold env reset box`. It "
           "said last: No answer.");
  CHECK(why.detail == "call_timed_out: No answer.\nits own words");
  CHECK(refusal_of(now, 0ms, "Plugin \"p\"", "").message
        == "Plugin \"p\" is left alone after 3 failures in a row, and is being "
           "tried right now. It said last: No answer.");
}
