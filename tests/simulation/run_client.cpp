#include "tests/simulation/run_client.hpp"

#include "tests/simulation/places.hpp"

#include <algorithm>
#include <utility>

namespace leasehold::sim {

namespace {

using ms = milliseconds;

/// How long a run waits for an answer.
constexpr ms patience{120'000};
/// The same if it comes back.
constexpr ms patience_of_comeback{30'000};
/// How many leases a flood asks for.
constexpr size_t flood_size = 6;

std::string outcome_of(const failure& why) {
  return why.code == ec::none ? "yes"
                              : to_string(why.code) + ": " + why.message;
}

} // namespace

run_client::run_client(surroundings& around, oracle& truth,
                       const run_plan& what, const plan& all, engines where)
  : around_{around}, truth_{truth}, plan_{what}, engines_max_{all.engines},
    where_{std::move(where)}, run_{"run-" + std::to_string(what.number)},
    engine_{what.engine}, comes_back_{all.reattach_grace.count() > 0},
    reuses_{places().at(what.environment).reuses} {
  // nop
}

std::string run_client::name(const char* kind) {
  return run_.value + "-" + kind + "-" + std::to_string(++last_name_);
}

// -- one step after the other -------------------------------------------------

void run_client::begin() {
  schedule_next();
}

void run_client::schedule_next() {
  if (next_ == plan_.steps.size()) {
    done_ = true;
    return;
  }
  if (plan_.steps[next_].other_engine)
    engine_ = (engine_ + 1) % engines_max_;
  around_.time.in(plan_.steps[next_].pause, [this] { take_step(); });
}

void run_client::take_step() {
  if (!where_(engine_))
    return around_.time.in(ms{500}, [this] { take_step(); });
  if (std::exchange(lost_touch_, false))
    return come_back(5, [this] { take_step(); });
  const auto& what = plan_.steps[next_++];
  waiting_ = next_;
  used_ = what.old_handle && old_ ? old_ : lease_;
  perform(what);
}

void run_client::on_engine_death(size_t number) {
  if (!comes_back_ || engine_ != number || asked_.empty() || done_)
    return;
  lost_touch_ = true;
  // Nobody answers any more.
  if (waiting_ == next_)
    go_on(waiting_);
}

void run_client::go_on(size_t which) {
  if (waiting_ != which)
    return;
  ++waiting_;
  schedule_next();
}

template <class Reply, class Message>
void run_client::ask(const std::string& verb, Message what,
                     std::function<void(const result<Reply>&)> then) {
  auto* engine = where_(engine_);
  around_.note("asks", waiting_, [&] {
    return run_.value + " asks " + engine->self().value + ": " + verb;
  });
  engine->ask<Reply>(std::move(what), [=, this](const result<Reply>& how) {
    around_.note("hears", static_cast<uint64_t>(how.error().code), [&] {
      return run_.value + ": " + verb + ": " + outcome_of(how.error());
    });
    then(how);
  });
}

template <class Reply, class Message>
void run_client::send(const std::string& verb, Message what,
                      std::function<void(const result<Reply>&)> then,
                      bool wait) {
  auto number = waiting_;
  ask<Reply>(verb, std::move(what), [=, this](const result<Reply>& how) {
    then(how);
    go_on(number);
  });
  if (!wait)
    return go_on(number);
  around_.time.in(patience, [this, number] { go_on(number); });
}

void run_client::perform(const step& what) {
  switch (what.what) {
    case step_kind::acquire:
      return acquire(ms{0}, true);
    case step_kind::acquire_for_a_while:
      return acquire(around_.chance.between(ms{500}, ms{20'000}), true);
    case step_kind::acquire_in_a_hurry:
      return acquire(ms{0}, false);
    case step_kind::acquire_in_line:
      return acquire(ms{0}, true, around_.chance.between(ms{500}, ms{12'000}));
    case step_kind::flood:
      return flood();
    case step_kind::cancel_acquire:
      return cancel_acquire();
    case step_kind::resume_by_id:
      return resume();
    case step_kind::execute:
      return execute("short", true);
    case step_kind::execute_long:
      return execute("long", true);
    case step_kind::execute_aside:
      return execute("long", false);
    case step_kind::realize:
      return realize();
    case step_kind::renew:
      return renew();
    case step_kind::cancel_commands:
      return cancel_commands();
    case step_kind::release:
      return release(release_status::released, false);
    case step_kind::release_failed:
      return release(release_status::failed, false);
    case step_kind::release_kept:
      return release(release_status::released, true);
    case step_kind::release_run:
      return release_run();
    case step_kind::destroy:
      return destroy();
    case step_kind::reattach:
      return reattach();
  }
}

// -- verbs --------------------------------------------------------------------

acquire_lease run_client::prepare(ms ttl, ms queue_timeout) {
  acquire_lease what;
  what.id = {name("lease")};
  what.company = {"company-" + std::to_string(plan_.company)};
  what.environment = "env-" + std::to_string(plan_.environment);
  what.run = run_;
  what.workspace = {"workspace-" + std::to_string(plan_.number % 2)};
  what.ttl = ttl;
  what.queue_timeout = queue_timeout;
  last_lease_ = what.id;
  // What it holds by then is taken again, and removed if that fails.
  if (reuses_)
    for (const auto& id : asked_)
      truth_.on_end_asked(id);
  truth_.line().on_asked(what, where_(engine_)->self());
  asked_.insert(what.id);
  // One that was asked for before may still find this one, and take it again.
  if (acquiring_++ > 0 && reuses_)
    truth_.on_end_asked(what.id);
  return what;
}

void run_client::on_answered(const lease_id& asked,
                             const result<lease_granted>& how) {
  --acquiring_;
  truth_.line().on_answered(asked, how.error());
  on_granted(how);
}

void run_client::acquire(ms ttl, bool wait, ms queue_timeout) {
  auto what = prepare(ttl, queue_timeout);
  send<lease_granted>(
    "acquire " + what.id.value, what,
    [this, id = what.id](const auto& how) { on_answered(id, how); }, wait);
}

void run_client::flood() {
  for (size_t i = 0; i < flood_size; ++i) {
    auto what = prepare(around_.chance.between(ms{500}, ms{2'500}), ms{0});
    ask<lease_granted>(
      "acquire " + what.id.value, what,
      [this, id = what.id](const auto& how) { on_answered(id, how); });
  }
  go_on(waiting_);
}

void run_client::cancel_acquire() {
  if (last_lease_.empty())
    return go_on(waiting_);
  truth_.on_end_asked(last_lease_);
  send<done>("cancel acquire of " + last_lease_.value,
             leasehold::cancel_acquire{last_lease_}, [](const auto&) {});
}

void run_client::resume() {
  if (last_lease_.empty())
    return go_on(waiting_);
  resume_lease what;
  what.id = {name("lease")};
  asked_.insert(what.id);
  what.lease = last_lease_.value;
  what.run = run_;
  truth_.on_end_asked(last_lease_);
  truth_.line().on_resume_asked(what.id);
  if (acquiring_ > 0)
    truth_.on_end_asked(what.id);
  send<lease_granted>("resume " + what.lease, what,
                      [this](const auto& how) { on_granted(how); });
}

void run_client::on_granted(const result<lease_granted>& how) {
  if (!how)
    return;
  if (lease_)
    old_ = lease_;
  lease_ = how->handle;
  last_lease_ = how->handle.id;
  truth_.on_granted(*how, "company-" + std::to_string(plan_.company));
}

void run_client::reattach() {
  auto number = waiting_;
  come_back(1, [this, number] { go_on(number); });
}

void run_client::come_back(size_t tries, std::function<void()> then) {
  auto visit = ++visits_;
  auto leave = [this, visit, then] {
    if (visits_ != visit)
      return;
    ++visits_;
    then();
  };
  around_.time.in(patience_of_comeback, leave);
  auto* engine = where_(engine_);
  if (!engine)
    return;
  auto self = engine->self();
  auto on_answer = [=, this](const result<run_reattached>& how) {
    auto lives_elsewhere
      = [](const failure& why) { return why.code == ec::held_elsewhere; };
    if (how)
      for (const auto& one : how->leases) {
        truth_.on_reattached(one, self);
        on_granted(one);
      }
    // It takes some time until everybody is certain that an engine is dead.
    auto again
      = !how
        || std::any_of(how->errors.begin(), how->errors.end(), lives_elsewhere);
    if (visits_ != visit || !again || tries <= 1)
      return leave();
    around_.time.in(ms{1'000}, [this, visit, tries, then] {
      if (visits_ == visit)
        come_back(tries - 1, then);
    });
  };
  ask<run_reattached>("reattach", reattach_run{run_, ms{0}}, on_answer);
}

void run_client::execute(const std::string& command, bool wait) {
  if (!used_)
    return go_on(waiting_);
  execute_command what;
  what.lease = *used_;
  what.execution = {name("command")};
  what.spec.command = command;
  truth_.on_execute_asked(what.execution, what.lease);
  send<command_result>(
    "execute " + what.execution.value + " on " + used_->id.value, what,
    [this, which = what.execution](const auto& how) {
      truth_.on_executed(which, how);
    },
    wait);
}

void run_client::realize() {
  if (!used_)
    return go_on(waiting_);
  realize_workspace what;
  what.lease = *used_;
  what.local_path = "/tmp/project";
  auto over = truth_.is_over(*used_);
  send<workspace_realized>("realize on " + used_->id.value, what,
                           [this, handle = *used_, over](const auto& how) {
                             if (how)
                               truth_.on_obeyed("realize", handle, over);
                           });
}

void run_client::renew() {
  if (!used_)
    return go_on(waiting_);
  auto over = truth_.is_over(*used_);
  send<lease_renewed>("renew " + used_->id.value,
                      renew_lease{*used_, ms{15'000}},
                      [this, handle = *used_, over](const auto& how) {
                        if (how)
                          truth_.on_obeyed("renew", handle, over);
                      });
}

void run_client::cancel_commands() {
  if (!used_)
    return go_on(waiting_);
  auto over = truth_.is_over(*used_);
  send<done>("cancel on " + used_->id.value, cancel_command{*used_, {}},
             [this, handle = *used_, over](const auto& how) {
               if (how)
                 truth_.on_obeyed("cancel", handle, over);
             });
}

void run_client::release(release_status status, bool keep) {
  if (!used_)
    return go_on(waiting_);
  truth_.on_end_asked(used_->id);
  auto stale = truth_.is_stale(*used_);
  send<lease_ended>("release " + used_->id.value + " as " + to_string(status)
                      + (keep ? ", kept" : ""),
                    release_lease{*used_, status, {}, false, keep},
                    [this, handle = *used_, stale](const auto& how) {
                      if (how)
                        truth_.on_obeyed("release", handle, stale);
                      on_ended(how);
                    });
}

void run_client::release_run() {
  for (const auto& id : asked_)
    truth_.on_end_asked(id);
  send<run_released>("release run",
                     leasehold::release_run{run_, release_status::released, {}},
                     [this](const auto& how) {
                       if (how)
                         for (const auto& one : how->leases)
                           truth_.on_ended(one);
                     });
}

void run_client::destroy() {
  if (!used_)
    return go_on(waiting_);
  truth_.on_end_asked(used_->id);
  // A removal is accepted by every engine.
  auto row = truth_.rows().find(used_->id);
  if (row != truth_.rows().end()
      && row->second.owner != where_(engine_)->self())
    truth_.on_end_asked_elsewhere(used_->id);
  auto stale = truth_.is_stale(*used_);
  send<lease_ended>("destroy " + used_->id.value, destroy_lease{*used_, {}},
                    [this, handle = *used_, stale](const auto& how) {
                      if (how)
                        truth_.on_obeyed("destroy", handle, stale);
                      on_ended(how);
                    });
}

void run_client::on_ended(const result<lease_ended>& how) {
  if (how)
    truth_.on_ended(*how);
}

} // namespace leasehold::sim
