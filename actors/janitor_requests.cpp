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
  log(log_rank::warning, "lease " + what.lease.value + ": "
                           + what.resource.value + " came up late");
  auto remove = [this, what, attempt](lease_rows& found) {
    const auto& row = found.rows.front();
    if (!takes_late(row, what.resource))
      return remove_late(row, what, attempt);
    write(
      note_late(what.lease, what.resource), [this](const written&) { sweep(); },
      [this, row, what, attempt](const caf::error&) {
        remove_late(row, what, attempt);
      });
  };
  query(get_lease{what.lease.value}, remove,
        [this, what, attempt](const caf::error& err) {
          on_late_removed(what, attempt, to_failure(err));
        });
}

void janitor_state::remove_late(const lease_row& row, const late_resource& what,
                                uint32_t attempt) {
  auto then = [this, what, attempt](const result<>& outcome) {
    on_late_removed(what, attempt, outcome);
  };
  write(
    take_fence{row.id, false},
    [this, row, what, then](const written& how) {
      auto mine = row;
      mine.fence = how.fence;
      destroy(mine, what.resource, back_to<done>(self_, then));
    },
    [then](const caf::error& err) { then(to_failure(err)); });
}

void janitor_state::on_late_removed(const late_resource& what, uint32_t attempt,
                                    const result<>& outcome) {
  late_retries_.erase(what.resource);
  if (outcome)
    return;
  auto pause = pause_after(attempt, options_.cleanup, with_->dice());
  if (!pause)
    return log(log_rank::error,
               what.resource.value + " came up late for lease "
                 + what.lease.value + " and could not be removed in "
                 + std::to_string(attempt)
                 + " attempts; remove it by hand: " + outcome.error().message);
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
  query(
    list_orphans{with_->self},
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
  start(row);
  auto pos = under_way_.find(row.id);
  if (pos != under_way_.end())
    pos->second.push_back(std::move(promise));
  else
    promise.deliver(ended(row));
}

} // namespace leasehold
