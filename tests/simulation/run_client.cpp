#include "tests/simulation/run_client.hpp"

#include <utility>

namespace leasehold::sim {

namespace {

using ms = milliseconds;

/// How long a run waits for an answer.
constexpr ms patience{120'000};

std::string outcome_of(const failure& why) {
  return why.code == ec::none ? "yes"
                              : to_string(why.code) + ": " + why.message;
}

} // namespace

run_client::run_client(surroundings& around, oracle& truth,
                       const run_plan& what, size_t engines_max, engines where)
  : around_{around}, truth_{truth}, plan_{what},
    engines_max_{engines_max}, where_{std::move(where)},
    run_{"run-" + std::to_string(what.number)}, engine_{what.engine} {
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
  const auto& what = plan_.steps[next_++];
  waiting_ = next_;
  used_ = what.old_handle && old_ ? old_ : lease_;
  perform(what);
}

void run_client::go_on(size_t which) {
  if (waiting_ != which)
    return;
  ++waiting_;
  schedule_next();
}

template <class Reply, class Message>
void run_client::send(const std::string& verb, Message what,
                      std::function<void(const result<Reply>&)> then,
                      bool wait) {
  auto number = waiting_;
  auto* engine = where_(engine_);
  around_.note("asks", number, [&] {
    return run_.value + " asks " + engine->self().value + ": " + verb;
  });
  engine->ask<Reply>(std::move(what), [=, this](const result<Reply>& how) {
    around_.note("hears", static_cast<uint64_t>(how.error().code), [&] {
      return run_.value + ": " + verb + ": " + outcome_of(how.error());
    });
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
  }
}

// -- verbs --------------------------------------------------------------------

void run_client::acquire(ms ttl, bool wait) {
  acquire_lease what;
  what.id = {name("lease")};
  what.company = {"company-" + std::to_string(plan_.company)};
  what.environment = "env-" + std::to_string(plan_.environment);
  what.run = run_;
  what.workspace = {"workspace-" + std::to_string(plan_.number % 2)};
  what.ttl = ttl;
  last_lease_ = what.id;
  // What it holds by then is taken again, and removed if that fails.
  for (const auto& id : asked_)
    truth_.on_end_asked(id);
  asked_.insert(what.id);
  // One that was asked for before may still find this one, and take it again.
  if (acquiring_++ > 0)
    truth_.on_end_asked(what.id);
  auto then = [this](const auto& how) {
    --acquiring_;
    on_granted(how);
  };
  send<lease_granted>("acquire " + what.id.value, what, then, wait);
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
