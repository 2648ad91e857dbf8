// The writes that concern leases: claims, grants, ends, cleanups, history.

#include "storage/sqlite_lease_writes.hpp"

#include "messages/mutation.hpp"
#include "storage/sqlite_lease_sql.hpp"
#include "storage/store_texts.hpp"

#include <utility>

namespace leasehold {

sqlite_lease_writes::sqlite_lease_writes(sqlite::connection& db,
                                         instance_id self)
  : db_{db}, self_{std::move(self)}, read_fence_{db, "SELECT last FROM fences"},
    store_fence_{db, "UPDATE fences SET last = ?1"}, insert_{db,
                                                             sql::insert_lease},
    claim_{db, sql::claim_resource}, reacquire_{db, sql::reacquire_lease},
    activate_{db, sql::activate_lease}, give_up_{db, sql::give_up_resource},
    give_back_{db, sql::give_back_resource}, end_{db, sql::end_lease},
    extend_{db, sql::extend_lease}, describe_{db, sql::describe_lease},
    record_cleanup_{db, sql::record_cleanup}, owe_cleanup_{db,
                                                           sql::owe_cleanup},
    await_run_{db, sql::await_run}, adopt_late_{db, sql::adopt_late},
    confirm_gone_{db, sql::confirm_gone}, record_{db, sql::record_event},
    read_state_{db, sql::read_state}, find_holder_{db, sql::find_holder},
    is_held_{db, sql::is_held_by_another}, read_plugin_{
                                             db, sql::read_plugin_state} {
  // nop
}

void sqlite_lease_writes::begin(timestamp now) {
  now_ = now;
  last_fence_.reset();
}

void sqlite_lease_writes::finish() {
  if (last_fence_)
    store_fence_.run(*last_fence_);
}

fence_no sqlite_lease_writes::next_fence() {
  if (!last_fence_) {
    auto found = read_fence_.ask();
    found.next();
    found.read(last_fence_.emplace(0));
  }
  return ++*last_fence_;
}

// -- grants -------------------------------------------------------------------

result<written> sqlite_lease_writes::write(const insert_lease& x) {
  if (has_ended(x.row.status))
    return cannot_begin(x.row);
  if (auto why = unfit_plugin(x))
    return *why;
  auto fence = next_fence();
  try {
    if (x.claims.empty()) {
      insert(x, fence);
    } else {
      sqlite::savepoint all_or_nothing{db_};
      if (!claim(x))
        return conflict("claimed", x.claims, 0);
      insert(x, fence);
      all_or_nothing.keep();
    }
  } catch (const sqlite::error& e) {
    return refused(e, "inserted", x.row.id, x.row.resource, x.row.provider,
                   x.plugin.id);
  }
  return written{now_, fence};
}

std::optional<failure>
sqlite_lease_writes::unfit_plugin(const insert_lease& x) {
  if (x.plugin.id.empty())
    return std::nullopt;
  auto found = read_plugin_.ask(x.plugin.id);
  if (!found.next())
    return plugin_unfit(x, std::nullopt);
  plugin_row now;
  found.read(now.key, now.status, now.updated_at);
  return plugin_unfit(x, now);
}

bool sqlite_lease_writes::claim(const insert_lease& x) {
  if (claim_.run(x.claims, now_) == 0
      && !mutated(mutation::claim_without_condition))
    return false;
  record(x.claims, std::nullopt, "claimed by " + x.row.id.value);
  return true;
}

void sqlite_lease_writes::insert(const insert_lease& x, fence_no fence) {
  auto& row = x.row;
  auto expires_at = row.expires_at;
  if (x.expires_in.count() != 0)
    expires_at = now_ + x.expires_in;
  std::optional<timestamp> deadline_at;
  if (x.deadline_in.count() != 0)
    deadline_at = now_ + x.deadline_in;
  insert_.run(row.id, now_, row.company, row.environment, row.workspace,
              row.issue, row.run, row.status, row.policy, row.provider,
              row.resource, row.exclusive, fence, row.owner, row.fingerprint,
              row.metadata, expires_at, deadline_at, x.plugin.id, x.claims,
              row.reattach_grace.count());
  record_first(row.id, x.note);
}

result<written> sqlite_lease_writes::write(const reacquire_lease& x) {
  std::optional<timestamp> expires_at;
  if (x.expires_in.count() != 0)
    expires_at = now_ + x.expires_in;
  auto fence = mutated(mutation::reacquired_under_old_fence) ? x.lease.fence
                                                             : next_fence();
  if (reacquire_.run(x.lease.id, now_, x.lease.fence, x.run, fence, x.owner,
                     expires_at, x.reattach_grace.count())
      == 0)
    return conflict("reacquired", x.lease.id, x.lease.fence);
  record(x.lease.id, std::nullopt, x.note);
  return written{now_, fence};
}

result<written> sqlite_lease_writes::write(const activate_lease& x) {
  try {
    if (activate_.run(x.lease.id, now_, x.lease.fence, x.resource, x.metadata,
                      x.expires_at)
        == 0)
      return conflict("activated", x.lease.id, x.lease.fence);
  } catch (const sqlite::error& e) {
    return refused(e, "activated", x.lease.id, x.resource);
  }
  record(x.lease.id, lease_status::acquiring, x.note);
  return written{now_, x.lease.fence};
}

result<written> sqlite_lease_writes::write(const give_up_resource& x) {
  using fate = give_up_resource::fate;
  sqlite::savepoint all_or_nothing{db_};
  if (give_up_.run(x.lease.id, now_, x.lease.fence) == 0)
    return conflict("changed", x.lease.id, x.lease.fence);
  record(x.lease.id, std::nullopt, x.note);
  auto cleanup = cleanup_status::none;
  std::optional<timestamp> next;
  if (x.what == fate::gone) {
    cleanup = cleanup_status::success;
  } else if (x.what == fate::owed) {
    cleanup = cleanup_status::failed;
    next = now_;
  }
  try {
    if (give_back_.run(x.claimed_from, now_, x.what == fate::parked, cleanup,
                       next)
        == 0)
      return conflict("given its resource back", x.claimed_from, 0);
  } catch (const sqlite::error& e) {
    return refused(e, "parked again", x.claimed_from);
  }
  record(x.claimed_from, std::nullopt, "given back by " + x.lease.id.value);
  all_or_nothing.keep();
  return written{now_, x.lease.fence};
}

// -- life and end -------------------------------------------------------------

result<written> sqlite_lease_writes::write(const extend_lease& x) {
  if (extend_.run(x.lease.id, now_, x.lease.fence, now_ + x.expires_in) == 0)
    return conflict("extended", x.lease.id, x.lease.fence);
  record(x.lease.id, std::nullopt, x.note);
  return written{now_, x.lease.fence};
}

result<written> sqlite_lease_writes::write(const describe_lease& x) {
  if (describe_.run(x.lease.id, now_, x.lease.fence, x.metadata) == 0)
    return conflict("described", x.lease.id, x.lease.fence);
  record(x.lease.id, std::nullopt, x.note);
  return written{now_, x.lease.fence};
}

result<written> sqlite_lease_writes::write(const end_lease& x) {
  auto cleanup = x.parked ? cleanup_status::none : x.cleanup;
  std::optional<timestamp> next;
  if (cleanup == cleanup_status::failed && x.next_cleanup_in)
    next = now_ + *x.next_cleanup_in;
  std::optional<timestamp> until;
  if (x.parked && x.parked_for.count() > 0)
    until = now_ + x.parked_for;
  try {
    // One state at a time tells us which one it was, for the history.
    for (auto from : x.from) {
      if (mutated(mutation::end_without_guard))
        from = status_of(x.lease.id);
      if (end_.run(x.lease.id, now_, x.lease.fence, from, x.to,
                   x.failure_reason, cleanup, next, x.parked, x.resource, until)
          == 0)
        continue;
      record(x.lease.id, from, x.note);
      return x.lease.fence == 0 ? done_to(x.lease.id)
                                : written{now_, x.lease.fence};
    }
  } catch (const sqlite::error& e) {
    return refused(e, "ended", x.lease.id, x.resource);
  }
  return conflict("ended", x.lease.id, x.lease.fence);
}

result<written> sqlite_lease_writes::write(const record_cleanup& x) {
  std::optional<timestamp> next;
  if (x.outcome == cleanup_status::failed && x.next_cleanup_in)
    next = now_ + *x.next_cleanup_in;
  if (record_cleanup_.run(x.lease, now_, x.outcome, x.attempted, next,
                          x.resource)
      == 0)
    return conflict("cleaned up", x.lease, 0);
  record(x.lease, std::nullopt, x.note);
  return done_to(x.lease);
}

result<written> sqlite_lease_writes::write(const owe_cleanup& x) {
  if (owe_cleanup_.run(x.lease, now_, now_ + x.next_cleanup_in, x.reason) == 0)
    return conflict("handed to the janitor", x.lease, 0);
  record(x.lease, std::nullopt, x.note);
  return done_to(x.lease);
}

result<written> sqlite_lease_writes::write(const take_fence& x) {
  auto found = read_state_.ask(x.lease);
  if (!found.next())
    return conflict("cleaned up", x.lease, 0);
  lease_row row;
  found.read(row.status, row.fence, row.parked, row.cleanup);
  if (!owes_cleanup(row))
    return conflict("cleaned up", x.lease, 0);
  if (!x.resource.empty() && is_held_.ask(x.lease, x.resource).next())
    return held_by_another(x);
  return written{now_, next_fence()};
}

// -- what nobody minds --------------------------------------------------------

// An engine on a file is dead for good once its lock is gone: unlike one on a
// server it cannot have lost touch only. So `dead_owner` needs no second look.

result<written> sqlite_lease_writes::write(const await_run& x) {
  if (await_run_.run(x.lease.id, now_, x.lease.fence, now_ + x.grace) == 0)
    return conflict("kept for its run", x.lease.id, x.lease.fence);
  record(x.lease.id, std::nullopt, x.note);
  return written{now_, x.lease.fence};
}

result<written> sqlite_lease_writes::write(const adopt_late& x) {
  auto fence = next_fence();
  try {
    if (adopt_late_.run(x.lease, now_, x.resource, x.as, fence, self_) == 0)
      return has_a_row(x);
  } catch (const sqlite::error& e) {
    return refused(e, "inserted", x.as, x.resource);
  }
  record_first(x.as, x.note);
  return written{now_, fence};
}

result<written> sqlite_lease_writes::write(const confirm_gone& x) {
  if (confirm_gone_.run(x.lease, now_) == 0)
    return conflict("marked as gone", x.lease, 0);
  record(x.lease, std::nullopt, x.note);
  return done_to(x.lease);
}

// -- history and explanations -------------------------------------------------

void sqlite_lease_writes::record(const lease_id& who,
                                 std::optional<lease_status> before,
                                 std::string_view note) {
  if (before)
    record_.run(who, now_, *before, self_, note);
  else
    record_.run(who, now_, std::nullopt, self_, note);
}

void sqlite_lease_writes::record_first(const lease_id& who,
                                       std::string_view note) {
  record_.run(who, now_, std::string_view{}, self_, note);
}

lease_status sqlite_lease_writes::status_of(const lease_id& who) {
  lease_row row;
  if (auto found = read_state_.ask(who); found.next())
    found.read(row.status);
  return row.status;
}

written sqlite_lease_writes::done_to(const lease_id& who) {
  lease_row row;
  auto found = read_state_.ask(who);
  if (found.next())
    found.read(row.status, row.fence);
  return {now_, row.fence};
}

failure sqlite_lease_writes::conflict(std::string_view verb,
                                      const lease_id& who, fence_no asked) {
  auto found = read_state_.ask(who);
  if (!found.next())
    return guard_failed(verb, who, std::nullopt, asked);
  lease_row row;
  found.read(row.status, row.fence, row.parked, row.cleanup);
  return guard_failed(verb, who, row, asked);
}

failure sqlite_lease_writes::refused(const sqlite::error& why,
                                     std::string_view verb, const lease_id& who,
                                     const resource_id& resource,
                                     std::optional<std::string_view> provider,
                                     const plugin_id& plugin) {
  if (why.code() != SQLITE_CONSTRAINT)
    throw why;
  auto message = cannot_be(verb, who);
  if (why.extended_code() == SQLITE_CONSTRAINT_FOREIGNKEY)
    return {ec::conflict, message + ": its environment no longer exists.",
            why.what()};
  lease_id holder;
  if (auto found = find_holder_.ask(who, resource, provider, plugin);
      found.next()) {
    found.read(holder);
    return {ec::conflict,
            message + ": its resource is held by lease \"" + holder.value
              + "\".",
            why.what()};
  }
  return {ec::conflict, message + ": a lease with this id exists.", why.what()};
}

} // namespace leasehold
