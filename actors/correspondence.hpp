#pragma once

// Questions whose answers may take long, and those who wait for them.
//
// An actor of CAF looks through all that it has asked with each answer. For
// the few that are usual this is quick; a thousand runs that wait for their
// turn would slow down every other answer. Here an answer costs the same
// however many wait.

#include "actors/mail.hpp"

#include <caf/actor_system.hpp>
#include <caf/message.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace leasehold {

/// Asks actors in the name of one that answers are brought to. Any thread.
class correspondence {
public:
  /// Runs what it is given where the answers belong, or drops it. Called on the
  /// thread of whoever answers; neither this nor what it drops may call back or
  /// hold the last reference to what this belongs to: close that before.
  using bringer = std::function<void(std::function<void()>)>;

  correspondence(caf::actor_system& system, bringer bring)
    : box_{system, [calls = calls_, bring = std::move(bring)](
                     uint64_t number, caf::message answer) {
             auto read = calls->take(number);
             if (read)
               bring([read = std::move(read),
                      answer = std::move(answer)]() mutable { read(answer); });
           }} {
    // nop
  }

  /// Sends a question. `then` is called once, or dropped if this is closed
  /// before; if `whom` is gone, with a failure.
  template <class Reply, class Handle, class Message>
  void ask(const Handle& whom, Message what, completion<Reply> then) {
    static_assert(answers_with<Reply, Handle, Message>,
                  "This actor does not answer this question so.");
    auto read = [then = std::move(then)](caf::message& answer) {
      tell_answer(answer, then);
    };
    if (auto number = calls_->add(std::move(read)); number > 0)
      box_.ask(whom, number, std::move(what));
  }

  /// Answers are dropped from now on, and with them whoever waits.
  void close() {
    box_.close();
    calls_->close();
  }

private:
  using reader = std::function<void(caf::message&)>;

  /// Who waits, by the number of the question.
  class open_calls {
  public:
    /// Zero, and `who` is dropped, once this is closed.
    uint64_t add(reader who) {
      std::lock_guard guard{mutex_};
      if (closed_)
        return 0;
      waiting_.emplace(++last_, std::move(who));
      return last_;
    }

    /// Empty if nobody waits for it any more.
    reader take(uint64_t number) {
      std::lock_guard guard{mutex_};
      auto node = waiting_.extract(number);
      return node ? std::move(node.mapped()) : reader{};
    }

    void close() {
      std::unordered_map<uint64_t, reader> all;
      std::lock_guard guard{mutex_};
      closed_ = true;
      all.swap(waiting_);
    }

  private:
    std::mutex mutex_;
    bool closed_ = false;
    uint64_t last_ = 0;
    std::unordered_map<uint64_t, reader> waiting_;
  };

  template <class Reply>
  static void tell_answer(caf::message& answer, const completion<Reply>& then) {
    if (answer.match_elements<caf::error>())
      then(to_failure(answer.get_as<caf::error>(0)));
    else if constexpr (std::is_same_v<Reply, done>)
      then(done{});
    else if (answer.match_elements<Reply>())
      then(std::move(answer.get_mutable_as<Reply>(0)));
    else
      then(failure{ec::internal,
                   "An actor of the engine answered something "
                   "that nobody has asked.",
                   {}});
  }

  std::shared_ptr<open_calls> calls_ = std::make_shared<open_calls>();
  letterbox box_;
};

} // namespace leasehold
