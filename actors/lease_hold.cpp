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
    [this, promise](const caf::error& err) mutable {
      on(tenancy_event::retake_over{});
      promise.deliver(err);
    });
  return promise;
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
