#include "actors/placement.hpp"

#include <utility>

namespace leasehold {

namespace {

namespace effect = placement_effect;
namespace event = placement_event;

using effects = std::vector<effect::any>;
using phase = placement_phase;
using fate = give_up_resource::fate;

/// Whether the run still waits for the outcome of `attempt`.
bool awaits(const placement& x, attempt_no attempt) {
  return x.attempt == attempt
         && (x.phase == phase::resuming || x.phase == phase::acquiring);
}

placement_step go(placement&& x, phase to, effects todo) {
  x.phase = to;
  return {std::move(x), std::move(todo)};
}

placement_step stay(placement&& x) {
  return {std::move(x), {}};
}

/// Whether the run resumes what it holds already.
bool holds_own(const placement& x) {
  return x.claim && x.claim->held_under != 0;
}

/// What a claimed resource is once more if this lease does not take it.
fate as_before(const placement& x) {
  return x.claim->kept ? fate::kept : fate::parked;
}

/// Before anything is on disk: say no, and keep nothing.
placement_step deny(placement x, failure why) {
  effects todo;
  if (x.claim && !holds_own(x) && !x.claim->kept)
    todo.push_back(effect::give_back{*std::exchange(x.claim, std::nullopt)});
  todo.push_back(effect::deny{std::move(why)});
  return go(std::move(x), phase::closed, std::move(todo));
}

/// Once a row is on disk: end it, then say no.
placement_step close(placement x, failure why, bool owed) {
  auto todo = effect::end{owed, x.resource, why.message};
  x.verdict = std::move(why);
  x.owed = owed;
  return go(std::move(x), phase::closing, {std::move(todo)});
}

/// The row is as it is: answer.
placement_step answer(placement x, effects before) {
  before.push_back(effect::deny{x.verdict});
  return go(std::move(x), phase::closed, std::move(before));
}

failure cancellation() {
  return {ec::cancelled, "The run was released before it got its lease.", {}};
}

placement_step call(placement x, phase to) {
  ++x.attempt;
  ++x.unanswered;
  auto number = x.attempt;
  if (to == phase::resuming) {
    x.asked_back = x.claim->resource;
    return go(std::move(x), to, {effect::resume{number}});
  }
  return go(std::move(x), to, {effect::acquire{number}});
}

/// The claimed resource leaves the row; what comes next depends on its fate.
placement_step give_up(placement x, fate what, std::string note) {
  // The run's own lease stays as it is, or has been released with its run.
  if (holds_own(x) && x.cancelled)
    return deny(std::move(x), cancellation());
  if (holds_own(x) && what == fate::parked) {
    auto why = x.verdict;
    return deny(std::move(x), std::move(why));
  }
  effects todo;
  if (holds_own(x))
    todo.push_back(effect::abandon{*x.claim, note});
  else
    todo.push_back(effect::give_up{*x.claim, what, note});
  x.fate_of_claim = what;
  if (!x.only_resume && what != fate::parked) {
    x.origin = lease_origin::replacement;
    x.origin_note = std::move(note);
  }
  return go(std::move(x), phase::replacing, std::move(todo));
}

/// What was named did not come back, and nothing else will do.
placement_step only_resume_failed(placement x, const failure& why) {
  auto gone = why.code == ec::resource_gone;
  auto what = gone ? fate::gone : as_before(x);
  auto note = gone ? x.claim->resource.value + " is gone" : why.message;
  x.verdict = x.cancelled ? cancellation() : why;
  if (gone)
    x.verdict
      = {ec::resource_gone,
         "\"" + x.claim->resource.value + "\" of lease " + x.claim->lease.value
           + " no longer exists; acquire a new lease.",
         why.detail};
  return give_up(std::move(x), what, std::move(note));
}

placement_step resume_failed(placement x, const failure& why) {
  if (x.only_resume)
    return only_resume_failed(std::move(x), why);
  auto name = x.claim->resource.value;
  if (why.code == ec::resource_gone)
    return give_up(std::move(x), fate::gone, name + " is gone");
  if (x.cancelled) {
    x.verdict = cancellation();
    return give_up(std::move(x), fate::owed, "the run was released");
  }
  if (x.plan.preserve_on_resume_failure) {
    x.verdict = {why.code,
                 "Reusable sandbox lease \"" + name
                   + "\" could not be resumed; the lease was preserved and no "
                     "replacement was created.",
                 why.message, why.provider_acted};
    return give_up(std::move(x), fate::parked, why.message);
  }
  return give_up(std::move(x), fate::owed,
                 name + " could not be resumed: " + why.message);
}

/// A resource without a row that leads to it: the janitor gets it by hand.
effects hand_over(const resource_id& resource) {
  if (resource.empty())
    return {};
  return {effect::dispose{resource}};
}

/// A resume that made something new has failed, and what it made is nobody's.
placement_step resume_went_astray(placement x, const resource_id& made) {
  auto rest = resume_failed(
    std::move(x),
    {ec::protocol_violation, "\"" + made.value + "\" came up instead", {}});
  auto stray = hand_over(made);
  rest.effects.insert(rest.effects.begin(), stray.begin(), stray.end());
  return rest;
}

placement_step give_up_on(placement x, attempt_no attempt, const failure& why) {
  if (!awaits(x, attempt))
    return stay(std::move(x));
  if (x.phase == phase::resuming)
    return resume_failed(std::move(x), why);
  auto in_doubt = disposition_of(why.code) == disposition::in_doubt
                  || why.provider_acted != acted::no;
  return close(std::move(x), why, in_doubt);
}

/// What follows once the claimed resource has left the row.
placement_step after_replacing(placement x) {
  if (holds_own(x)) {
    // This lease has no row of its own yet.
    if (x.cancelled)
      return deny(std::move(x), cancellation());
    if (auto why = x.verdict; x.only_resume)
      return deny(std::move(x), std::move(why));
    x.claim.reset();
    return go(std::move(x), phase::recording, {effect::record{}});
  }
  auto claim = *std::exchange(x.claim, std::nullopt);
  effects before;
  if (x.fate_of_claim == fate::parked)
    before.push_back(effect::give_back{claim});
  else if (x.fate_of_claim == fate::owed)
    before.push_back(effect::report_owed{claim.lease});
  auto rest = x.verdict.code != ec::none ? close(x, x.verdict, false)
              : x.cancelled              ? close(x, cancellation(), false)
                                         : call(x, phase::acquiring);
  rest.effects.insert(rest.effects.begin(), before.begin(), before.end());
  return rest;
}

placement_step on(placement&& x, const event::opened&) {
  if (x.phase != phase::fresh)
    return stay(std::move(x));
  return go(std::move(x), phase::planning, {effect::make_plan{}});
}

placement_step on(placement&& x, event::planned&& ev) {
  if (x.phase != phase::planning)
    return stay(std::move(x));
  if (x.cancelled)
    return deny(std::move(x), cancellation());
  x.plan = std::move(ev.plan);
  if (is_reusable(x.plan.policy))
    return go(std::move(x), phase::choosing, {effect::choose{}});
  return go(std::move(x), phase::recording, {effect::record{}});
}

placement_step on(placement&& x, const event::unplannable& ev) {
  if (x.phase == phase::planning || x.phase == phase::choosing)
    return deny(std::move(x), ev.why);
  return stay(std::move(x));
}

placement_step on(placement&& x, event::chosen&& ev) {
  if (x.phase != phase::choosing)
    return stay(std::move(x));
  x.claim = std::move(ev.resource);
  if (x.cancelled)
    return deny(std::move(x), cancellation());
  return go(std::move(x), phase::recording, {effect::record{}});
}

placement_step on(placement&& x, event::asked_back&& ev) {
  if (x.phase != phase::fresh)
    return stay(std::move(x));
  x.plan = std::move(ev.plan);
  x.claim = std::move(ev.resource);
  x.only_resume = true;
  if (x.cancelled)
    return deny(std::move(x), cancellation());
  if (holds_own(x))
    return call(std::move(x), phase::resuming);
  return go(std::move(x), phase::recording, {effect::record{}});
}

/// The row is on disk, or its new fence is.
placement_step after_recording(placement x) {
  if (holds_own(x) && x.cancelled)
    return deny(std::move(x), cancellation());
  if (holds_own(x) && x.only_resume)
    return go(std::move(x), phase::granted, {effect::grant{}});
  if (holds_own(x))
    return call(std::move(x), phase::resuming);
  if (x.cancelled && x.claim) {
    auto what = x.only_resume ? as_before(x) : fate::owed;
    x.verdict = cancellation();
    return give_up(std::move(x), what, "the run was released");
  }
  if (x.cancelled)
    return close(std::move(x), cancellation(), false);
  if (!x.plan.makes_resource)
    return go(std::move(x), phase::granted, {effect::grant{}});
  if (x.claim)
    return call(std::move(x), phase::resuming);
  return call(std::move(x), phase::acquiring);
}

placement_step on(placement&& x, const event::recorded&) {
  switch (x.phase) {
    case phase::recording:
      return after_recording(std::move(x));
    case phase::replacing:
      return after_replacing(std::move(x));
    case phase::confirming:
      if (x.cancelled)
        return close(std::move(x), cancellation(), true);
      return go(std::move(x), phase::granted, {effect::grant{}});
    case phase::closing: {
      effects todo;
      if (x.owed)
        todo.push_back(effect::report_owed{x.lease});
      return answer(std::move(x), std::move(todo));
    }
    default:
      return stay(std::move(x));
  }
}

placement_step plan_again(placement x) {
  if (x.cancelled)
    return deny(std::move(x), cancellation());
  x.replanned = true;
  effects todo;
  if (x.claim)
    todo.push_back(effect::give_back{*std::exchange(x.claim, std::nullopt)});
  todo.push_back(effect::make_plan{});
  return go(std::move(x), phase::planning, std::move(todo));
}

/// Somebody was faster, or ended what the run holds.
placement_step lost(placement x, const failure& why) {
  if (x.only_resume) {
    failure told{ec::conflict,
                 "Lease " + x.claim->lease.value
                   + " was taken or ended by somebody else at this moment.",
                 why.message};
    x.claim.reset();
    return deny(std::move(x), std::move(told));
  }
  auto own = holds_own(x);
  x.claim.reset();
  // Its own lease is ending, or was taken meanwhile: the run gets another.
  if (own)
    return x.cancelled ? deny(std::move(x), cancellation())
                       : go(std::move(x), phase::recording, {effect::record{}});
  // The next parked resource may be free.
  return go(std::move(x), phase::choosing, {effect::choose{}});
}

placement_step on(placement&& x, const event::unrecorded& ev) {
  switch (x.phase) {
    case phase::recording:
      if (ev.why.code == ec::conflict && x.claim)
        return lost(std::move(x), ev.why);
      // Its plugin is not what the plan was made with: who serves now?
      if (ev.why.code == ec::plugin_not_ready && !x.replanned && !holds_own(x)
          && !x.only_resume)
        return plan_again(std::move(x));
      return deny(std::move(x), ev.why);
    case phase::closing: {
      // A row that is still `acquiring` keeps its deadline.
      auto todo = hand_over(x.resource);
      return answer(std::move(x), std::move(todo));
    }
    case phase::confirming:
      if (ev.why.code == ec::conflict) {
        auto todo = hand_over(x.resource);
        x.verdict = {ec::lease_ended,
                     "The lease was ended while its resource was being made.",
                     {}};
        return answer(std::move(x), std::move(todo));
      }
      return close(std::move(x), ev.why, true);
    case phase::replacing:
      if (holds_own(x))
        return after_replacing(std::move(x));
      return close(std::move(x), ev.why, true);
    default:
      return stay(std::move(x));
  }
}

placement_step on(placement&& x, event::came_up&& ev) {
  --x.unanswered;
  const auto& resource = ev.ready.resource;
  auto is_resume = ev.attempt == 1 && !x.asked_back.empty();
  if (!awaits(x, ev.attempt)) {
    // What a resume brought back late has a row already that says what is to
    // become of it; it may even wait for the next run.
    if (is_resume && resource == x.asked_back)
      return stay(std::move(x));
    return {std::move(x), hand_over(resource)};
  }
  if (is_resume && resource != x.asked_back)
    return resume_went_astray(std::move(x), resource);
  if (holds_own(x)) {
    if (x.cancelled)
      return deny(std::move(x), cancellation());
    // Its row says all that there is to say.
    x.origin = lease_origin::resumed;
    if (x.only_resume)
      return go(std::move(x), phase::recording, {effect::record{}});
    return go(std::move(x), phase::granted, {effect::grant{}});
  }
  x.resource = resource;
  if (x.cancelled)
    return close(std::move(x), cancellation(), true);
  if (is_resume)
    x.origin = lease_origin::resumed;
  return go(std::move(x), phase::confirming,
            {effect::confirm{std::move(ev.ready)}});
}

placement_step on(placement&& x, const event::refused& ev) {
  --x.unanswered;
  return give_up_on(std::move(x), ev.attempt, ev.why);
}

placement_step on(placement&& x, const event::timed_out& ev) {
  return give_up_on(
    std::move(x), ev.attempt,
    {ec::call_timed_out, "The driver did not answer in time.", {}});
}

placement_step on(placement&& x, const event::cancelled&) {
  x.cancelled = true;
  return stay(std::move(x));
}

} // namespace

placement_step step(placement now, placement_event::any what) {
  return std::visit([&](auto& ev) { return on(std::move(now), std::move(ev)); },
                    what);
}

bool is_finished(const placement& x) noexcept {
  return (x.phase == phase::granted || x.phase == phase::closed)
         && x.unanswered == 0;
}

} // namespace leasehold
