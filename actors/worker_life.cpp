#include "actors/worker_life.hpp"

#include <csignal>
#include <utility>

namespace leasehold {

namespace {

namespace effect = worker_effect;
namespace event = worker_event;

using effects = std::vector<effect::any>;
using phase = worker_phase;

worker_step stay(worker_life x) {
  return {std::move(x), {}};
}

worker_step go(worker_life x, phase to, effects todo) {
  x.phase = to;
  return {std::move(x), std::move(todo)};
}

bool alive(const worker_life& x) {
  return x.phase != phase::gone && x.phase != phase::launching;
}

worker_step kill(worker_life x, failure why) {
  if (x.verdict.code == ec::none)
    x.verdict = why;
  return go(std::move(x), phase::killing,
            {effect::fail_calls{std::move(why)}, effect::send_signal{SIGKILL},
             effect::arm_deadline{}});
}

worker_step ask_to_exit(worker_life x) {
  return go(std::move(x), phase::asking,
            {effect::ask_to_exit{}, effect::arm_deadline{}});
}

worker_step on(worker_life x, const event::started&) {
  if (x.phase != phase::launching)
    return stay(std::move(x));
  if (x.stop_asked)
    return go(std::move(x), phase::terminating,
              {effect::send_signal{SIGTERM}, effect::arm_deadline{}});
  return go(std::move(x), phase::initializing, {effect::initialize{}});
}

worker_step on(worker_life x, const event::not_started& ev) {
  if (x.phase != phase::launching)
    return stay(std::move(x));
  auto expected = x.stop_asked;
  return go(std::move(x), phase::gone,
            {effect::fail_calls{ev.why}, effect::leave{expected, ev.why}});
}

worker_step on(worker_life x, const event::initialized&) {
  if (x.phase != phase::initializing)
    return stay(std::move(x));
  return go(std::move(x), phase::ready, {effect::announce_ready{}});
}

worker_step on(worker_life x, const event::initialize_failed& ev) {
  if (x.phase != phase::initializing)
    return stay(std::move(x));
  return kill(std::move(x), ev.why);
}

worker_step on(worker_life x, const event::stop_asked& ev) {
  if (std::exchange(x.stop_asked, true))
    return stay(std::move(x));
  switch (x.phase) {
    case phase::ready:
      if (ev.busy)
        return go(std::move(x), phase::draining, {effect::arm_deadline{}});
      return ask_to_exit(std::move(x));
    case phase::initializing:
      return go(std::move(x), phase::terminating,
                {effect::send_signal{SIGTERM}, effect::arm_deadline{}});
    default:
      return stay(std::move(x));
  }
}

worker_step on(worker_life x, const event::relief_asked& ev) {
  if (x.stop_asked || std::exchange(x.relieved, true))
    return stay(std::move(x));
  if (x.phase == phase::ready && ev.busy)
    return {std::move(x), {effect::arm_deadline{}}};
  return on(std::move(x), event::stop_asked{ev.busy});
}

worker_step on(worker_life x, const event::idle&) {
  if (x.phase == phase::draining)
    return ask_to_exit(std::move(x));
  if (x.phase == phase::ready && x.relieved)
    return on(std::move(x), event::stop_asked{false});
  return stay(std::move(x));
}

worker_step on(worker_life x, const event::deadline&) {
  switch (x.phase) {
    case phase::ready:
      // Whoever calls all the time never leaves a moment without calls.
      return x.relieved ? on(std::move(x), event::stop_asked{true})
                        : stay(std::move(x));
    case phase::draining:
      return ask_to_exit(std::move(x));
    case phase::asking:
      return go(std::move(x), phase::terminating,
                {effect::send_signal{SIGTERM}, effect::arm_deadline{}});
    case phase::terminating:
      return kill(std::move(x),
                  {ec::worker_lost, "The worker did not follow SIGTERM.", {}});
    case phase::killing:
      // The kernel has it; waiting for a process that cannot die helps nobody.
      return go(x, phase::gone, {effect::leave{x.stop_asked, x.verdict}});
    default:
      return stay(std::move(x));
  }
}

worker_step on(worker_life x, const event::health_missed&) {
  if (x.phase != phase::ready)
    return stay(std::move(x));
  if (++x.missed < health_misses_max)
    return stay(std::move(x));
  return kill(std::move(x),
              {ec::worker_lost,
               "The worker did not answer " + std::to_string(health_misses_max)
                 + " health checks in a row.",
               {}});
}

worker_step on(worker_life x, const event::healthy&) {
  x.missed = 0;
  return stay(std::move(x));
}

worker_step on(worker_life x, const event::condemned& ev) {
  // One that was asked to stop is on its way out already.
  if (!alive(x) || x.phase == phase::killing || x.stop_asked)
    return stay(std::move(x));
  return kill(std::move(x), ev.why);
}

worker_step on(worker_life x, const event::exited& ev) {
  if (x.phase == phase::gone)
    return stay(std::move(x));
  auto condemned = x.phase == phase::killing && !x.stop_asked;
  auto why = condemned ? x.verdict : ev.how;
  auto expected = x.stop_asked;
  return go(
    std::move(x), phase::gone,
    {effect::fail_calls{ev.how}, effect::leave{expected, std::move(why)}});
}

} // namespace

worker_step step(worker_life now, const worker_event::any& what) {
  return std::visit([&](const auto& ev) { return on(std::move(now), ev); },
                    what);
}

} // namespace leasehold
