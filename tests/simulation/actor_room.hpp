#pragma once

// One engine's actors in a room of their own, where nothing moves unless told
// to: which actor is next, and what time it is. The only file of the simulator
// that knows CAF's scheduler.

#include "actors/mail.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace leasehold::sim {

class actor_room {
public:
  actor_room();

  [[nodiscard]] caf::actor_system& system() {
    return system_;
  }

  /// How many actors have something to do.
  [[nodiscard]] size_t waiting() const {
    return scheduler_.jobs.size();
  }

  /// Lets one of them take one message.
  void run(size_t which);

  /// What that would be, for people.
  std::string words(size_t which);

  /// The same for machines: a number that follows from actor and message.
  uint64_t print(size_t which);

  /// When the next timer goes off.
  std::optional<milliseconds> next_timer();

  /// Sets off the timers until then.
  void move_to(milliseconds when);

  /// Everybody is gone at once, and the clock is at zero again. Whoever could
  /// still call an actor must have been dropped before. Returns how many actors
  /// did not go.
  size_t wreck();

private:
  struct config : caf::actor_system_config {
    config();
  };

  [[nodiscard]] caf::scheduled_actor* actor_at(size_t which);

  config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  size_t running_at_rest_;
  /// Actors by the order in which they were seen.
  std::map<caf::actor_id, size_t> numbers_;
};

} // namespace leasehold::sim
