// Whose leases they are: runs come back for what they held under an engine that
// is dead, and an engine that was without its store finds out what it has lost.
// The rest is in lease_desk.cpp.

#include "actors/foreign_end.hpp"
#include "actors/lease_desk.hpp"
#include "messages/json.hpp"
#include "messages/mutation.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>

namespace leasehold {

namespace {

/// How soon a store that does not answer is asked again.
constexpr milliseconds verify_pause{1'000};

bool names_lease(const lease_rows& all, const lease_id& lease) {
  if (mutated(mutation::living_engine_robbed))
    return true;
  return std::any_of(all.rows.begin(), all.rows.end(),
                     [&](const auto& row) { return row.id == lease; });
}

failure held_by_another(const lease_row& row) {
  return {ec::held_elsewhere, "Lease " + row.id.value
                                + " is held by another engine ("
                                + row.owner.value + ") that is alive."};
}

lease_granted as_granted(const lease_row& row, std::string_view driver,
                         std::string note) {
  return {{row.id, row.fence}, row.environment, std::string{driver},
          row.provider,        row.resource,    lease_origin::resumed,
          std::move(note),     row.expires_at,  row.metadata};
}

/// The row of a lease that was taken over so.
lease_row as_ours(lease_row row, const reacquire_lease& what,
                  const written& how) {
  row.fence = how.fence;
  row.owner = what.owner;
  row.deadline_at.reset();
  row.reattach_grace = what.reattach_grace;
  if (what.expires_in.count() > 0)
    row.expires_at = how.at + what.expires_in;
  return row;
}

} // namespace

// -- runs that come back ------------------------------------------------------

/// A run that comes back, and what it has by now.
struct lease_desk::homecoming {
  caf::typed_response_promise<run_reattached> promise;
  reattach_run what;
  run_reattached so_far;
  size_t left = 0;

  void arrived() {
    if (--left == 0)
      promise.deliver(std::move(so_far));
  }
};

caf::result<run_reattached> lease_desk::reattach(const reattach_run& what) {
  if (what.run.empty())
    return to_error({ec::invalid_request,
                     "A run needs a name; nobody can come back for an ad-hoc "
                     "lease."});
  auto who = std::make_shared<homecoming>();
  who->what = what;
  who->promise = ties_.self->make_response_promise<run_reattached>();
  auto promise = who->promise;
  auto fail
    = [promise](const caf::error& err) mutable { promise.deliver(err); };
  list_leases all;
  all.run = what.run;
  all.status = {lease_status::active};
  list_orphans orphans;
  orphans.asker = ties_.services->self;
  orphans.waiting_too = true;
  orphans.run = what.run;
  orphans.limit = all.limit;
  auto look_for_orphans = [this, who, orphans, fail](store_answer& found) {
    auto rows = std::get<lease_rows>(std::move(found));
    ask(
      ties_.self, ties_.store, caf::infinite, store_query{orphans},
      [this, who, rows](store_answer& dead) {
        take_over(who, rows, std::get<lease_rows>(dead));
      },
      fail);
  };
  ask(ties_.self, ties_.store, caf::infinite, store_query{all},
      look_for_orphans, fail);
  return promise;
}

void lease_desk::take_over(const std::shared_ptr<homecoming>& who,
                           const lease_rows& all, const lease_rows& orphans) {
  // One more than there are: the last answer is ours.
  who->left = all.rows.size() + 1;
  for (const auto& row : all.rows) {
    auto* driver = ties_.services->drivers.of_provider(row.provider);
    if (row.owner == ties_.services->self && driver) {
      who->so_far.leases.push_back(
        as_granted(row, driver->key(), "held by this engine already"));
      who->arrived();
    } else if (names_lease(orphans, row.id) && driver) {
      adopt(who, row);
    } else {
      who->so_far.errors.push_back(
        driver ? held_by_another(row)
               : failure{ec::unknown_driver,
                         "There is no driver for lease " + row.id.value + "."});
      who->arrived();
    }
  }
  who->arrived();
}

void lease_desk::adopt(const std::shared_ptr<homecoming>& who,
                       const lease_row& orphan) {
  reacquire_lease what;
  what.lease = {orphan.id, orphan.fence};
  what.run = orphan.run;
  what.owner = ties_.services->self;
  what.expires_in = who->what.ttl;
  what.reattach_grace = ties_.options.reattach_grace;
  what.dead_owner = orphan.owner;
  what.note
    = "its run came back; its engine " + orphan.owner.value + " is gone";
  auto on_written = [this, who, before = orphan, what](const written& how) {
    on_adopted(who, as_ours(before, what, how), how.at);
  };
  ask(ties_.self, ties_.store, caf::infinite, store_write{std::move(what)},
      on_written, [this, who, orphan](const caf::error& err) {
        auto why = to_failure(err);
        if (why.code == ec::commit_unknown)
          return read_back(who, orphan, why);
        who->so_far.errors.push_back(std::move(why));
        who->arrived();
      });
}

void lease_desk::on_adopted(const std::shared_ptr<homecoming>& who,
                            const lease_row& row, timestamp at) {
  std::string driver{ties_.services->drivers.of_provider(row.provider)->key()};
  who->so_far.leases.push_back(
    as_granted(row, driver, "taken over from an engine that is gone"));
  // Later verbs go by what a lease has captured.
  environment_context place{row.company, row.environment, driver, {}};
  add({row, std::move(place), holds_resource(row), at,
       plugin_id{text_member(row.metadata, "pluginId")}});
  on_newcomer_(row.environment, row.id);
  who->arrived();
}

void lease_desk::read_back(const std::shared_ptr<homecoming>& who,
                           const lease_row& orphan, const failure& why) {
  auto compare = [this, who, orphan, why](store_answer& answer) {
    read_again_.erase(orphan.id);
    auto& found = std::get<lease_rows>(answer);
    auto& row = found.rows.front();
    // Another question of the same run may have brought it here.
    if (row.owner == ties_.services->self && row.fence != orphan.fence
        && row.status == lease_status::active && !leases_.contains(row.id))
      return on_adopted(who, row, found.at);
    who->so_far.errors.push_back(why);
    who->arrived();
  };
  ask(ties_.self, ties_.store, caf::infinite,
      store_query{get_lease{orphan.id.value}}, compare,
      [this, who, orphan, why](const caf::error&) {
        read_again_[orphan.id]
          = after(ties_.self, ties_.options.lease.record_retry,
                  [this, who, orphan, why] { read_back(who, orphan, why); });
      });
}

// -- an engine that was away --------------------------------------------------

void lease_desk::on_life_changed(const life_changed& what) {
  if (!what.lost)
    return verify();
  still_ = true;
  if (ties_.services->log)
    ties_.services->log(
      log_rank::error,
      "this engine has lost touch with its store; others may take its leases "
      "over, so it serves none of them until it knows");
  for (const auto& [id, entry] : leases_)
    tell(ties_.self, entry.actor, hold_still{true});
}

void lease_desk::verify() {
  verify_again_.dispose();
  // Those that are granted meanwhile may not be in the answer.
  std::set<lease_id> asked;
  for (const auto& [id, entry] : leases_)
    asked.insert(id);
  ask(
    ties_.self, ties_.store, caf::infinite,
    store_query{list_owned{ties_.services->self}},
    [this, asked](store_answer& found) {
      on_verified(asked, std::get<lease_rows>(found));
    },
    [this](const caf::error&) {
      verify_again_ = after(ties_.self, verify_pause, [this] { verify(); });
    });
}

void lease_desk::on_verified(const std::set<lease_id>& asked,
                             const lease_rows& ours) {
  std::unordered_set<lease_id> kept;
  for (const auto& row : ours.rows)
    kept.insert(row.id);
  size_t lost = 0;
  for (const auto& id : asked) {
    auto pos = leases_.find(id);
    if (pos == leases_.end() || kept.contains(id))
      continue;
    ++lost;
    tell(ties_.self, pos->second.actor,
         lease_taken{"Another engine ended lease " + id.value
                     + " or took it over while this one was without its "
                       "store."});
  }
  if (lost > 0 && ties_.services->log)
    ties_.services->log(log_rank::error,
                        "this engine was counted as dead and has lost "
                          + std::to_string(lost) + " of "
                          + std::to_string(asked.size()) + " leases");
  still_ = false;
  for (const auto& [id, entry] : leases_)
    tell(ties_.self, entry.actor, hold_still{false});
}

} // namespace leasehold
