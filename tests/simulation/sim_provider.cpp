#include "tests/simulation/sim_provider.hpp"

#include <algorithm>
#include <utility>

namespace leasehold::sim {

const resource& provider::make(const provider_call& who, milliseconds now) {
  resource out;
  out.name = "res-" + std::to_string(resources_.size() + 1);
  out.lease = who.lease;
  out.company = who.company;
  out.environment = who.environment;
  out.fence = who.fence;
  out.made_at = now;
  by_name_.emplace(out.name, resources_.size());
  resources_.push_back(std::move(out));
  tell.made(resources_.back());
  return resources_.back();
}

resource* provider::find_existing(const std::string& name) {
  auto pos = by_name_.find(name);
  if (pos == by_name_.end() || !resources_[pos->second].exists)
    return nullptr;
  return &resources_[pos->second];
}

const resource* provider::find(const std::string& name) const {
  auto pos = by_name_.find(name);
  return pos == by_name_.end() ? nullptr : &resources_[pos->second];
}

bool provider::is_stale(const provider_call& who) const {
  const auto* what = find(who.resource);
  return what && who.fence != 0 && who.fence < what->fence;
}

const resource* provider::resume(const provider_call& who) {
  auto* what = find_existing(who.resource);
  if (!what)
    return nullptr;
  what->lease = who.lease;
  what->parked = false;
  what->fence = std::max(what->fence, who.fence);
  tell.resumed(*what, who);
  return what;
}

void provider::park(const provider_call& who) {
  auto* what = find_existing(who.resource);
  if (!what)
    return;
  what->parked = true;
  stop_commands(what->name);
  tell.parked(*what, who);
}

void provider::stop_commands(const std::string& name) {
  for (auto& [id, one] : executions_)
    if (one.resource == name)
      end(one, std::nullopt);
}

void provider::remove(const provider_call& who) {
  auto* what = find_existing(who.resource);
  if (!what)
    return;
  what->exists = false;
  stop_commands(what->name);
  tell.removed(*what, who);
}

bool provider::begin(const provider_call& who, const std::string& name) {
  auto* what = find_existing(who.resource);
  if (!what || what->parked)
    return false;
  what->fence = std::max(what->fence, who.fence);
  auto& one = executions_[name];
  one.resource = who.resource;
  one.lease = who.lease;
  ++one.begun;
  tell.begun(*what, who, name);
  return true;
}

void provider::end(execution& one, std::optional<int> exit_code) {
  if (std::exchange(one.ended, true))
    return;
  one.exit_code = exit_code;
  if (auto tell_them = std::exchange(one.on_end, nullptr))
    tell_them();
}

void provider::end(const std::string& name, int exit_code) {
  if (auto pos = executions_.find(name); pos != executions_.end())
    end(pos->second, exit_code);
}

void provider::cancel(const std::string& name) {
  if (auto pos = executions_.find(name); pos != executions_.end())
    end(pos->second, std::nullopt);
}

void provider::when_ended(const std::string& name, std::function<void()> what) {
  auto& one = executions_.at(name);
  if (one.ended)
    return what();
  one.on_end = std::move(what);
}

void provider::lose_one(size_t which) {
  auto left = std::count_if(resources_.begin(), resources_.end(),
                            [](const auto& x) { return x.exists; });
  if (left == 0)
    return;
  auto skip = which % static_cast<size_t>(left);
  for (auto& one : resources_)
    if (one.exists && skip-- == 0) {
      one.exists = false;
      one.vanished = true;
      stop_commands(one.name);
      return;
    }
}

void provider::clear() {
  resources_.clear();
  by_name_.clear();
  executions_.clear();
}

} // namespace leasehold::sim
