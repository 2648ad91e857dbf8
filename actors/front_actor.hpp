#pragma once

// THE FRONT: where calls of the embedding program enter the actors' world, and
// where their answers leave it.
//
//   caller's thread -- question --> any actor
//                                       |
//        completion <-- FRONT <-- answer, by correspondence
//
// What the program does with an answer may take long: only other answers wait
// for it.

#include "actors/correspondence.hpp"
#include "actors/mail.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <memory>
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
};

/// One FRONT with all that belongs to it. Any thread.
class front_desk {
public:
  explicit front_desk(caf::actor_system& system)
    : actor_{spawn_actor<front_state>(system)},
      calls_{system, [to = actor_](std::function<void()> what) {
               tell_from_outside(to, front_call{std::move(what)});
             }} {
    // nop
  }

  /// Asks `whom`; `then` is called once, in the FRONT, or dropped if that is
  /// closed before.
  template <class Reply, class Handle, class Message>
  void ask(const Handle& whom, Message what, completion<Reply> then) {
    calls_.ask<Reply>(whom, std::move(what), std::move(then));
  }

  /// Runs `what` in the FRONT.
  void run(std::function<void()> what) {
    tell_from_outside(actor_, front_call{std::move(what)});
  }

  /// Nobody is answered any more.
  void close() {
    calls_.close();
    send_away(actor_);
  }

private:
  front_actor actor_;
  correspondence calls_;
};

using front_ptr = std::shared_ptr<front_desk>;

} // namespace leasehold
