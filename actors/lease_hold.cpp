// Whose a LEASE is: its run takes it again; its engine may have lost it to
// another one. The rest is in lease_actor.cpp.

#include "actors/lease_actor.hpp"

#include <utility>

namespace leasehold {

// -- taken again --------------------------------------------------------------

caf::result<lease_retaken> lease_state::retake(const retake_lease& what) {
  if (now_.phase != tenancy_phase::active)
    return to_error({ec::conflict, "The lease is ending.", {}});
  auto promise = self_->make_response_promise<lease_retaken>();
  on(tenancy_event::retake_began{});
  auto ttl = what.ttl;
  ask(
    self_, with_.store, caf::infinite,
    store_write{reacquire_lease{{row_.id, row_.fence},
                                row_.run,
                                row_.owner,
                                ttl,
                                row_.reattach_grace,
                                "taken again by its run"}},
    [this, promise, ttl](const written& how) mutable {
      on_retaken(how, ttl);
      promise.deliver(lease_retaken{row_.fence, row_.expires_at, how.at});
    },
    [this, promise, ttl](const caf::error& err) {
      on_not_retaken(to_failure(err), ttl, promise);
    });
  return promise;
}

void lease_state::on_not_retaken(
  const failure& why, milliseconds ttl,
  caf::typed_response_promise<lease_retaken> promise) {
  if (disposition_of(why.code) != disposition::in_doubt) {
    on(tenancy_event::retake_over{});
    return promise.deliver(to_error(why));
  }
  // Under which fence the lease is now, only its row can tell.
  ask(
    self_, with_.store, caf::infinite, store_query{get_lease{row_.id.value}},
    [this, why, ttl, promise](store_answer& answer) mutable {
      auto& found = std::get<lease_rows>(answer);
      auto fence = found.rows.front().fence;
      if (fence == row_.fence) {
        on(tenancy_event::retake_over{});
        return promise.deliver(to_error(why));
      }
      on_retaken({found.at, fence}, ttl);
      promise.deliver(lease_retaken{row_.fence, row_.expires_at, found.at});
    },
    [this, why, ttl, promise](const caf::error&) {
      reread_ = after(self_, options_.record_retry, [this, why, ttl, promise] {
        on_not_retaken(why, ttl, promise);
      });
    });
}

void lease_state::on_retaken(const written& how, milliseconds ttl) {
  row_.fence = how.fence;
  if (ttl.count() > 0)
    row_.expires_at = how.at + ttl;
  if (now_.phase == tenancy_phase::active)
    arm_expiry(how.at);
  on(tenancy_event::retake_over{});
}

// -- maybe lost ---------------------------------------------------------------

void lease_state::hold(bool still) {
  still_ = still;
  if (still_)
    return;
  if (auto call = std::exchange(postponed_, {}))
    call();
}

std::optional<failure> lease_state::why_still() const {
  if (!still_)
    return std::nullopt;
  return failure{ec::store_unavailable,
                 "This engine has lost touch with its store, and another one "
                 "may have taken lease "
                   + row_.id.value
                   + " over. It serves the lease again once it knows.",
                 {}};
}

} // namespace leasehold
