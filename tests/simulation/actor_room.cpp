#include "tests/simulation/actor_room.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/scheduled_actor.hpp>

#include <algorithm>
#include <cstring>
#include <regex>
#include <utility>

namespace leasehold::sim {

namespace {

milliseconds since_start(caf::actor_clock::time_point x) {
  // Rounded up: a timer must not be waited for in vain.
  return std::chrono::ceil<milliseconds>(x.time_since_epoch());
}

void mix(uint64_t& x, uint64_t more) {
  x = (x ^ more) * 0x100000001b3;
}

} // namespace

actor_room::config::config() {
  set("caf.scheduler.policy", "testing");
}

actor_room::actor_room()
  : system_{config_}, scheduler_{
                        dynamic_cast<caf::scheduler::test_coordinator&>(
                          system_.scheduler())} {
  scheduler_.clock().current_time = {};
  running_at_rest_ = system_.registry().running();
}

caf::scheduled_actor* actor_room::actor_at(size_t which) {
  // Asked for every message: a dynamic cast costs too much.
  auto* job = scheduler_.jobs[which];
  return job->subtype() == caf::resumable::scheduled_actor
           ? static_cast<caf::scheduled_actor*>(job)
           : nullptr;
}

void actor_room::run(size_t which) {
  auto& jobs = scheduler_.jobs;
  if (which != 0)
    std::rotate(jobs.begin(), jobs.begin() + static_cast<ptrdiff_t>(which),
                jobs.begin() + static_cast<ptrdiff_t>(which) + 1);
  scheduler_.run_once();
}

std::string actor_room::words(size_t which) {
  auto* actor = actor_at(which);
  if (!actor)
    return "something";
  auto number = numbers_.emplace(actor->id(), numbers_.size() + 1);
  auto out
    = std::string{actor->name()} + "#" + std::to_string(number.first->second);
  auto* mail = actor->mailbox().peek();
  if (!mail)
    return out;
  // Actors are numbered by the process, which may have seen other seeds.
  static const std::regex number_of_actor{"[0-9]+@invalid-node"};
  auto text = std::regex_replace(caf::deep_to_string(mail->payload),
                                 number_of_actor, "somebody");
  constexpr size_t longest = 300;
  if (text.size() > longest)
    text = text.substr(0, longest) + "...";
  return out + " <- " + text;
}

uint64_t actor_room::print(size_t which) {
  uint64_t out = 0xcbf29ce484222325;
  auto* actor = actor_at(which);
  if (!actor)
    return out;
  for (const auto* c = actor->name(); *c != 0; ++c)
    mix(out, static_cast<unsigned char>(*c));
  if (auto* mail = actor->mailbox().peek())
    for (auto type : mail->payload.types())
      mix(out, type);
  return out;
}

std::optional<milliseconds> actor_room::next_timer() {
  auto& timers = scheduler_.clock().schedule;
  while (!timers.empty() && timers.begin()->second.f.disposed())
    timers.erase(timers.begin());
  if (timers.empty())
    return std::nullopt;
  return since_start(timers.begin()->first);
}

void actor_room::move_to(milliseconds when) {
  auto& clock = scheduler_.clock();
  auto target = caf::actor_clock::time_point{} + when;
  if (target > clock.current_time)
    clock.advance_time(target - clock.current_time);
  // What was to happen at once is due already, and no time passes for it.
  while (next_timer() && clock.schedule.begin()->first <= clock.current_time)
    clock.trigger_timeout();
}

size_t actor_room::wreck() {
  auto& clock = scheduler_.clock();
  // Clearing timers may free actors, and those may leave mail behind.
  while (!clock.schedule.empty() || !scheduler_.jobs.empty()) {
    auto timers = std::exchange(clock.schedule, {});
    for (auto& [when, entry] : timers)
      entry.f.dispose();
    timers.clear();
    while (scheduler_.try_run_once())
      continue;
  }
  clock.current_time = {};
  numbers_.clear();
  return system_.registry().running() - running_at_rest_;
}

} // namespace leasehold::sim
