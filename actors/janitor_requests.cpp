// What others ask of the JANITOR: to end a lease that has no actor here, and to
// deal with a resource that came up late. The rest is in janitor_actor.cpp.

#include "actors/janitor_actor.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

bool is_orphan(const lease_rows& orphans, const lease_id& lease) {
  return std::any_of(orphans.rows.begin(), orphans.rows.end(),
                     [&](const auto& row) { return row.id == lease; });
}

} // namespace

// -- resources that came up late ----------------------------------------------

void janitor_state::on_late(const late_resource& what, uint32_t attempt) {
  late_retries_.erase(what.resource);
  log(log_rank::warning, "lease " + what.lease.value + ": "
                           + what.resource.value + " came up late");
  query(
    get_lease{what.lease.value},
    [this, what, attempt](lease_rows& found) {
      record_late(what, found.rows.front(), attempt);
    },
    [this, what, attempt](const caf::error& err) {
      on_late_unrecorded(what, attempt, to_failure(err));
    });
}

void janitor_state::record_late(const late_resource& what, const lease_row& row,
                                uint32_t attempt) {
  auto as = lease_id{with_->make_id()};
  write(
    leasehold::record_late(row, what.resource, as),
    [this](const written&) { on(sweep_event::sweep_due{}); },
    [this, what, row, attempt](const caf::error& err) {
      auto why = to_failure(err);
      // The row has changed since it was read, or another one has it.
      if (why.code != ec::conflict || takes_late(row, what.resource))
        return on_late_unrecorded(what, attempt, why);
      log(log_rank::info, why.message);
    });
}

void janitor_state::on_late_unrecorded(const late_resource& what,
                                       uint32_t attempt, const failure& why) {
  auto pause = pause_after(attempt, now_.options.cleanup, with_->dice());
  if (!pause || why.code == ec::unknown_lease)
    return log(
      log_rank::error,
      what.resource.value + " came up late for lease " + what.lease.value
        + " and could not be recorded; remove it by hand: " + why.message);
  if (why.code == ec::conflict)
    pause = milliseconds{0};
  late_retries_[what.resource] = after(
    self_, *pause, [this, what, attempt] { on_late(what, attempt + 1); });
}

// -- leases without an actor --------------------------------------------------

caf::result<lease_ended> janitor_state::end_foreign(foreign_request what) {
  auto promise = self_->make_response_promise<lease_ended>();
  auto question = get_lease{what.lease.id.value};
  query(
    std::move(question),
    [this, what = std::move(what), promise](lease_rows& found) {
      end_row(what, found.rows.front(), std::nullopt, promise);
    },
    [promise](const caf::error& err) mutable { promise.deliver(err); });
  return promise;
}

void janitor_state::end_row(const foreign_request& what, const lease_row& row,
                            std::optional<bool> owner_is_dead,
                            end_promise promise) {
  namespace verdict = foreign_verdict;
  auto how = judge(what, row, owner_is_dead);
  if (auto* told = std::get_if<verdict::answer>(&how))
    promise.deliver(std::move(told->how));
  else if (auto* no = std::get_if<verdict::refuse>(&how))
    promise.deliver(to_error(no->why));
  else if (std::holds_alternative<verdict::ask_owner>(how))
    ask_owner(what, row, std::move(promise));
  else if (auto* gone = std::get_if<verdict::remove>(&how))
    perform(*gone, row, std::move(promise));
  else
    perform(std::get<verdict::end>(how), std::move(promise));
}

void janitor_state::ask_owner(const foreign_request& what, const lease_row& row,
                              end_promise promise) {
  list_orphans which;
  which.asker = with_->self;
  which.waiting_too = true;
  which.run = row.run;
  which.limit = 1'000'000;
  query(
    which,
    [this, what, row, promise](lease_rows& orphans) {
      end_row(what, row, is_orphan(orphans, row.id), promise);
    },
    [promise](const caf::error& err) mutable { promise.deliver(err); });
}

void janitor_state::perform(const foreign_verdict::end& wish,
                            end_promise promise) {
  auto row = wish.after;
  write(
    wish.what,
    [this, row, promise](const written&) mutable {
      if (row.cleanup == cleanup_status::failed)
        clean_and_answer(row, promise);
      else
        promise.deliver(ended(row));
    },
    [promise](const caf::error& err) mutable { promise.deliver(err); });
}

void janitor_state::perform(const foreign_verdict::remove& wish,
                            const lease_row& row, end_promise promise) {
  write(
    wish.what,
    [this, row, promise](const written&) { clean_and_answer(row, promise); },
    [promise](const caf::error& err) mutable { promise.deliver(err); });
}

void janitor_state::clean_and_answer(const lease_row& row,
                                     end_promise promise) {
  await_cleanup_[row.id].push_back(std::move(promise));
  on(sweep_event::wanted{row});
}

} // namespace leasehold
