#include "actors/foreign_end.hpp"

#include "actors/lease_term.hpp"
#include "messages/mutation.hpp"

#include <utility>

namespace leasehold {

namespace {

namespace verdict = foreign_verdict;

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

failure held_elsewhere(const lease_row& row) {
  return {ec::held_elsewhere, "Lease " + row.id.value
                                + " is held by another engine ("
                                + row.owner.value + ") that is alive."};
}

std::string reason_of(const foreign_request& what) {
  return what.reason.empty() ? std::string{reason::destroyed} : what.reason;
}

verdict::any judge_ended(const foreign_request& what, const lease_row& row) {
  auto clean = row.cleanup == cleanup_status::success;
  // A repeated release is told how the lease ended; so is a repeated removal.
  if (what.status || clean || !holds_resource(row))
    return verdict::answer{ended(row)};
  return verdict::remove{
    {row.id, milliseconds{0}, reason_of(what), "to be destroyed"}};
}

verdict::any end_now(const foreign_request& what, lease_row row,
                     bool owner_is_dead) {
  end_lease out;
  if (owner_is_dead)
    out.dead_owner = row.owner;
  out.lease = {row.id, row.fence};
  out.from = {lease_status::acquiring, lease_status::active};
  out.to = status_of(what.status.value_or(release_status::failed));
  out.failure_reason = reason_of(what);
  auto owed = holds_resource(row);
  out.cleanup = owed ? cleanup_status::failed : cleanup_status::success;
  if (owed)
    out.next_cleanup_in = milliseconds{0};
  out.note = "ended from outside";
  row.status = out.to;
  row.cleanup = out.cleanup;
  row.failure_reason = out.failure_reason;
  return verdict::end{std::move(out), std::move(row)};
}

} // namespace

foreign_verdict::any judge(const foreign_request& what, const lease_row& row,
                           std::optional<bool> owner_is_dead) {
  if (auto stale = why_stale(what.lease, row.fence))
    return verdict::refuse{std::move(*stale)};
  if (has_ended(row.status))
    return judge_ended(what, row);
  // A removal is accepted in every state, even from a living engine.
  if (!what.status || owner_is_dead == true)
    return end_now(what, row, owner_is_dead == true);
  if (!owner_is_dead)
    return verdict::ask_owner{};
  return verdict::refuse{held_elsewhere(row)};
}

end_lease end_of_orphan(const lease_row& row, const instance_id& self) {
  auto ours = row.owner == self;
  auto how
    = outcome_of_loss(holds_resource(row), ours ? reason::acquire_abandoned
                                                : reason::engine_restart);
  end_lease out;
  out.lease = {row.id, row.fence};
  out.from = {lease_status::acquiring, lease_status::active};
  out.to = how.status;
  out.failure_reason = how.failure_reason;
  out.cleanup = how.cleanup;
  out.next_cleanup_in = how.next_cleanup_in;
  out.note = ours ? "long past its deadline" : "its engine is gone";
  if (!ours)
    out.dead_owner = row.owner;
  if (!ours && row.status == lease_status::active && row.deadline_at)
    out.note += ", and its run has not come back in time";
  return out;
}

store_write settle_orphan(const lease_row& row, const instance_id& self) {
  auto may_come_back = row.owner != self && row.status == lease_status::active
                       && !row.run.empty() && row.reattach_grace.count() > 0;
  // Once it has waited it does not wait again.
  if (!may_come_back || row.deadline_at || mutated(mutation::grace_ignored))
    return end_of_orphan(row, self);
  return await_run{{row.id, row.fence},
                   row.owner,
                   row.reattach_grace,
                   "its engine is gone; its run may come back for "
                     + std::to_string(row.reattach_grace.count()) + " ms"};
}

bool holds_resource(const lease_row& row) noexcept {
  return row.exclusive || row.status == lease_status::acquiring;
}

lease_ended ended(const lease_row& row) {
  return {row.id,     row.status,   row.cleanup, row.failure_reason,
          row.parked, row.resource, {}};
}

} // namespace leasehold
