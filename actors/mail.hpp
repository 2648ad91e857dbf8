#pragma once

// How actors talk, spelled once. CAF 0.18 and 1.x name these calls differently;
// no other file in actors/ asks which CAF this is. We ask for the major version
// alone: the CAF_VERSION of 1.1.0 is 0100, which is 64.

#include <caf/config.hpp>
#if __has_include(<caf/detail/build_config.hpp>)
#  include <caf/detail/build_config.hpp>
#endif
#if __has_include(<caf/anon_mail.hpp>)
#  include <caf/anon_mail.hpp>
#endif
#include "actors/alarm_clock.hpp"
#include "messages/result.hpp"
#include "messages/type_ids.hpp"

#include <caf/action.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_companion.hpp>
#include <caf/disposable.hpp>
#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/response_type.hpp>
#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace leasehold {

// -- errors -------------------------------------------------------------------

/// A failure as actors hand it on.
inline caf::error to_error(const failure& why) {
  return caf::make_error(why.code, why);
}

/// What an actor's error says. Errors that are not ours mean that an actor is
/// gone or broke its protocol.
inline failure to_failure(const caf::error& err) {
  if (err.category() != caf::type_id_v<ec>)
    return {ec::internal, "An actor of the engine did not answer.",
            caf::to_string(err)};
  const auto& content = err.context();
  if (content.match_elements<failure>())
    return content.get_as<failure>(0);
  return {static_cast<ec>(err.code()), caf::to_string(err), {}};
}

// -- time ---------------------------------------------------------------------

/// Owns an armed timer: setting it anew or destroying it calls the old one off.
/// Every lease has several, most of them never armed.
class timer {
public:
  timer() = default;

  /// By the clock of CAF, which is virtual in tests.
  explicit timer(caf::disposable armed)
    : armed_{new state{std::move(armed), nullptr, {}}} {
    // nop
  }

  timer(alarm_clock& clock, alarm_clock::key which)
    : armed_{new state{{}, &clock, which}} {
    // nop
  }

  timer(timer&&) noexcept = default;

  timer& operator=(timer&& other) noexcept {
    dispose();
    armed_ = std::move(other.armed_);
    return *this;
  }

  ~timer() {
    dispose();
  }

  void dispose() {
    auto was = std::exchange(armed_, nullptr);
    if (was && was->clock)
      was->clock->call_off(was->which);
    else if (was)
      was->by_caf.dispose();
  }

private:
  struct state {
    caf::disposable by_caf;
    alarm_clock* clock;
    alarm_clock::key which;
  };

  std::unique_ptr<state> armed_;
};

// -- talking ------------------------------------------------------------------

/// Spawns an actor whose state class makes its own behavior.
template <class State, class Spawner, class... Args>
auto spawn_actor(Spawner& parent, Args&&... args) {
  using impl = caf::stateful_actor<State, typename State::protocol::impl>;
  return parent.template spawn<impl>(std::forward<Args>(args)...);
}

/// Sends a message and forgets it.
template <class Self, class Handle, class Message>
void tell(Self* self, const Handle& whom, Message what) {
#if CAF_MAJOR_VERSION >= 1
  self->mail(std::move(what)).send(whom);
#else
  self->send(whom, std::move(what));
#endif
}

/// Sends a message, which may have several parts, on behalf of a thread that is
/// no actor.
template <class Handle, class... Parts>
void tell_from_outside(const Handle& whom, Parts... what) {
#if CAF_MAJOR_VERSION >= 1
  caf::anon_mail(std::move(what)...).send(whom);
#else
  caf::anon_send(whom, std::move(what)...);
#endif
}

/// Sends a request; exactly one of the two continuations runs.
template <class Self, class Handle, class Timeout, class Message, class Then,
          class Else>
void ask(Self* self, const Handle& whom, Timeout timeout, Message what,
         Then then, Else otherwise) {
#if CAF_MAJOR_VERSION >= 1
  self->mail(std::move(what))
    .request(whom, timeout)
    .then(std::move(then), std::move(otherwise));
#else
  self->request(whom, timeout, std::move(what))
    .then(std::move(then), std::move(otherwise));
#endif
}

/// What handlers that answer with `T` return; `done` stands for nothing.
template <class T>
using handler_result
  = caf::result<std::conditional_t<std::is_same_v<T, done>, void, T>>;

/// Whether an actor answers such a message with a `Reply`.
template <class Reply, class Handle, class Message>
inline constexpr bool answers_with = std::is_same_v<
  caf::response_type_t<typename Handle::signatures, Message>,
  caf::response_type_t<
    typename caf::typed_actor<handler_result<Reply>(Message)>::signatures,
    Message>>;

/// Where answers arrive for those who are no actors: `on_answer` is told the
/// number of the question and what came, on the thread of whoever answers. It
/// must not call back.
class letterbox {
public:
  using reader = std::function<void(uint64_t number, caf::message what)>;

  letterbox(caf::actor_system& system, reader on_answer)
    : box_{system.spawn<caf::actor_companion, caf::hidden>()} {
    companion().on_enqueue(
      [read = std::move(on_answer)](caf::mailbox_element_ptr what) {
        if (what->mid.is_response())
          read(what->mid.integer_value() & caf::message_id::request_id_mask,
               std::move(what->payload));
      });
  }

  ~letterbox() {
    close();
  }

  letterbox(const letterbox&) = delete;

  letterbox& operator=(const letterbox&) = delete;

  /// From now on answers are dropped.
  void close() {
    companion().on_enqueue(nullptr);
  }

  /// Sends a question with a number that no other one has; not zero.
  template <class Handle, class Message>
  void ask(const Handle& whom, uint64_t number, Message what) {
    caf::message_id id{caf::message_id::default_async_value | number};
    auto sender = caf::actor_cast<caf::strong_actor_ptr>(box_);
#if CAF_MAJOR_VERSION >= 1
    auto letter = caf::make_mailbox_element(std::move(sender), id,
                                            caf::make_message(std::move(what)));
#else
    auto letter = caf::make_mailbox_element(std::move(sender), id, {},
                                            caf::make_message(std::move(what)));
#endif
    caf::actor_cast<caf::abstract_actor*>(whom)->enqueue(std::move(letter),
                                                         nullptr);
  }

private:
  caf::actor_companion& companion() {
    return *caf::actor_cast<caf::actor_companion*>(box_);
  }

  caf::actor box_;
};

/// The actor, as what must not keep it alive knows it.
template <class Self>
caf::weak_actor_ptr weak_pointer(Self* self) {
  return caf::actor_cast<caf::weak_actor_ptr>(
    caf::strong_actor_ptr{self->ctrl()});
}

/// Runs `fun` in an actor, or drops it if that has terminated.
template <class Fun>
void run_in(const caf::weak_actor_ptr& whom, Fun fun) {
  if (auto alive = caf::actor_cast<caf::actor>(whom.lock()))
    tell_from_outside(alive, caf::make_action(std::move(fun)));
}

/// Runs `then` in `self` once `whom` has terminated, with the reason.
template <class Self, class Handle, class Fun>
void watch(Self* self, const Handle& whom, Fun then) {
#if CAF_MAJOR_VERSION >= 1
  self->monitor(whom, std::move(then));
#else
  whom->attach_functor(
    [me = weak_pointer(self), then](const caf::error& reason) {
      run_in(me, [then, reason]() mutable { then(reason); });
    });
#endif
}

/// The same, but not if `whom` left of itself or was sent away.
template <class Self, class Handle, class Fun>
void watch_for_crash(Self* self, const Handle& whom, Fun then) {
  auto tell_crash = [then](const caf::error& reason) mutable {
    if (reason && reason != caf::exit_reason::user_shutdown)
      then(reason);
  };
#if CAF_MAJOR_VERSION >= 1
  self->monitor(whom, std::move(tell_crash));
#else
  whom->attach_functor(
    [me = weak_pointer(self), tell_crash](const caf::error& reason) {
      // Most do not crash, and nobody is bothered.
      if (reason && reason != caf::exit_reason::user_shutdown)
        run_in(me, [tell_crash, reason]() mutable { tell_crash(reason); });
    });
#endif
}

/// Has `whom` answer in our place. The result is what a handler returns.
template <class Self, class Handle, class Message>
auto pass_on(Self* self, const Handle& whom, Message what) {
#if CAF_MAJOR_VERSION >= 1
  return self->mail(std::move(what)).delegate(whom);
#else
  return self->delegate(whom, std::move(what));
#endif
}

/// Makes an actor leave.
template <class Handle>
void send_away(const Handle& whom) {
  caf::anon_send_exit(whom, caf::exit_reason::user_shutdown);
}

/// Something of an actor that other threads keep for it. Called or dropped, it
/// ends in the actor: CAF counts promises for one thread only.
template <class Fun>
class lent_out {
public:
  lent_out(caf::weak_actor_ptr owner, Fun fun)
    : owner_{std::move(owner)}, fun_{std::move(fun)} {
    // nop
  }

  lent_out(const lent_out&) = delete;

  lent_out& operator=(const lent_out&) = delete;

  ~lent_out() {
    if (fun_)
      run_in(owner_, [fun = std::move(*fun_)] {});
  }

  template <class T>
  void call(T x) {
    if (auto fun = std::exchange(fun_, std::nullopt))
      run_in(owner_, [fun = std::move(*fun), x = std::move(x)]() mutable {
        fun(std::move(x));
      });
  }

private:
  caf::weak_actor_ptr owner_;
  std::optional<Fun> fun_;
};

/// A continuation that any thread may call once: it runs `fun` in `self`, or
/// not at all if `self` has terminated by then.
template <class T, class Self, class Fun>
completion<T> back_to(Self* self, Fun fun) {
  auto lent
    = std::make_shared<lent_out<Fun>>(weak_pointer(self), std::move(fun));
  return [lent](result<T> x) { lent->call(std::move(x)); };
}

/// Runs `fun` in `self` after `delay`, unless it is called off. An armed timer
/// keeps its actor alive.
template <class Self, class Fun>
[[nodiscard]] timer after(Self* self, std::chrono::milliseconds delay,
                          Fun fun) {
  auto* own = dynamic_cast<const actor_config*>(&self->system().config());
  if (!own)
    return timer{self->run_delayed(delay, std::move(fun))};
  return {own->clock, own->clock.set(delay, caf::strong_actor_ptr{self->ctrl()},
                                     caf::make_action(std::move(fun)))};
}

/// Runs `fun` in `self` once it has handled what is in its mailbox now.
template <class Self, class Fun>
void after_mail(Self* self, Fun fun) {
  tell_from_outside(caf::actor_cast<caf::actor>(self),
                    caf::make_action(std::move(fun)));
}

/// Milliseconds of a clock that never goes back; virtual in tests.
template <class Self>
std::chrono::milliseconds steady_now(Self* self) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
    self->clock().now().time_since_epoch());
}

} // namespace leasehold
