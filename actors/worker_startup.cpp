#include "actors/worker_startup.hpp"

#include "messages/mutation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace leasehold {

namespace {

namespace effect = startup_effect;
namespace event = startup_event;

using effects = std::vector<effect::any>;
using phase = startup_phase;

worker_startup_step stay(worker_startup x) {
  return {std::move(x), {}};
}

worker_startup_step start(worker_startup x, effects before = {}) {
  x.phase = phase::starting;
  ++x.incarnation;
  before.push_back(effect::start{x.incarnation});
  return {std::move(x), std::move(before)};
}

/// Why there is no worker right now, for whoever is refused.
std::string reason_of(const worker_startup& x) {
  if (x.phase == phase::broken)
    return "it crashed " + std::to_string(x.crashes_in_row)
           + " times and is left alone for a while: " + x.last.message;
  if (x.last.code != ec::none)
    return x.last.message;
  return "it has not answered `initialize` yet";
}

/// The pause, ±25 %, but never more than the longest one.
milliseconds jittered(milliseconds pause, double dice,
                      const worker_startup_options& options) {
  auto factor = 0.75 + 0.5 * dice;
  milliseconds out{std::llround(static_cast<double>(pause.count()) * factor)};
  return std::min(out, options.restart_delay_max);
}

worker_startup_step on(worker_startup x, const event::wanted& ev) {
  if (x.phase == phase::running)
    return {std::move(x), {effect::admit{ev.who}}};
  if (x.phase == phase::broken) {
    auto why = reason_of(x);
    return {std::move(x),
            {effect::refuse{ev.who, ec::worker_broken, std::move(why)}}};
  }
  effects todo;
  if (ev.may_wait) {
    x.waiting.push_back(ev.who);
    todo.push_back(effect::arm_grace{ev.who});
  } else {
    todo.push_back(effect::refuse{ev.who, ec::worker_not_ready, reason_of(x)});
  }
  // The first who asks starts it, also for those who will not wait.
  if (x.phase == phase::stopped)
    return start(std::move(x), std::move(todo));
  return {std::move(x), std::move(todo)};
}

worker_startup_step on(worker_startup x, const event::grace_over& ev) {
  if (std::erase(x.waiting, ev.who) == 0)
    return stay(std::move(x));
  auto why = reason_of(x);
  return {std::move(x),
          {effect::refuse{ev.who, ec::worker_not_ready, std::move(why)}}};
}

worker_startup_step on(worker_startup x, const event::became_ready& ev) {
  if (x.phase != phase::starting || ev.incarnation != x.incarnation)
    return stay(std::move(x));
  x.phase = phase::running;
  x.ready_at = ev.now;
  x.last = {};
  effects todo;
  for (auto who : std::exchange(x.waiting, {}))
    todo.push_back(effect::admit{who});
  return {std::move(x), std::move(todo)};
}

/// Gives up for the longest pause; nobody is kept waiting for that.
worker_startup_step give_up(worker_startup x, double dice) {
  x.phase = phase::broken;
  effects todo;
  auto why = reason_of(x);
  for (auto who : std::exchange(x.waiting, {}))
    todo.push_back(effect::refuse{who, ec::worker_broken, why});
  todo.push_back(
    effect::arm_pause{jittered(x.options.restart_delay_max, dice, x.options)});
  return {std::move(x), std::move(todo)};
}

worker_startup_step on(worker_startup x, const event::crashed& ev) {
  if (ev.incarnation != x.incarnation
      || (x.phase != phase::starting && x.phase != phase::running))
    return stay(std::move(x));
  // Only a run that was stable wipes the slate; getting ready does not.
  if (x.phase == phase::running
      && (ev.now - x.ready_at >= x.options.stable_after
          || mutated(mutation::crashes_forgotten_at_once))) {
    x.crashes_in_row = 0;
    x.crashes.clear();
    x.probing = false;
  }
  x.last = ev.why;
  ++x.crashes_in_row;
  x.crashes.push_back(ev.now);
  while (ev.now - x.crashes.front() > x.options.crash_window)
    x.crashes.pop_front();
  if (x.probing || x.crashes.size() >= x.options.crashes_max)
    return give_up(std::move(x), ev.dice);
  auto pause = restart_pause(x.crashes_in_row, x.options);
  if (pause.count() == 0)
    return start(std::move(x));
  x.phase = phase::pausing;
  auto wish = effect::arm_pause{jittered(pause, ev.dice, x.options)};
  return {std::move(x), {wish}};
}

worker_startup_step on(worker_startup x, const event::pause_over&) {
  x.probing = x.probing || x.phase == phase::broken;
  if (x.phase == phase::pausing || x.phase == phase::broken)
    return start(std::move(x));
  return stay(std::move(x));
}

worker_startup_step on(worker_startup x, const event::retired& ev) {
  if (ev.incarnation != x.incarnation || x.phase == phase::stopped)
    return stay(std::move(x));
  x.phase = phase::stopped;
  x.last = {};
  if (x.waiting.empty())
    return stay(std::move(x));
  return start(std::move(x));
}

worker_startup_step on(worker_startup x, const event::reset&) {
  x.crashes_in_row = 0;
  x.crashes.clear();
  x.probing = false;
  if (x.phase == phase::pausing || x.phase == phase::broken)
    return start(std::move(x));
  return stay(std::move(x));
}

} // namespace

worker_startup_step step(worker_startup now, const startup_event::any& what) {
  return std::visit([&](const auto& ev) { return on(std::move(now), ev); },
                    what);
}

milliseconds restart_pause(uint32_t n,
                           const worker_startup_options& options) noexcept {
  if (n <= 1)
    return milliseconds{0};
  auto pause = options.restart_delay;
  for (uint32_t i = 2; i < n && pause < options.restart_delay_max; ++i)
    pause *= 2;
  return std::min(pause, options.restart_delay_max);
}

} // namespace leasehold
