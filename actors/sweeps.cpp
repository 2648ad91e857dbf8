#include "actors/sweeps.hpp"

#include "actors/foreign_end.hpp"
#include "messages/mutation.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

namespace event = sweep_event;
namespace effect = sweep_effect;
using effects = std::vector<effect::any>;
using stage = sweeps::stage;

/// The shortest pause between two sweeps: what is due already was started, or
/// waits for a place.
constexpr milliseconds pause_min{50};

sweep_step stay(sweeps x) {
  return {std::move(x), {}};
}

// -- leases of dead engines ---------------------------------------------------

sweep_step look_for_orphans(sweeps x) {
  if (x.looking)
    return stay(std::move(x));
  x.looking = true;
  x.unfinished = false;
  x.more_orphans = false;
  x.refused = false;
  x.soonest = x.options.orphan_interval;
  auto limit = x.options.batch_max;
  return {std::move(x), {effect::list_orphans{limit}}};
}

/// How soon to look again: at once at first, where there is reason to.
milliseconds orphan_pause(const sweeps& x) {
  if (x.more_orphans && x.retries == 0)
    return milliseconds{0};
  if (!x.unfinished)
    return std::min(x.options.orphan_interval, x.soonest);
  auto pause = x.options.orphan_retry;
  for (uint32_t i = 1; i < x.retries && pause < x.options.orphan_interval; ++i)
    pause *= 2;
  return std::min(pause, x.options.orphan_interval);
}

/// The pass is over; `wrote`: about at least one of them.
sweep_step end_pass(sweeps x, bool wrote) {
  x.looking = false;
  if (!x.more_orphans || x.refused)
    x.retries = x.unfinished ? x.retries + 1 : 0;
  x.resolved = x.resolved || !x.unfinished;
  effects todo{effect::arm_orphans{orphan_pause(x)}};
  // What they left is owed now, or was before anybody looked.
  if (!wrote && x.swept)
    return {std::move(x), std::move(todo)};
  auto sweep = step(std::move(x), event::sweep_due{});
  todo.insert(todo.end(), sweep.effects.begin(), sweep.effects.end());
  return {std::move(sweep.next), std::move(todo)};
}

sweep_step on(sweeps x, const event::started&) {
  auto out = look_for_orphans(std::move(x));
  // Not at once: a program that starts has better things to do.
  if (out.next.options.history_ttl.count() > 0
      || out.next.options.secret_access_ttl.count() > 0)
    out.effects.emplace_back(
      effect::arm_prune{out.next.options.sweep_interval});
  return out;
}

sweep_step on(sweeps x, const event::orphans_due&) {
  return look_for_orphans(std::move(x));
}

sweep_step on(sweeps x, const event::orphans_listed& ev) {
  if (!x.looking || x.writing > 0)
    return stay(std::move(x));
  effects todo;
  for (const auto& row : ev.found.rows) {
    auto what = settle_orphan(row, x.self);
    if (std::holds_alternative<await_run>(what))
      x.soonest = std::min(x.soonest, row.reattach_grace);
    auto note = std::visit(
      [](const auto& write) {
        if constexpr (requires { write.note; })
          return write.note;
        else
          return std::string{};
      },
      what);
    todo.emplace_back(
      effect::say{false, "lease " + row.id.value + ": " + note});
    todo.emplace_back(effect::settle_orphan{row.id, std::move(what)});
  }
  x.writing = ev.found.rows.size();
  // There may be more than a page.
  if (x.writing >= x.options.batch_max) {
    x.unfinished = true;
    x.more_orphans = true;
    x.retries = 0;
  }
  if (x.writing == 0)
    return end_pass(std::move(x), false);
  return {std::move(x), std::move(todo)};
}

sweep_step on(sweeps x, const event::orphans_unlisted& ev) {
  if (!x.looking || x.writing > 0)
    return stay(std::move(x));
  x.unfinished = true;
  auto out = end_pass(std::move(x), false);
  out.effects.emplace_back(effect::say{
    true, "cannot look for leases of dead engines: " + ev.why.message});
  return out;
}

sweep_step on(sweeps x, const event::orphan_written& ev) {
  if (x.writing == 0)
    return stay(std::move(x));
  // A conflict means that another engine was faster, or that its own is back:
  // the next pass tells.
  if (!ev.outcome)
    x.unfinished = x.refused = true;
  if (--x.writing > 0)
    return stay(std::move(x));
  return end_pass(std::move(x), true);
}

// -- cleanups and parked resources --------------------------------------------

sweep_step on(sweeps x, const event::sweep_due&) {
  if (x.at != stage::resting) {
    x.again = true;
    return stay(std::move(x));
  }
  x.pause = x.options.sweep_interval;
  x.at = stage::cleanups;
  auto limit = x.options.batch_max;
  return {std::move(x), {effect::ask{list_scheduled_cleanups{limit}}}};
}

/// Starts the cleanup unless too many are under way.
void start(sweeps& x, const lease_row& row, effects& todo) {
  if (x.under_way.size() >= x.options.batch_max) {
    x.more = true;
    return;
  }
  x.under_way.insert(row.id);
  todo.emplace_back(effect::clean{row});
}

bool is_due(const lease_row& row, timestamp now) {
  return row.next_cleanup_at && *row.next_cleanup_at <= now;
}

sweep_step end_sweep(sweeps x, effects todo) {
  x.at = stage::resting;
  todo.emplace_back(effect::arm_sweep{std::max(x.pause, pause_min)});
  if (std::exchange(x.again, false)) {
    auto rest = step(std::move(x), event::sweep_due{});
    todo.insert(todo.end(), rest.effects.begin(), rest.effects.end());
    return {std::move(rest.next), std::move(todo)};
  }
  x.swept = x.resolved;
  todo.emplace_back(effect::check_settled{});
  return {std::move(x), std::move(todo)};
}

sweep_step on_cleanups(sweeps x, const lease_rows& found) {
  effects todo;
  // What comes after a full page may be due, too.
  x.more = found.rows.size() >= x.options.batch_max
           && is_due(found.rows.back(), found.at);
  for (const auto& row : found.rows)
    if (x.under_way.contains(row.id))
      continue;
    else if (is_due(row, found.at))
      start(x, row, todo);
    else if (row.next_cleanup_at)
      x.pause = std::min(x.pause, *row.next_cleanup_at - found.at);
  auto limit = x.options.batch_max;
  todo.emplace_back(effect::ask{list_parked_until{limit}});
  x.at = stage::parked;
  return {std::move(x), std::move(todo)};
}

sweep_step on_parked(sweeps x, const lease_rows& found) {
  effects todo;
  for (const auto& row : found.rows) {
    if (*row.deadline_at > found.at || mutated(mutation::parked_ttl_ignored)) {
      x.pause = std::min(x.pause, *row.deadline_at - found.at);
      break;
    }
    todo.emplace_back(effect::give_up_parked{
      {row.id, milliseconds{0}, {}, "waited for the next run for too long"}});
  }
  return end_sweep(std::move(x), std::move(todo));
}

sweep_step on(sweeps x, const event::listed& ev) {
  switch (x.at) {
    case stage::cleanups:
      return on_cleanups(std::move(x), ev.found);
    case stage::parked:
      return on_parked(std::move(x), ev.found);
    default:
      return stay(std::move(x));
  }
}

sweep_step on(sweeps x, const event::unlisted&) {
  if (x.at == stage::resting)
    return stay(std::move(x));
  // The store has waited already; what was asked for meanwhile waits, too.
  x.again = false;
  x.at = stage::resting;
  x.pause = std::min(x.options.sweep_interval, x.options.cleanup.retry_delay);
  auto pause = x.pause;
  return {std::move(x), {effect::arm_sweep{pause}}};
}

sweep_step on(sweeps x, const event::wanted& ev) {
  // Not counted among the rest: somebody waits for this one.
  if (!x.under_way.insert(ev.row.id).second)
    return stay(std::move(x));
  return {std::move(x), {effect::clean{ev.row}}};
}

sweep_step on(sweeps x, const event::tried& ev) {
  auto what = after_attempt(ev.row, ev.outcome, x.options.cleanup, ev.dice);
  return {std::move(x), {effect::record{std::move(what), ev.row, ev.outcome}}};
}

/// A place is free. Sweeps once half of them are, and at the end.
sweep_step after_cleanup(sweeps x, std::optional<milliseconds> again) {
  auto few = x.under_way.size() <= x.options.batch_max / 2;
  if (x.under_way.empty() || (x.more && few))
    return step(std::move(x), event::sweep_due{});
  if (!again)
    return stay(std::move(x));
  // The sweep that is going on arms the next one.
  if (x.at != stage::resting) {
    x.pause = std::min(x.pause, *again);
    return stay(std::move(x));
  }
  return {std::move(x), {effect::arm_sweep{std::max(*again, pause_min), true}}};
}

sweep_step on(sweeps x, const event::recorded& ev) {
  if (x.under_way.erase(ev.lease) == 0)
    return stay(std::move(x));
  return after_cleanup(std::move(x), ev.again);
}

sweep_step on(sweeps x, const event::unrecorded& ev) {
  if (x.under_way.erase(ev.lease) == 0)
    return stay(std::move(x));
  // The row still says that it is due; do not try that in a hurry.
  auto pause = x.options.cleanup.retry_delay;
  // The sweep that is going on arms the next one.
  x.pause = std::min(x.pause, pause);
  return {std::move(x),
          {effect::arm_sweep{pause, true}, effect::check_settled{}}};
}

// -- history ------------------------------------------------------------------

sweep_step prune(sweeps x, uint64_t after) {
  auto what = prune_history{x.options.history_ttl, x.options.secret_access_ttl,
                            after, 1000};
  return {std::move(x), {effect::prune{what}}};
}

sweep_step on(sweeps x, const event::prune_due&) {
  return prune(std::move(x), 0);
}

sweep_step on(sweeps x, const event::pruned& ev) {
  if (ev.next > 0)
    return prune(std::move(x), ev.next);
  auto pause = x.options.prune_interval;
  return {std::move(x), {effect::arm_prune{pause}}};
}

} // namespace

sweep_step step(sweeps now, const sweep_event::any& what) {
  return std::visit([&](const auto& ev) { return on(std::move(now), ev); },
                    what);
}

bool is_settled(const sweeps& x) noexcept {
  return x.swept && x.under_way.empty() && x.at == stage::resting && !x.again;
}

} // namespace leasehold
