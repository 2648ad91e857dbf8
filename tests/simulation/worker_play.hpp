#pragma once

// Worker processes that are none: they speak the real wire protocol with the
// shipped WORKER, act on the simulated provider, and fail as planned.

#include "drivers/child_process.hpp"
#include "tests/simulation/sim_provider.hpp"
#include "tests/simulation/surroundings.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace leasehold::sim {

class played_process;

/// Starts worker processes for one engine, which end with it.
class worker_play : public process_launcher {
public:
  worker_play(surroundings& around, provider& cloud);

  std::shared_ptr<child_process> start(launch_spec what,
                                       process_events tell) override;

  /// One of them dies, chosen by this number.
  void kill_one(size_t which);

  /// The engine died: so do they, and nobody hears of it.
  void end_all();

private:
  surroundings& around_;
  provider& cloud_;
  /// Whether the engine is dead: an actor of it that has not begun yet may
  /// still want to start one while everybody is sent away.
  bool over_ = false;
  std::vector<std::weak_ptr<played_process>> processes_;
  /// When each program was started.
  std::map<std::string, std::vector<milliseconds>> starts_;
};

} // namespace leasehold::sim
