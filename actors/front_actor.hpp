#pragma once

// THE FRONT: where calls of the embedding program enter the actors' world.

#include "actors/mail.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace leasehold {

class front_state {
public:
  using protocol = front_actor;

  static constexpr const char* name = "leasehold.front";

  explicit front_state(front_actor::pointer) {
    // nop
  }

  front_actor::behavior_type make_behavior() {
    return {[](const front_call& call) { call.what(); }};
  }

  /// The actor behind a handle, for use inside a `front_call`.
  static front_actor::pointer pointer_of(const front_actor& whom) {
    return caf::actor_cast<front_actor::pointer>(whom);
  }
};

/// Asks `whom` on behalf of a thread that is no actor; `then` is called once,
/// on a thread of the actors.
template <class Reply, class Handle, class Message>
void ask_from_outside(const front_actor& front, const Handle& whom,
                      Message what, completion<Reply> then) {
  auto run = [front, whom, what = std::move(what), then]() mutable {
    auto fail = [then](const caf::error& err) { then(to_failure(err)); };
    auto* self = front_state::pointer_of(front);
    if constexpr (std::is_same_v<Reply, done>)
      ask(
        self, whom, caf::infinite, std::move(what), [then] { then(done{}); },
        fail);
    else
      ask(
        self, whom, caf::infinite, std::move(what),
        [then](Reply& x) { then(std::move(x)); }, fail);
  };
  tell_from_outside(front, front_call{std::move(run)});
}

} // namespace leasehold
