#include "actors/lease_desk.hpp"

#include "actors/lease_actor.hpp"
#include "actors/lease_term.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

namespace leasehold {

namespace {

/// Answers of several leases to one question.
struct gathering {
  caf::typed_response_promise<run_released> promise;
  run_released so_far;
  size_t left = 0;

  void arrived() {
    if (--left == 0)
      promise.deliver(std::move(so_far));
  }
};

/// Why a lease with this row has no actor in the engine `self`.
failure absence_of(const lease_handle& asked, const lease_row& row,
                   const instance_id& self) {
  if (auto stale = why_stale(asked, row.fence))
    return *stale;
  auto lease = "Lease " + row.id.value;
  if (has_ended(row.status))
    return {ec::lease_ended,
            lease + " has ended (" + to_string(row.status) + ").",
            row.failure_reason};
  if (row.owner == self)
    return {ec::invalid_request, lease + " is still being acquired.", {}};
  return {ec::held_elsewhere,
          lease + " is held by another engine (" + row.owner.value + ").",
          {}};
}

/// What a run that takes its own lease again gets.
parked_resource as_reusable(const lease_row& row) {
  return {row.id,          row.resource, row.company, row.workspace,
          row.fingerprint, row.metadata, row.fence};
}

bool fits(const parked_resource& what, const choose_resource& wish) {
  return what.company == wish.company && what.fingerprint == wish.fingerprint
         && (wish.policy != lease_policy::reuse_by_execution_workspace
             || what.workspace == wish.workspace);
}

} // namespace

lease_desk::lease_desk(const supervisor_ties& ties, newcomer on_newcomer)
  : ties_{ties}, on_newcomer_{std::move(on_newcomer)} {
  // nop
}

void lease_desk::add(granted_lease what) {
  auto id = what.row.id;
  auto run = what.row.run;
  lease_entry entry;
  entry.run = run;
  entry.handle = {id, what.row.fence};
  entry.makes_resource = what.makes_resource;
  entry.plugin = what.plugin;
  if (!entry.plugin.empty())
    ++plugins_[entry.plugin];
  entry.environment = what.row.environment;
  if (is_reusable(what.row.policy) && !run.empty())
    entry.reusable = std::make_unique<parked_resource>(as_reusable(what.row));
  entry.actor = spawn_actor<lease_state>(
    *ties_.self, std::move(what.row), std::move(what.place),
    what.makes_resource, what.at,
    lease_colleagues{supervisor_actor{ties_.self}, ties_.store, ties_.janitor},
    ties_.services, ties_.options.lease);
  watch_for_crash(ties_.self, entry.actor,
                  [this, id](const caf::error& reason) {
                    on_death(id, caf::to_string(reason));
                  });
  if (still_)
    tell(ties_.self, entry.actor, hold_still{true});
  leases_.emplace(id, std::move(entry));
  if (!run.empty())
    runs_[run].insert(id);
}

std::optional<parked_resource>
lease_desk::own(const run_id& run, const environment_id& environment,
                const choose_resource& what) {
  auto held = runs_.find(run);
  if (held == runs_.end())
    return std::nullopt;
  for (const auto& id : held->second) {
    const auto& entry = leases_.at(id);
    if (entry.environment == environment && entry.reusable
        && fits(*entry.reusable, what))
      return *entry.reusable;
  }
  return std::nullopt;
}

bool lease_desk::holds(const run_id& run, const environment_id& environment) {
  auto held = runs_.find(run);
  if (held == runs_.end())
    return false;
  return std::any_of(
    held->second.begin(), held->second.end(), [&](const auto& id) {
      const auto& entry = leases_.at(id);
      return entry.environment == environment && entry.reusable;
    });
}

void lease_desk::retake(const lease_id& lease, const retake_lease& how,
                        completion<lease_retaken> then) {
  auto pos = leases_.find(lease);
  if (pos == leases_.end())
    return then(failure{ec::conflict, "The lease has ended.", {}});
  // The lease itself knows whether it is ending; nobody else writes its row.
  ask(
    ties_.self, pos->second.actor, caf::infinite, how,
    [this, lease, then](const lease_retaken& x) {
      if (auto it = leases_.find(lease); it != leases_.end()) {
        it->second.handle.fence = x.fence;
        if (it->second.reusable)
          it->second.reusable->held_under = x.fence;
      }
      then(x);
    },
    [this, lease, then](const caf::error& err) {
      if (auto it = leases_.find(lease); it != leases_.end())
        it->second.reusable.reset();
      then(to_failure(err));
    });
}

void lease_desk::abandon(const lease_id& lease, const std::string& why,
                         std::function<void()> then) {
  auto pos = leases_.find(lease);
  if (pos == leases_.end())
    return then();
  // Nobody takes it again meanwhile.
  pos->second.reusable.reset();
  ask(
    ties_.self, pos->second.actor, caf::infinite,
    destroy_lease{pos->second.handle, why},
    [then](const lease_ended&) { then(); },
    [then](const caf::error&) { then(); });
}

const lease_actor* lease_desk::find(const lease_id& lease) const {
  auto pos = leases_.find(lease);
  return pos == leases_.end() ? nullptr : &pos->second.actor;
}

void lease_desk::remove(const lease_id& lease) {
  auto entry = leases_.extract(lease);
  if (!entry)
    return;
  if (auto used = plugins_.find(entry.mapped().plugin);
      used != plugins_.end() && --used->second == 0)
    plugins_.erase(used);
  if (entry.mapped().run.empty())
    return;
  auto run = runs_.find(entry.mapped().run);
  run->second.erase(lease);
  if (run->second.empty())
    runs_.erase(run);
}

void lease_desk::on_over(const lease_over& what) {
  remove(what.lease);
}

void lease_desk::on_death(const lease_id& lease, const std::string& why) {
  auto pos = leases_.find(lease);
  if (pos == leases_.end())
    return;
  auto how = outcome_of_loss(pos->second.makes_resource, reason::actor_lost);
  end_lease what;
  what.lease = pos->second.handle;
  what.from = {lease_status::active};
  what.to = how.status;
  what.failure_reason = how.failure_reason;
  what.cleanup = how.cleanup;
  what.next_cleanup_in = how.next_cleanup_in;
  what.note = "its actor died: " + why;
  lease_over last_words{lease, pos->second.environment, {}, std::nullopt};
  last_words.how.id = lease;
  last_words.how.status = how.status;
  last_words.how.cleanup = how.cleanup;
  last_words.how.failure_reason = how.failure_reason;
  remove(lease);
  record_death(what, last_words);
}

void lease_desk::record_death(const end_lease& how,
                              const lease_over& last_words) {
  auto over = [this, last_words] {
    record_again_.erase(last_words.lease);
    if (last_words.how.cleanup == cleanup_status::failed)
      tell(ties_.self, ties_.janitor, cleanup_owed{last_words.lease});
    tell(ties_.self, supervisor_actor{ties_.self}, last_words);
  };
  auto on_error = [this, how, last_words, over](const caf::error& err) {
    // Somebody else has ended it, or has it.
    if (to_failure(err).code == ec::conflict)
      return over();
    record_again_[last_words.lease]
      = after(ties_.self, ties_.options.lease.record_retry,
              [this, how, last_words] { record_death(how, last_words); });
  };
  ask(
    ties_.self, ties_.store, caf::infinite, store_write{how},
    [over](const written&) { over(); }, on_error);
}

caf::result<run_released>
lease_desk::release_run(const leasehold::release_run& what) {
  auto all = std::make_shared<gathering>();
  all->promise = ties_.self->make_response_promise<run_released>();
  auto held = runs_.find(what.run);
  if (held == runs_.end()) {
    all->promise.deliver(run_released{});
    return all->promise;
  }
  all->left = held->second.size();
  for (const auto& id : held->second) {
    const auto& entry = leases_.at(id);
    ask(
      ties_.self, entry.actor, caf::infinite,
      release_lease{entry.handle, what.status, what.reason, false, false},
      [all](lease_ended& how) {
        all->so_far.leases.push_back(std::move(how));
        all->arrived();
      },
      [all](const caf::error& err) {
        all->so_far.errors.push_back(to_failure(err));
        all->arrived();
      });
  }
  return all->promise;
}

void lease_desk::release_all() {
  // Each lease says itself when it is over.
  for (const auto& [id, entry] : leases_)
    ask(
      ties_.self, entry.actor, caf::infinite,
      release_lease{entry.handle, release_status::failed,
                    std::string{reason::engine_stopped}, false, false},
      [](const lease_ended&) {}, [](const caf::error&) {});
}

void lease_desk::abandon_all() {
  for (const auto& [id, entry] : std::exchange(leases_, {}))
    send_away(entry.actor);
  runs_.clear();
}

void lease_desk::explain_absence(const lease_handle& lease,
                                 std::function<void(failure)> then) {
  ask(
    ties_.self, ties_.store, caf::infinite,
    store_query{get_lease{lease.id.value}},
    [this, lease, then](store_answer& answer) {
      then(absence_of(lease, std::get<lease_rows>(answer).rows.front(),
                      ties_.services->self));
    },
    [then](const caf::error& err) { then(to_failure(err)); });
}

} // namespace leasehold
