// What operators ask of the JANITOR. The rest is in janitor_actor.cpp and
// janitor_requests.cpp.

#include "actors/janitor_actor.hpp"
#include "actors/operator_rules.hpp"

#include <utility>

namespace leasehold {

namespace {

/// A row whose resource somebody has seen to be gone.
lease_row without_resource(lease_row row) {
  row.cleanup = cleanup_status::success;
  row.parked = false;
  return row;
}

} // namespace

caf::result<lease_ended> janitor_state::retry(const retry_cleanup& what) {
  auto promise = self_->make_response_promise<lease_ended>();
  auto fail
    = [promise](const caf::error& err) mutable { promise.deliver(err); };
  auto judge_row = [this, what, promise, fail](lease_rows& found) mutable {
    const auto& row = found.rows.front();
    auto owed = judge(what, row);
    if (!owed)
      return promise.deliver(to_error(owed.error()));
    write(
      *owed,
      [this, row, promise](const written&) { clean_and_answer(row, promise); },
      fail);
  };
  query(get_lease{what.lease.value}, judge_row, fail);
  return promise;
}

caf::result<lease_ended> janitor_state::confirm(const report_gone& what) {
  auto promise = self_->make_response_promise<lease_ended>();
  auto fail
    = [promise](const caf::error& err) mutable { promise.deliver(err); };
  auto judge_row = [this, what, promise, fail](lease_rows& found) mutable {
    auto row = found.rows.front();
    auto gone = judge(what, row);
    if (!gone)
      return promise.deliver(to_error(gone.error()));
    write(
      *gone,
      [this, row, promise](const written&) mutable {
        promise.deliver(ended(without_resource(row)));
        on(sweep_event::sweep_due{});
      },
      fail);
  };
  query(get_lease{what.lease.value}, judge_row, fail);
  return promise;
}

caf::result<lease_ended> janitor_state::remove(const remove_stray& what) {
  auto promise = self_->make_response_promise<lease_ended>();
  auto fail
    = [promise](const caf::error& err) mutable { promise.deliver(err); };
  adopt_late adopted{what.lease,
                     what.resource,
                     {with_->make_id()},
                     "found at its provider by " + what.who
                       + ", made for lease " + what.lease.value};
  auto look_up = [this, as = adopted.as, promise, fail](const written&) {
    query(
      get_lease{as.value},
      [this, promise](lease_rows& found) {
        clean_and_answer(found.rows.front(), promise);
      },
      fail);
  };
  write(std::move(adopted), look_up, fail);
  return promise;
}

} // namespace leasehold
