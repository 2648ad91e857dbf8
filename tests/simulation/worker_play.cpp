#include "tests/simulation/worker_play.hpp"

#include "tests/simulation/played_process.hpp"

#include <algorithm>
#include <utility>

namespace leasehold::sim {

worker_play::worker_play(surroundings& around, provider& cloud)
  : around_{around}, cloud_{cloud} {
  // nop
}

std::shared_ptr<child_process> worker_play::start(launch_spec what,
                                                  process_events tell) {
  std::erase_if(processes_, [](const auto& x) { return x.expired(); });
  auto process = std::make_shared<played_process>(
    around_, cloud_, what.argv.front(), std::move(tell));
  processes_.push_back(process);
  process->begin();
  return process;
}

void worker_play::kill_one(size_t which) {
  std::erase_if(processes_, [](const auto& x) { return x.expired(); });
  if (processes_.empty())
    return;
  if (auto one = processes_[which % processes_.size()].lock())
    one->exit(-1, 9);
}

void worker_play::end_all() {
  for (auto& weak : std::exchange(processes_, {}))
    if (auto one = weak.lock())
      one->vanish();
}

} // namespace leasehold::sim
