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
  if (over_) {
    // Whoever kept what it tells would keep its actor.
    auto never_begun = std::make_shared<played_process>(
      around_, cloud_, what.argv.front(), process_events{});
    never_begun->vanish();
    return never_begun;
  }
  std::erase_if(processes_, [](const auto& x) { return x.expired(); });
  // Restarts are slowed down: 0 s, 1 s, 2 s, 4 s, ... give or take a quarter.
  constexpr auto window = milliseconds{10'000};
  constexpr size_t starts_max = 8;
  auto& starts = starts_[what.argv.front()];
  auto now = around_.time.now();
  std::erase_if(starts, [&](auto when) { return when + window < now; });
  starts.push_back(now);
  if (starts.size() > starts_max)
    around_.alarm = what.argv.front() + " was started "
                    + std::to_string(starts.size()) + " times in 10 s";
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
  over_ = true;
  for (auto& weak : std::exchange(processes_, {}))
    if (auto one = weak.lock())
      one->vanish();
}

} // namespace leasehold::sim
