#include "drivers/bubblewrap/activities.hpp"

#include <utility>

namespace leasehold::bubblewrap {

activities::number activities::begin(const std::string& box,
                                     std::function<void()> stop) {
  rooms_[box].running.emplace(++last_, std::move(stop));
  return last_;
}

void activities::end(const std::string& box, number which) {
  auto pos = rooms_.find(box);
  if (pos == rooms_.end())
    return;
  pos->second.running.erase(which);
  if (!pos->second.running.empty())
    return;
  auto waiting = std::move(pos->second.waiting);
  rooms_.erase(pos);
  for (const auto& then : waiting)
    then();
}

void activities::stop_all(const std::string& box, std::function<void()> then) {
  auto pos = rooms_.find(box);
  if (pos == rooms_.end())
    return then();
  pos->second.waiting.push_back(std::move(then));
  stop(pos->second);
}

bool activities::stopping(const std::string& box) const {
  auto pos = rooms_.find(box);
  return pos != rooms_.end() && !pos->second.waiting.empty();
}

void activities::stop_everything() {
  for (const auto& [box, where] : rooms_)
    stop(where);
}

void activities::stop(const room& where) {
  for (const auto& [which, how] : where.running)
    how();
}

} // namespace leasehold::bubblewrap
