#include "actors/breaker.hpp"

#include "messages/mutation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace leasehold {

namespace {

namespace effect = breaker_effect;
namespace event = breaker_event;

using phase = breaker_phase;

breaker_step stay(breaker x) {
  return {std::move(x), {}};
}

breaker_step go(breaker x, phase to, std::vector<effect::any> todo) {
  x.phase = to;
  ++x.period;
  return {std::move(x), std::move(todo)};
}

/// Whether this outcome belongs to what is going on now.
bool is_current(const breaker& x, const breaker_ticket& ticket) {
  return ticket.period == x.period && x.phase != phase::open;
}

/// The pause after so many others, ±25 %, but never more than the longest.
milliseconds pause_of(const breaker& x, double dice) {
  auto pause = x.options.pause;
  for (uint32_t i = 0; i < x.pauses && pause < x.options.pause_max; ++i)
    pause *= 2;
  auto factor = 0.75 + 0.5 * dice;
  milliseconds out{std::llround(static_cast<double>(pause.count()) * factor)};
  return std::min(out, x.options.pause_max);
}

breaker_step open(breaker x, milliseconds now, double dice) {
  auto pause = pause_of(x, dice);
  ++x.pauses;
  x.retry_at = now + pause;
  return go(std::move(x), phase::open, {effect::keep{pause}});
}

breaker_step close(breaker x) {
  x.failures = 0;
  if (x.phase == phase::closed)
    return stay(std::move(x));
  x.pauses = 0;
  x.last = {};
  return go(std::move(x), phase::closed, {effect::forget{}});
}

breaker_step let_through(breaker x) {
  auto ticket = breaker_ticket{x.period, x.crashes};
  return {std::move(x), {effect::let_through{ticket}}};
}

breaker_step on(breaker x, const event::wanted& ev) {
  if (x.phase == phase::closed)
    return let_through(std::move(x));
  if (x.phase == phase::probing)
    return {std::move(x), {effect::refuse{milliseconds{0}}}};
  if (ev.now < x.retry_at || mutated(mutation::breaker_never_half_open)) {
    auto left = x.retry_at - ev.now;
    return {std::move(x), {effect::refuse{left}}};
  }
  return let_through(go(std::move(x), phase::probing, {}).next);
}

breaker_step on(breaker x, const event::answered& ev) {
  return is_current(x, ev.ticket) ? close(std::move(x)) : stay(std::move(x));
}

breaker_step on(breaker x, const event::failed& ev) {
  if (!is_current(x, ev.ticket))
    return stay(std::move(x));
  if (ev.why.code == ec::worker_lost) {
    // One crash fails all calls that are under way.
    if (ev.ticket.crashes < x.crashes && x.phase == phase::closed)
      return stay(std::move(x));
    ++x.crashes;
  }
  x.last = ev.why;
  ++x.failures;
  auto enough
    = x.options.failures_max > 0 && x.failures >= x.options.failures_max;
  if (x.phase == phase::probing || enough)
    return open(std::move(x), ev.now, ev.dice);
  return stay(std::move(x));
}

breaker_step on(breaker x, const event::withdrawn& ev) {
  // The next one may try at once.
  if (x.phase == phase::probing && is_current(x, ev.ticket))
    return go(std::move(x), phase::open, {});
  return stay(std::move(x));
}

breaker_step on(breaker x, const event::reset&) {
  return close(std::move(x));
}

breaker_step on(breaker x, const event::restored& ev) {
  // Who is trying finds out more than anybody has written down.
  if (x.phase == phase::probing || x.options.failures_max == 0)
    return stay(std::move(x));
  x.failures = ev.failures;
  x.pauses = ev.pauses;
  x.retry_at = ev.retry_at;
  x.last = ev.last;
  if (x.phase == phase::open)
    return stay(std::move(x));
  return go(std::move(x), phase::open, {});
}

} // namespace

breaker_step step(breaker now, const breaker_event::any& what) {
  return std::visit([&](const auto& ev) { return on(std::move(now), ev); },
                    what);
}

evidence evidence_of(ec code, bool refusal_is_outage) noexcept {
  switch (code) {
    case ec::call_timed_out:
    case ec::worker_lost:
    case ec::worker_not_ready:
    case ec::outcome_unknown:
    case ec::protocol_violation:
    case ec::too_large:
      return evidence::failed;
    case ec::provider_refused:
      return refusal_is_outage ? evidence::failed : evidence::answered;
    case ec::none:
    case ec::resource_gone:
    case ec::not_supported:
    case ec::stale_lease:
      return evidence::answered;
    default:
      return evidence::none;
  }
}

failure refusal_of(const breaker& x, milliseconds retry_in,
                   std::string_view what, std::string_view reset) {
  auto message = std::string{what} + " is left alone after "
                 + std::to_string(x.failures) + " failures in a row";
  if (retry_in.count() > 0)
    message += ". It is tried again in "
               + std::to_string((retry_in.count() + 999) / 1000)
               + " s, or at once after `" + std::string{reset} + "`.";
  else
    message += ", and is being tried right now.";
  message += " It said last: " + x.last.message;
  auto detail = to_string(x.last.code) + ": " + x.last.message;
  if (!x.last.detail.empty())
    detail += "\n" + x.last.detail;
  return {ec::circuit_open, std::move(message), std::move(detail)};
}

} // namespace leasehold
