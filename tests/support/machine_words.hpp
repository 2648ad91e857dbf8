#pragma once

// What the machines want done, in words: a test compares one list of lines, and
// a list that differs can be read.

#include "actors/placement.hpp"
#include "actors/tenancy.hpp"
#include "actors/worker_life.hpp"
#include "actors/worker_startup.hpp"

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace leasehold::test {

using lines = std::vector<std::string>;

// -- placement ----------------------------------------------------------------

inline std::string word(const placement_effect::make_plan&) {
  return "make a plan";
}

inline std::string word(const placement_effect::choose&) {
  return "choose";
}

inline std::string word(const placement_effect::record&) {
  return "record";
}

inline std::string word(const placement_effect::resume& x) {
  return "resume, attempt " + std::to_string(x.attempt);
}

inline std::string word(const placement_effect::acquire& x) {
  return "acquire, attempt " + std::to_string(x.attempt);
}

inline std::string word(const placement_effect::abandon& x) {
  return "abandon " + x.claim.lease.value;
}

inline std::string word(const placement_effect::give_up& x) {
  using fate = give_up_resource::fate;
  auto out = "give up " + x.claim.resource.value + ": ";
  return out
         + (x.fate == fate::gone   ? "gone"
            : x.fate == fate::owed ? "owed"
            : x.fate == fate::kept ? "kept"
                                   : "parked");
}

inline std::string word(const placement_effect::confirm& x) {
  return "confirm " + x.ready.resource.value;
}

inline std::string word(const placement_effect::end& x) {
  return std::string{"end"} + (x.owed ? ", owed" : "")
         + (x.resource.empty() ? "" : ": " + x.resource.value);
}

inline std::string word(const placement_effect::give_back& x) {
  return "give back " + x.what.resource.value;
}

inline std::string word(const placement_effect::dispose& x) {
  return "dispose of " + x.resource.value;
}

inline std::string word(const placement_effect::report_owed& x) {
  return "report " + x.lease.value + " owed";
}

inline std::string word(const placement_effect::grant&) {
  return "grant";
}

inline std::string word(const placement_effect::deny& x) {
  return "deny: " + to_string(x.why.code);
}

// -- tenancy ------------------------------------------------------------------

inline std::string word(const tenancy_effect::cancel_commands&) {
  return "cancel commands";
}

inline std::string word(const tenancy_effect::arm_patience&) {
  return "count patience";
}

inline std::string word(const tenancy_effect::call_release& x) {
  return "release " + std::to_string(x.call) + ", " + to_string(x.status);
}

inline std::string word(const tenancy_effect::call_destroy& x) {
  return "destroy " + std::to_string(x.call);
}

/// A row's end: status, cleanup, and what else there is to say.
inline std::string word(const lease_outcome& x) {
  auto out = to_string(x.status) + ", cleanup " + to_string(x.cleanup);
  if (x.parked)
    out += ", parked";
  if (!x.failure_reason.empty())
    out += ", " + x.failure_reason;
  return out;
}

inline std::string word(const tenancy_effect::record& x) {
  return "record " + word(x.outcome);
}

inline std::string word(const tenancy_effect::arm_retry&) {
  return "try again later";
}

inline std::string word(const tenancy_effect::announce& x) {
  return "announce " + word(x.outcome);
}

inline std::string word(const tenancy_effect::excuse& x) {
  return "excuse: " + to_string(x.why.code);
}

inline std::string word(const tenancy_effect::withdraw& x) {
  return "withdraw: " + to_string(x.why.code);
}

// -- worker startup -----------------------------------------------------------

inline std::string word(const startup_effect::start& x) {
  return "start " + std::to_string(x.incarnation);
}

inline std::string word(const startup_effect::arm_pause& x) {
  return "pause " + std::to_string(x.delay.count()) + " ms";
}

inline std::string word(const startup_effect::arm_grace& x) {
  return "grace for " + std::to_string(x.who);
}

inline std::string word(const startup_effect::admit& x) {
  return "admit " + std::to_string(x.who);
}

inline std::string word(const startup_effect::refuse& x) {
  return "refuse " + std::to_string(x.who) + ": " + to_string(x.code);
}

// -- worker life --------------------------------------------------------------

inline std::string word(const worker_effect::initialize&) {
  return "initialize";
}

inline std::string word(const worker_effect::arm_deadline&) {
  return "arm the deadline";
}

inline std::string word(const worker_effect::announce_ready&) {
  return "announce that it is ready";
}

inline std::string word(const worker_effect::ask_to_exit&) {
  return "ask it to exit";
}

inline std::string word(const worker_effect::send_signal& x) {
  return "signal " + std::to_string(x.number);
}

inline std::string word(const worker_effect::fail_calls& x) {
  return "fail calls: " + x.why.message;
}

inline std::string word(const worker_effect::leave& x) {
  return std::string{"leave, "} + (x.expected ? "" : "un")
         + "expected: " + x.why.message;
}

// -- all of them --------------------------------------------------------------

template <class... Ts>
lines words(const std::vector<std::variant<Ts...>>& effects) {
  lines out;
  for (const auto& wish : effects)
    out.push_back(std::visit([](const auto& x) { return word(x); }, wish));
  return out;
}

/// Steps a machine and returns what it wants done.
template <class Machine, class Event>
lines feed(Machine& now, const Event& what) {
  auto [next, effects] = step(now, what);
  now = std::move(next);
  return words(effects);
}

} // namespace leasehold::test
