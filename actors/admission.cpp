#include "actors/admission.hpp"

#include "messages/mutation.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

namespace effect = admission_effect;
namespace event = admission_event;

using effects = std::vector<effect::any>;

admission_step stay(admission x, effects todo = {}) {
  return {std::move(x), std::move(todo)};
}

bool has_room(const admission& x) {
  const auto& limits = x.limits;
  auto taken
    = mutated(mutation::limit_counted_late) ? x.live() : x.places.size();
  return (limits.leases_max == 0 || taken < limits.leases_max)
         && (limits.acquires_max == 0 || x.acquiring < limits.acquires_max);
}

void give_place(admission& x, const lease_id& lease, effects& todo) {
  if (x.places.emplace(lease, false).second)
    ++x.acquiring;
  todo.push_back(effect::admit{lease, true});
}

/// Lets in whoever there is room for.
void let_in(admission& x, effects& todo) {
  while (has_room(x)) {
    auto next = x.queue.pop();
    if (!next)
      return;
    give_place(x, next->lease, todo);
  }
}

/// When the next one gives up; nothing if nobody waits.
std::optional<milliseconds> next_end(const admission& x) {
  std::optional<milliseconds> out;
  x.queue.for_each([&](const waiting_lease& who) {
    out = std::min(out.value_or(who.until), who.until);
  });
  return out;
}

/// Sees to it that whoever waits until then is not forgotten.
void arm(admission& x, milliseconds at, effects& todo) {
  if (x.armed && *x.armed <= at)
    return;
  x.armed = at;
  todo.push_back(effect::arm{at});
}

effect::refuse no_room(const waiting_lease& who, const admission& x) {
  auto count = std::to_string(x.queue.size());
  return {who.lease,
          {ec::overloaded, "The environment is at its limit, and " + count
                             + " wait for a lease already; try again later."}};
}

effect::refuse too_long(const waiting_lease& who, milliseconds now) {
  auto waited = std::to_string((now - who.since).count());
  return {who.lease,
          {ec::queue_timed_out,
           "No lease of the environment became free in " + waited + " ms."}};
}

admission_step on(admission x, const event::asked& ev) {
  effects todo;
  if (ev.again || !has_limit(x.limits)) {
    todo.push_back(effect::admit{ev.lease, false});
    return stay(std::move(x), std::move(todo));
  }
  // Whoever came before is let in before.
  if (x.queue.empty() && has_room(x)) {
    give_place(x, ev.lease, todo);
    return stay(std::move(x), std::move(todo));
  }
  auto patience
    = ev.patience.count() > 0 ? ev.patience : x.limits.queue_timeout;
  waiting_lease who{ev.lease, ev.company, ev.run, ev.now, ev.now + patience};
  auto line = mutated(mutation::one_line_for_all) ? company_id{} : ev.company;
  if (auto refused = x.queue.push(line, who)) {
    todo.push_back(no_room(*refused, x));
    if (refused->lease == ev.lease)
      return stay(std::move(x), std::move(todo));
  }
  auto position = static_cast<uint32_t>(x.queue.last_place_of(line));
  todo.push_back(effect::enqueue{ev.lease, position});
  arm(x, who.until, todo);
  return stay(std::move(x), std::move(todo));
}

admission_step on(admission x, const event::placed& ev) {
  effects todo;
  auto pos = x.places.find(ev.lease);
  // Who did not have to ask needs room all the same.
  if (pos == x.places.end() && has_limit(x.limits))
    x.places.emplace(ev.lease, true);
  if (pos != x.places.end() && !std::exchange(pos->second, true)) {
    --x.acquiring;
    let_in(x, todo);
  }
  return stay(std::move(x), std::move(todo));
}

admission_step on(admission x, const event::left& ev) {
  effects todo;
  auto is_it = [&](const waiting_lease& who) { return who.lease == ev.lease; };
  // Who has a place does not wait for one.
  if (!x.places.contains(ev.lease) && x.queue.remove_if(is_it))
    todo.push_back(effect::refuse{
      ev.lease, {ec::cancelled, "Nobody waits for this lease any more."}});
  if (mutated(mutation::place_kept_for_ever))
    return stay(std::move(x), std::move(todo));
  if (auto place = x.places.extract(ev.lease)) {
    if (!place.mapped())
      --x.acquiring;
    let_in(x, todo);
  }
  return stay(std::move(x), std::move(todo));
}

admission_step on(admission x, const event::counted& ev) {
  for (const auto& lease : ev.live)
    x.places.emplace(lease, true);
  return stay(std::move(x));
}

admission_step on(admission x, const event::limited& ev) {
  effects todo;
  x.limits = ev.limits;
  x.queue.set_capacity(x.limits.queue_max);
  std::map<company_id, uint32_t> weights;
  for (const auto& [company, weight] : x.limits.weights)
    weights.emplace(company_id{company}, weight);
  x.queue.set_weights(std::move(weights));
  let_in(x, todo);
  return stay(std::move(x), std::move(todo));
}

admission_step on(admission x, const event::time_passed& ev) {
  effects todo;
  auto is_over = [&](const waiting_lease& who) { return who.until <= ev.now; };
  while (auto who = x.queue.remove_if(is_over))
    todo.push_back(too_long(*who, ev.now));
  x.armed.reset();
  if (auto next = next_end(x))
    arm(x, *next, todo);
  return stay(std::move(x), std::move(todo));
}

admission_step on(admission x, const event::shut& ev) {
  effects todo;
  while (auto who = x.queue.pop())
    todo.push_back(effect::refuse{who->lease, ev.why});
  return stay(std::move(x), std::move(todo));
}

} // namespace

bool has_limit(const admission_limits& x) noexcept {
  return x.leases_max > 0 || x.acquires_max > 0;
}

admission_step step(admission now, const admission_event::any& what) {
  auto out
    = std::visit([&](const auto& ev) { return on(std::move(now), ev); }, what);
  // Nobody waits, so nobody is woken.
  if (out.next.queue.empty())
    out.next.armed.reset();
  return out;
}

bool is_busy(const admission& x) noexcept {
  return !x.queue.empty() || !x.places.empty();
}

uint32_t position_of(const admission& x, const lease_id& lease) {
  uint32_t position = 0;
  for (const auto* item : x.queue.in_order()) {
    ++position;
    if (item->lease == lease)
      return position;
  }
  return 0;
}

} // namespace leasehold
