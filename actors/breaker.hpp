#pragma once

// When a provider is left alone that nobody gets an answer from: who is let
// through to it, and who is refused at once.

#include "messages/enums.hpp"
#include "messages/errors.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace leasehold {

//            +--------------------- answered ---------------------+
//            v                                                    |
//  closed --the last of K failures in a row--> open --wanted, pause over--+
//    ^  ^                                       ^ ^               |       |
//    |  +-------------- reset ------------------+ +----failed-----+       |
//    |                                          | (a longer pause)|       |
//    +---- answered before K failures           +---withdrawn--- probing <+
//
// Whoever is let through says how it went, under the ticket that he was given.
// While it is open nobody is; once the pause is over one is, as a probe, and
// nobody else until that one has an outcome. There is no timer: the pause ends
// for whoever comes first after it.
//
// One breaker guards an environment, one guards a plugin. They say whether runs
// are let through. Whether a process is started again that crashes is decided
// by `worker_startup`; what that refuses (`worker_broken`) counts for nothing
// here, and a crash counts once for all the calls that it took with it.

enum class breaker_phase : uint8_t { closed, open, probing };

template <>
inline constexpr auto names<breaker_phase> = named<breaker_phase>({
  {breaker_phase::closed, "closed"},
  {breaker_phase::open, "open"},
  {breaker_phase::probing, "probing"},
});

struct breaker_options {
  /// Failures in a row that open it; zero: it never opens.
  uint32_t failures_max = 5;
  /// The first pause, doubling up to the longest, ±25 %.
  milliseconds pause{5'000};
  milliseconds pause_max{300'000};
};

/// Who was let through, and when that was.
struct breaker_ticket {
  /// Which period it was let through in; zero: none at all.
  uint64_t period = 0;
  /// Crashes that had been counted by then.
  uint64_t crashes = 0;

  friend bool operator==(const breaker_ticket&, const breaker_ticket&)
    = default;
};

/// One breaker. A value: copy, compare, store it.
struct breaker {
  breaker_options options;
  breaker_phase phase = breaker_phase::closed;
  /// Failures in a row.
  uint32_t failures = 0;
  /// Pauses since it opened.
  uint32_t pauses = 0;
  /// Counts the changes of phase.
  uint64_t period = 1;
  uint64_t crashes = 0;
  /// When the pause is over, by a clock that never goes back.
  milliseconds retry_at{0};
  /// The last failure that counted.
  failure last;
};

/// What an outcome says about a provider.
enum class evidence : uint8_t {
  /// It answers, whatever it says.
  answered,
  /// Nobody answers, or what answers makes no sense.
  failed,
  /// Nothing: it was not asked, or the answer is about something else.
  none,
};

/// What this failure of a call says. Where `refusal_is_outage`, a refusal is
/// never about the request.
[[nodiscard]] evidence evidence_of(ec code, bool refusal_is_outage) noexcept;

// -- events: what happened ----------------------------------------------------

namespace breaker_event {

/// Somebody wants to be let through.
struct wanted {
  milliseconds now;
};

/// Whoever had this ticket got an answer.
struct answered {
  breaker_ticket ticket;
};

struct failed {
  breaker_ticket ticket;
  failure why;
  milliseconds now;
  /// In [0, 1): spreads the probes of many engines.
  double dice;
};

/// Nobody will know.
struct withdrawn {
  breaker_ticket ticket;
};

/// An operator wants it tried again at once.
struct reset {};

/// What another engine, or this one in an earlier life, has found out.
struct restored {
  uint32_t failures;
  uint32_t pauses;
  milliseconds retry_at;
  failure last;
};

using any = std::variant<wanted, answered, failed, withdrawn, reset, restored>;

} // namespace breaker_event

// -- effects: what to do about it ---------------------------------------------

namespace breaker_effect {

struct let_through {
  breaker_ticket ticket;
  friend bool operator==(const let_through&, const let_through&) = default;
};

struct refuse {
  /// How long the pause lasts still; zero while somebody tries.
  milliseconds retry_in;
  friend bool operator==(const refuse&, const refuse&) = default;
};

/// Write down that it is open, for as long as this.
struct keep {
  milliseconds retry_in;
  friend bool operator==(const keep&, const keep&) = default;
};

/// Write down that it is closed.
struct forget {
  friend bool operator==(const forget&, const forget&) = default;
};

using any = std::variant<let_through, refuse, keep, forget>;

} // namespace breaker_effect

/// One step: the next state, and what to do, in order.
struct breaker_step {
  breaker next;
  std::vector<breaker_effect::any> effects;
};

/// Advances a breaker by one event. Pure: no clock, no I/O, no dice.
[[nodiscard]] breaker_step step(breaker now, const breaker_event::any& what);

/// What whoever is refused is told. `what` begins the sentence, as in
/// `Environment "box"`; `reset` is the command that closes the breaker.
[[nodiscard]] failure refusal_of(const breaker& x, milliseconds retry_in,
                                 std::string_view what, std::string_view reset);

} // namespace leasehold
