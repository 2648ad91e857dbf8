#pragma once

// One engine of the simulation from its start to its end: the shipped actors,
// put together as actors/engine.cpp does, in a room of their own.

#include "actors/front_actor.hpp"
#include "actors/janitor_actor.hpp"
#include "actors/services.hpp"
#include "actors/store_actor.hpp"
#include "actors/supervisor_actor.hpp"
#include "actors/worker_gate.hpp"
#include "tests/simulation/actor_room.hpp"
#include "tests/simulation/faulty_runner.hpp"
#include "tests/simulation/worker_play.hpp"

#include <memory>
#include <utility>

namespace leasehold::sim {

class engine_play {
public:
  /// What an engine is put into; all of it outlives the engine.
  struct place {
    surroundings& around;
    provider& cloud;
    store& database;
    faulty_runner::listener on_written;
    /// Empty, with its clock at zero.
    actor_room& room;
    instance_id self;
    milliseconds reattach_grace{0};
  };

  explicit engine_play(const place& where);

  ~engine_play();

  engine_play(const engine_play&) = delete;
  engine_play& operator=(const engine_play&) = delete;

  /// Asks the supervisor as the public face does. Not answered if the engine
  /// dies first.
  template <class Reply, class Message>
  void ask(Message what, completion<Reply> then) {
    ++*unanswered_;
    front_->ask<Reply>(
      supervisor_, std::move(what),
      [alive = alive_, left = unanswered_, then](result<Reply> x) {
        if (!*alive)
          return;
        --*left;
        then(std::move(x));
      });
  }

  /// How many have asked and not been answered.
  [[nodiscard]] size_t unanswered() const {
    return *unanswered_;
  }

  /// Dies: no message is delivered any more, nothing is said or written.
  /// Returns how many actors are left, which must be none.
  size_t die();

  [[nodiscard]] const instance_id& self() const {
    return where_.self;
  }

  [[nodiscard]] actor_room& room() const {
    return where_.room;
  }

  worker_play workers;
  /// Messages that its actors have taken.
  size_t messages = 0;
  /// Until when its process gets no time.
  milliseconds frozen_until{0};
  /// Whether it was asked to stop.
  bool stopping = false;

private:
  services_ptr make_services();

  place where_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<size_t> unanswered_ = std::make_shared<size_t>(0);
  dice chance_;
  size_t last_id_ = 0;
  worker_gate gate_;
  std::shared_ptr<faulty_runner> runner_;
  services_ptr with_;
  front_ptr front_;
  store_actor store_;
  janitor_actor janitor_;
  supervisor_actor supervisor_;
};

} // namespace leasehold::sim
