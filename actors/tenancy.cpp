#include "actors/tenancy.hpp"

#include "messages/mutation.hpp"

#include <utility>

namespace leasehold {

namespace {

namespace effect = tenancy_effect;
namespace event = tenancy_event;

using effects = std::vector<effect::any>;
using phase = tenancy_phase;
using how = lease_ending::how;

tenancy_step stay(tenancy x) {
  return {std::move(x), {}};
}

/// Writes the end, as soon as it is known under which fence.
tenancy_step write(tenancy x) {
  if (x.retaking > 0)
    return stay(std::move(x));
  auto todo = effect::record{x.outcome};
  return {std::move(x), {std::move(todo)}};
}

tenancy_step announce(tenancy x) {
  x.phase = phase::ended;
  auto todo = effect::announce{x.outcome};
  return {std::move(x), {std::move(todo)}};
}

tenancy_step record(tenancy x, const result<>& provider) {
  x.outcome = outcome_of(x.ending, x.terms, provider);
  x.phase = phase::recording;
  return write(std::move(x));
}

/// The commands are out of the way: call the provider, or write at once.
tenancy_step end(tenancy x) {
  x.ending = effective(x.ending, x.terms);
  if (!needs_provider(x.ending, x.terms))
    return record(std::move(x), done{});
  x.phase = phase::ending;
  ++x.call;
  x.releasing = x.ending.what != how::destroy;
  effects todo;
  if (x.releasing)
    todo.push_back(effect::call_release{x.call, x.ending.status});
  else
    todo.push_back(effect::call_destroy{x.call});
  todo.push_back(effect::arm_patience{});
  return {std::move(x), std::move(todo)};
}

/// Whoever does not want to wait decides. Patience is counted once: asking
/// again and again does not put the end off.
tenancy_step hurry(tenancy x) {
  if (std::exchange(x.hurried, true))
    return stay(std::move(x));
  return {std::move(x), {effect::cancel_commands{}, effect::arm_patience{}}};
}

/// A removal outweighs a release; the first of either kind is kept.
void merge(lease_ending& now, const lease_ending& also) {
  if (also.what == how::destroy && now.what != how::destroy)
    now = also;
}

tenancy_step on(tenancy x, const event::command_began& ev) {
  x.running.insert(ev.execution);
  return stay(std::move(x));
}

tenancy_step on(tenancy x, const event::command_ended& ev) {
  x.running.erase(ev.execution);
  if (x.phase == phase::draining && x.running.empty())
    return end(std::move(x));
  return stay(std::move(x));
}

tenancy_step on(tenancy x, const event::retake_began&) {
  ++x.retaking;
  return stay(std::move(x));
}

tenancy_step on(tenancy x, const event::retake_over&) {
  --x.retaking;
  return x.phase == phase::recording ? write(std::move(x)) : stay(std::move(x));
}

tenancy_step on(tenancy x, const event::asked_to_end& ev) {
  switch (x.phase) {
    case phase::active: {
      x.ending = ev.how;
      if (x.running.empty())
        return end(std::move(x));
      x.phase = phase::draining;
      return ev.wait_for_commands ? stay(std::move(x)) : hurry(std::move(x));
    }
    case phase::draining:
      merge(x.ending, ev.how);
      return ev.wait_for_commands ? stay(std::move(x)) : hurry(std::move(x));
    case phase::ending:
      merge(x.ending, ev.how);
      return stay(std::move(x));
    case phase::recording:
    case phase::ended:
      return stay(std::move(x));
  }
  return stay(std::move(x));
}

tenancy_step on(tenancy x, const event::patience_over&) {
  if (x.phase == phase::draining)
    return end(std::move(x));
  if (x.phase == phase::ending)
    return record(std::move(x),
                  failure{ec::call_timed_out,
                          "The provider did not answer the release in time.",
                          {}});
  return stay(std::move(x));
}

tenancy_step on(tenancy x, const event::provider_answered& ev) {
  if (x.phase != phase::ending || ev.call != x.call)
    return stay(std::move(x));
  // A destroy that came meanwhile is not content with a release.
  if (x.releasing && x.ending.what == how::destroy)
    return end(std::move(x));
  return record(std::move(x), ev.answer);
}

tenancy_step on(tenancy x, const event::recorded&) {
  return x.phase == phase::recording ? announce(std::move(x))
                                     : stay(std::move(x));
}

tenancy_step on(tenancy x, const event::unrecorded& ev) {
  if (x.phase != phase::recording)
    return stay(std::move(x));
  if (ev.why.code == ec::conflict && x.unsure)
    return announce(std::move(x));
  x.unsure = x.unsure || ev.why.code == ec::commit_unknown;
  if (ev.why.code == ec::conflict) {
    x.phase = phase::ended;
    return {
      std::move(x),
      {effect::withdraw{{ec::lease_ended, "Somebody else has ended this lease.",
                         ev.why.message}}}};
  }
  if (mutated(mutation::end_not_retried))
    return {std::move(x), {effect::withdraw{ev.why}}};
  // A release that was asked for is not lost: it is written as soon as the
  // store is well again.
  return {std::move(x), {effect::excuse{ev.why}, effect::arm_retry{}}};
}

tenancy_step on(tenancy x, const event::taken_over& ev) {
  // An end that is being written meets a guard.
  if (x.phase == phase::recording || x.phase == phase::ended)
    return stay(std::move(x));
  x.phase = phase::ended;
  effects todo;
  if (!x.running.empty())
    todo.push_back(effect::cancel_commands{});
  todo.push_back(effect::withdraw{{ec::lease_ended, ev.why, {}}});
  return {std::move(x), std::move(todo)};
}

tenancy_step on(tenancy x, const event::retry_due&) {
  return x.phase == phase::recording ? write(std::move(x)) : stay(std::move(x));
}

} // namespace

tenancy_step step(tenancy now, const tenancy_event::any& what) {
  return std::visit([&](const auto& ev) { return on(std::move(now), ev); },
                    what);
}

} // namespace leasehold
