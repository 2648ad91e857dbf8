#include "actors/lease_actor.hpp"

#include "actors/mail.hpp"
#include "messages/json.hpp"
#include "messages/mutation.hpp"

namespace leasehold {

lease_state::lease_state(lease_actor::pointer self, lease_row row,
                         environment_context place, bool makes_resource,
                         timestamp at, lease_colleagues with,
                         services_ptr services, lease_options options)
  : self_{self}, row_{std::move(row)}, place_{std::move(place)},
    with_{std::move(with)}, services_{std::move(services)}, options_{options},
    driver_{services_->drivers.find(place_.driver)}, granted_at_{at} {
  now_.terms = {row_.policy, makes_resource};
}

// -- messages to events -------------------------------------------------------

lease_actor::behavior_type lease_state::make_behavior() {
  arm_expiry(granted_at_);
  return {
    [this](execute_command& what) { return execute(what); },
    [this](const cancel_command& what) -> caf::result<void> {
      if (auto why = check(what.lease))
        return to_error(*why);
      for (const auto& [id, command] : commands_)
        if (what.execution.empty() || what.execution == id)
          driver_->cancel(context(), id);
      return caf::unit;
    },
    [this](realize_workspace& what) { return realize(what); },
    [this](const renew_lease& what) { return renew(what); },
    [this](const release_lease& what) {
      auto how
        = what.keep ? lease_ending::how::keep : lease_ending::how::release;
      return end(what.lease, {how, what.status, what.reason},
                 what.wait_for_commands);
    },
    [this](const destroy_lease& what) { return destroy(what); },
    [this](const retake_lease& what) { return retake(what); },
    [this](const hold_still& what) { hold(what.on); },
    [this](const lease_taken& what) {
      on(tenancy_event::taken_over{what.why});
    },
    [this](const execution_id& which, output_chunk& chunk) {
      on_output(which, chunk);
    },
  };
}

void lease_state::on(const tenancy_event::any& what) {
  auto before = now_.phase;
  auto [next, effects] = step(std::move(now_), what);
  now_ = std::move(next);
  if (now_.phase != before) {
    patience_.dispose();
    if (services_->observe)
      services_->observe(
        {"lease", row_.id.value, to_string(before), to_string(now_.phase), {}});
  }
  for (const auto& wish : effects)
    std::visit([this](const auto& x) { perform(x); }, wish);
}

std::optional<failure> lease_state::check(const lease_handle& handle) const {
  if (auto stale = why_stale(handle, row_.fence);
      stale && !mutated(mutation::stale_fence_accepted))
    return stale;
  if (now_.phase != tenancy_phase::active)
    return failure{ec::lease_ended,
                   "Lease " + row_.id.value + " is ending or has ended.",
                   {}};
  return why_still();
}

void lease_state::arm_expiry(timestamp now) {
  expiry_.dispose();
  if (!row_.expires_at || mutated(mutation::expiry_not_armed))
    return;
  auto left = std::max(*row_.expires_at - now, milliseconds{0});
  expiry_ = after(self_, left, [this] {
    on(tenancy_event::asked_to_end{
      {lease_ending::how::release, release_status::expired, {}}, false});
  });
}

// -- commands -----------------------------------------------------------------

caf::result<command_result> lease_state::execute(execute_command& what) {
  if (auto why = check(what.lease))
    return to_error(*why);
  if (what.spec.command.empty())
    return to_error({ec::invalid_request, "The command has no name.", {}});
  auto id = what.execution;
  if (what.spec.cwd.empty())
    what.spec.cwd = cwd_;
  running_command command;
  command.promise = self_->make_response_promise<command_result>();
  command.watcher = std::move(what.output);
  if (command.watcher)
    command.output = std::make_shared<lease_output>(lease_actor{self_}, id);
  auto promise = command.promise;
  auto output = command.output;
  if (!commands_.emplace(id, std::move(command)).second)
    return to_error(
      {ec::invalid_request, "A command with this id runs already.", {}});
  on(tenancy_event::command_began{id});
  driver_->execute(
    {context(), id, std::move(what.spec)}, std::move(output),
    back_to<command_result>(self_, [this, id](result<command_result> how) {
      on_command_end(id, std::move(how));
    }));
  return promise;
}

void lease_state::on_command_end(const execution_id& which,
                                 result<command_result> how) {
  auto command = commands_.extract(which);
  if (!command)
    return;
  if (how)
    command.mapped().promise.deliver(std::move(*how));
  else
    command.mapped().promise.deliver(to_error(how.error()));
  on(tenancy_event::command_ended{which});
}

void lease_state::on_output(const execution_id& which, output_chunk& chunk) {
  auto command = commands_.find(which);
  if (command == commands_.end())
    return;
  auto size = chunk.text.size();
  command->second.watcher->put(std::move(chunk));
  command->second.output->taken(size);
}

caf::result<workspace_realized> lease_state::realize(realize_workspace& what) {
  if (auto why = check(what.lease))
    return to_error(*why);
  auto promise = self_->make_response_promise<workspace_realized>();
  auto on_done = [this, promise](result<workspace_realized> how) mutable {
    if (how)
      on_realized(std::move(*how), promise);
    else
      promise.deliver(to_error(how.error()));
  };
  driver_->realize({context(), std::move(what.local_path),
                    std::move(what.remote_path), std::move(what.mode),
                    std::move(what.metadata)},
                   back_to<workspace_realized>(self_, on_done));
  return promise;
}

void lease_state::on_realized(
  workspace_realized how,
  caf::typed_response_promise<workspace_realized> promise) {
  cwd_ = how.cwd;
  // The record of the driver (PB §6.4), or the little that is known.
  auto record = std::move(how.record);
  if (record.text == "{}")
    record = json_text{R"({"cwd":)" + json_string(cwd_) + "}"};
  row_.metadata = with_member(row_.metadata, "workspaceRealization", record);
  ask(
    self_, with_.store, caf::infinite,
    store_write{describe_lease{
      {row_.id, row_.fence}, row_.metadata, "workspace realized at " + cwd_}},
    [promise, how](const written&) mutable { promise.deliver(how); },
    // The folder is there; only its mention is not.
    [promise, how](const caf::error&) mutable { promise.deliver(how); });
}

caf::result<lease_renewed> lease_state::renew(const renew_lease& what) {
  if (auto why = check(what.lease))
    return to_error(*why);
  auto promise = self_->make_response_promise<lease_renewed>();
  auto ttl = what.ttl;
  auto on_written = [this, promise, ttl](const written& how) mutable {
    auto later = how.at + ttl;
    if (row_.expires_at && *row_.expires_at < later) {
      row_.expires_at = later;
      arm_expiry(how.at);
    }
    promise.deliver(lease_renewed{row_.expires_at});
  };
  ask(self_, with_.store, caf::infinite,
      store_write{extend_lease{{row_.id, row_.fence}, ttl, "renewed"}},
      on_written,
      [promise](const caf::error& err) mutable { promise.deliver(err); });
  return promise;
}

// -- the end ------------------------------------------------------------------

caf::result<lease_ended> lease_state::end(const lease_handle& handle,
                                          lease_ending how,
                                          bool wait_for_commands) {
  if (auto stale = why_stale(handle, row_.fence))
    return to_error(*stale);
  if (now_.phase == tenancy_phase::ended) {
    // A release that is repeated is told the same again.
    if (withdrawn_)
      return to_error(*check(handle));
    return ending_of(now_.outcome);
  }
  auto promise = self_->make_response_promise<lease_ended>();
  waiting_.push_back(promise);
  on(tenancy_event::asked_to_end{std::move(how), wait_for_commands});
  return promise;
}

caf::result<lease_ended> lease_state::destroy(const destroy_lease& what) {
  if (now_.phase != tenancy_phase::recording
      && now_.phase != tenancy_phase::ended)
    return end(
      what.lease,
      {lease_ending::how::destroy, release_status::released, what.reason},
      false);
  auto promise = self_->make_response_promise<lease_ended>();
  if (now_.phase == tenancy_phase::ended)
    promise.delegate(with_.janitor, what);
  else
    too_late_.emplace_back(promise, what);
  return promise;
}

lease_context lease_state::context() const {
  return {place_,        row_.id,         row_.fence,
          row_.run,      row_.issue,      row_.workspace,
          row_.resource, row_.expires_at, row_.metadata};
}

lease_ended lease_state::ending_of(const lease_outcome& how) const {
  return {row_.id,    how.status,    how.cleanup,   how.failure_reason,
          how.parked, row_.resource, cleanup_error_};
}

// -- effects to messages ------------------------------------------------------

void lease_state::perform(const tenancy_effect::cancel_commands&) {
  for (const auto& [id, command] : commands_)
    driver_->cancel(context(), id);
}

void lease_state::perform(const tenancy_effect::arm_patience&) {
  patience_.dispose();
  auto time = now_.phase == tenancy_phase::draining ? options_.drain_timeout
                                                    : options_.release_timeout;
  patience_
    = after(self_, time, [this] { on(tenancy_event::patience_over{}); });
}

void lease_state::call_provider(uint32_t call, lease_ending::how how,
                                release_status status) {
  if (still_) {
    postponed_
      = [this, call, how, status] { call_provider(call, how, status); };
    return;
  }
  auto then = back_to<done>(self_, [this, call](result<> answer) {
    cleanup_error_ = answer ? "" : answer.error().message;
    on(tenancy_event::provider_answered{call, std::move(answer)});
  });
  if (how == lease_ending::how::destroy)
    driver_->destroy({context(), false}, std::move(then));
  else
    driver_->release({context(), status}, std::move(then));
}

void lease_state::perform(const tenancy_effect::call_release& wish) {
  call_provider(wish.call, lease_ending::how::release, wish.status);
}

void lease_state::perform(const tenancy_effect::call_destroy& wish) {
  call_provider(wish.call, lease_ending::how::destroy, release_status::failed);
}

void lease_state::perform(const tenancy_effect::record& wish) {
  end_lease what;
  what.lease = {row_.id, row_.fence};
  what.from = {lease_status::active};
  what.to = wish.outcome.status;
  what.failure_reason = wish.outcome.failure_reason;
  what.cleanup = wish.outcome.cleanup;
  what.next_cleanup_in = wish.outcome.next_cleanup_in;
  what.parked = wish.outcome.parked;
  if (what.parked)
    what.parked_for = parked_ttl_of(row_.metadata, options_.parked_ttl);
  what.note = wish.outcome.note;
  ask(
    self_, with_.store, caf::infinite, store_write{std::move(what)},
    [this](const written&) { on(tenancy_event::recorded{}); },
    [this](const caf::error& err) {
      on(tenancy_event::unrecorded{to_failure(err)});
    });
  if (mutated(mutation::release_before_commit))
    on(tenancy_event::recorded{});
}

void lease_state::perform(const tenancy_effect::arm_retry&) {
  patience_.dispose();
  patience_ = after(self_, options_.record_retry,
                    [this] { on(tenancy_event::retry_due{}); });
}

void lease_state::perform(const tenancy_effect::announce& wish) {
  auto how = ending_of(wish.outcome);
  if (how.cleanup == cleanup_status::failed)
    tell(self_, with_.janitor, cleanup_owed{row_.id});
  lease_over last{row_.id, row_.environment, how, std::nullopt};
  if (wish.outcome.parked)
    last.parked
      = parked_resource{row_.id,        row_.resource,    row_.company,
                        row_.workspace, row_.fingerprint, row_.metadata};
  leave(std::move(last));
  // Whoever is told and acquires at once must find what was parked.
  for (auto& promise : std::exchange(waiting_, {}))
    promise.deliver(how);
}

void lease_state::perform(const tenancy_effect::excuse& wish) {
  for (auto& promise : std::exchange(waiting_, {}))
    promise.deliver(to_error(wish.why));
}

void lease_state::perform(const tenancy_effect::withdraw& wish) {
  withdrawn_ = true;
  leave({row_.id, row_.environment, ending_of(now_.outcome), std::nullopt});
  for (auto& promise : std::exchange(waiting_, {}))
    promise.deliver(to_error(wish.why));
}

void lease_state::leave(lease_over last_words) {
  expiry_.dispose();
  patience_.dispose();
  // Whoever still waits for a command will not hear of it from here.
  for (auto& [id, command] : std::exchange(commands_, {}))
    command.promise.deliver(to_error(
      {ec::outcome_unknown, "The lease ended before the command did.", {}}));
  for (auto& [promise, what] : std::exchange(too_late_, {}))
    promise.delegate(with_.janitor, std::move(what));
  // What the supervisor passed on before it knew is answered first.
  ask(
    self_, with_.supervisor, caf::infinite, std::move(last_words),
    [this] { self_->quit(); }, [this](const caf::error&) { self_->quit(); });
}

} // namespace leasehold
