// What others ask of the JANITOR: to end a lease that has no actor here, and to
// deal with a resource that came up late. The rest is in janitor_actor.cpp.

#include "actors/janitor_actor.hpp"
#include "actors/lease_term.hpp"

#include <utility>

namespace leasehold {

namespace {

lease_status status_of(release_status x) {
  switch (x) {
    case release_status::released:
      return lease_status::released;
    case release_status::expired:
      return lease_status::expired;
    default:
      return lease_status::failed;
  }
}

lease_ended ended(const lease_row& row) {
  return {row.id,     row.status,   row.cleanup, row.failure_reason,
          row.parked, row.resource, {}};
}

bool is_orphan(const lease_rows& orphans, const lease_id& lease) {
  for (const auto& row : orphans.rows)
    if (row.id == lease)
      return true;
  return false;
}

} // namespace

void janitor_state::on_late(const late_resource& what) {
  log(log_rank::warning, "lease " + what.lease.value + ": "
                           + what.resource.value + " came up late");
  auto remove = [this, what](lease_rows& found) {
    auto then
      = [this, what](const result<>& outcome) { record_late(what, outcome); };
    destroy(found.rows.front(), what.resource, back_to<done>(self_, then));
  };
  query(get_lease{what.lease.value}, remove, [](const caf::error&) {});
}

void janitor_state::record_late(const late_resource& what,
                                const result<>& outcome) {
  record_cleanup note;
  note.lease = what.lease;
  note.attempted = false;
  note.resource = what.resource;
  note.note = "came up late as " + what.resource.value;
  if (!outcome) {
    note.outcome = cleanup_status::failed;
    note.next_cleanup_in = options_.cleanup.retry_delay;
  }
  auto removed = outcome.has_value();
  write(
    std::move(note), [this](const written&) { sweep(); },
    // A row that cannot name it yet, or owes nothing any more, leaves it to us.
    [this, what, removed](const caf::error&) {
      if (!removed)
        late_retries_[what.resource] = after(
          self_, options_.cleanup.retry_delay, [this, what] { on_late(what); });
    });
}

caf::result<lease_ended>
janitor_state::end_foreign(const lease_handle& lease, const std::string& reason,
                           std::optional<release_status> status) {
  auto promise = self_->make_response_promise<lease_ended>();
  auto fail
    = [promise](const caf::error& err) mutable { promise.deliver(err); };
  auto go = [this, lease, reason, status, promise](lease_rows& found) mutable {
    auto& row = found.rows.front();
    if (lease.fence == 0 || lease.fence == row.fence)
      return end_row(std::move(row), reason, status, promise);
    promise.deliver(
      to_error({ec::stale_lease,
                "Lease " + row.id.value + " was granted anew: fence "
                  + std::to_string(row.fence) + ", not "
                  + std::to_string(lease.fence) + ".",
                {}}));
  };
  query(get_lease{lease.id.value}, go, fail);
  return promise;
}

void janitor_state::end_row(lease_row row, const std::string& reason,
                            std::optional<release_status> status,
                            end_promise promise) {
  if (!has_ended(row.status))
    return end_living(std::move(row), reason,
                      status.value_or(release_status::failed),
                      status.has_value(), promise);
  auto clean = row.cleanup == cleanup_status::success;
  // A repeated release is told how the lease ended; so is a repeated removal.
  if (status || clean || !holds_resource(row))
    return promise.deliver(ended(row));
  auto why = reason.empty() ? std::string{reason::destroyed} : reason;
  write(
    owe_cleanup{row.id, milliseconds{0}, why, "to be destroyed"},
    [this, row, promise](const written&) { clean_and_answer(row, promise); },
    [promise](const caf::error& err) mutable { promise.deliver(err); });
}

void janitor_state::end_living(lease_row row, const std::string& reason,
                               release_status status, bool owner_must_be_dead,
                               end_promise promise) {
  if (!owner_must_be_dead)
    return write_end(std::move(row), reason, status, promise);
  auto decide
    = [this, row, reason, status, promise](lease_rows& orphans) mutable {
        if (is_orphan(orphans, row.id))
          return write_end(std::move(row), reason, status, promise);
        promise.deliver(
          to_error({ec::held_elsewhere,
                    "Lease " + row.id.value + " is held by another engine ("
                      + row.owner.value + ") that is alive.",
                    {}}));
      };
  query(list_orphans{with_->self}, decide,
        [promise](const caf::error& err) mutable { promise.deliver(err); });
}

void janitor_state::write_end(lease_row row, const std::string& reason,
                              release_status status, end_promise promise) {
  end_lease what;
  what.lease = {row.id, row.fence};
  what.from = {lease_status::acquiring, lease_status::active};
  what.to = status_of(status);
  what.failure_reason
    = reason.empty() ? std::string{reason::destroyed} : reason;
  auto owed = holds_resource(row);
  what.cleanup = owed ? cleanup_status::failed : cleanup_status::success;
  if (owed)
    what.next_cleanup_in = milliseconds{0};
  what.note = "ended from outside";
  row.status = what.to;
  row.cleanup = what.cleanup;
  row.failure_reason = what.failure_reason;
  write(
    std::move(what),
    [this, row, owed, promise](const written&) mutable {
      if (owed)
        clean_and_answer(row, promise);
      else
        promise.deliver(ended(row));
    },
    [promise](const caf::error& err) mutable { promise.deliver(err); });
}

void janitor_state::clean_and_answer(const lease_row& row,
                                     end_promise promise) {
  start(row);
  auto pos = under_way_.find(row.id);
  if (pos != under_way_.end())
    pos->second.push_back(std::move(promise));
  else
    promise.deliver(ended(row));
}

} // namespace leasehold
