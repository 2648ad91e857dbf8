#pragma once

// What a seed does: runs that want leases, and what goes wrong meanwhile. Made
// from the seed before anything happens, so that it can be made smaller
// afterwards.

#include "messages/enums.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace leasehold::sim {

/// What can go wrong.
enum class fault_kind : uint8_t {
  // -- the nth lease call to a worker
  call_refused,
  crash_before_effect,
  crash_after_effect,
  worker_hangs,
  no_answer,
  late_answer,
  late_effect,
  answered_twice,
  garbage,
  wrong_answer,
  stutter,
  slow,
  // -- the nth worker process
  cannot_start,
  crash_at_start,
  hang_at_start,
  refuses_initialize,
  // -- at some time
  worker_killed,
  workers_die_young,
  resource_vanishes,
  provider_down,
  /// One provider of two makes no sense for a while.
  provider_raves,
  // -- the nth batch of writes, or the nth question
  write_fails,
  written_unknown,
  unwritten_unknown,
  slow_write,
  read_fails,
  slow_read,
  // -- at some time
  store_away,
  // -- the nth message of an engine
  engine_crashes,
  // -- at some time
  engine_freezes,
  engine_stops,
};

/// What a run does next.
enum class step_kind : uint8_t {
  acquire,
  /// With an end of its own.
  acquire_for_a_while,
  /// Without waiting for the answer: the next step comes at once.
  acquire_in_a_hurry,
  /// As long as it likes to wait for its turn, but not longer.
  acquire_in_line,
  /// Many, for a moment each, and without waiting for any.
  flood,
  /// Takes back what it has asked for last.
  cancel_acquire,
  resume_by_id,
  execute,
  execute_long,
  /// Without waiting for its end.
  execute_aside,
  realize,
  renew,
  cancel_commands,
  release,
  release_failed,
  release_kept,
  release_run,
  destroy,
  /// Comes back for what it holds, whether or not its engine has died.
  reattach,
};

/// What a seed is about, beside what every seed is about.
enum class theme : uint8_t {
  plain,
  /// Environments with limits, and companies that want more than there is.
  crowd,
  /// A provider that fails until it is left alone, and is well again later.
  outage,
  /// Runs that come back after their engine has died.
  homecoming,
  /// Parked resources wait for a few seconds only.
  parking,
};

} // namespace leasehold::sim

namespace leasehold {

template <>
inline constexpr auto names<sim::fault_kind> = named<sim::fault_kind>({
  {sim::fault_kind::call_refused, "call refused"},
  {sim::fault_kind::crash_before_effect, "crash before effect"},
  {sim::fault_kind::crash_after_effect, "crash after effect"},
  {sim::fault_kind::worker_hangs, "worker hangs"},
  {sim::fault_kind::no_answer, "no answer"},
  {sim::fault_kind::late_answer, "late answer"},
  {sim::fault_kind::late_effect, "late effect"},
  {sim::fault_kind::answered_twice, "answered twice"},
  {sim::fault_kind::garbage, "garbage"},
  {sim::fault_kind::wrong_answer, "wrong answer"},
  {sim::fault_kind::stutter, "stutter"},
  {sim::fault_kind::slow, "slow"},
  {sim::fault_kind::cannot_start, "cannot start"},
  {sim::fault_kind::crash_at_start, "crash at start"},
  {sim::fault_kind::hang_at_start, "hang at start"},
  {sim::fault_kind::refuses_initialize, "refuses initialize"},
  {sim::fault_kind::worker_killed, "worker killed"},
  {sim::fault_kind::workers_die_young, "workers die young"},
  {sim::fault_kind::resource_vanishes, "resource vanishes"},
  {sim::fault_kind::provider_down, "provider down"},
  {sim::fault_kind::provider_raves, "provider raves"},
  {sim::fault_kind::write_fails, "write fails"},
  {sim::fault_kind::written_unknown, "written unknown"},
  {sim::fault_kind::unwritten_unknown, "unwritten unknown"},
  {sim::fault_kind::slow_write, "slow write"},
  {sim::fault_kind::read_fails, "read fails"},
  {sim::fault_kind::slow_read, "slow read"},
  {sim::fault_kind::store_away, "store away"},
  {sim::fault_kind::engine_crashes, "engine crashes"},
  {sim::fault_kind::engine_freezes, "engine freezes"},
  {sim::fault_kind::engine_stops, "engine stops"},
});

template <>
inline constexpr auto names<sim::step_kind> = named<sim::step_kind>({
  {sim::step_kind::acquire, "acquire"},
  {sim::step_kind::acquire_for_a_while, "acquire for a while"},
  {sim::step_kind::acquire_in_a_hurry, "acquire in a hurry"},
  {sim::step_kind::acquire_in_line, "acquire in line"},
  {sim::step_kind::flood, "flood"},
  {sim::step_kind::cancel_acquire, "cancel acquire"},
  {sim::step_kind::resume_by_id, "resume by id"},
  {sim::step_kind::execute, "execute"},
  {sim::step_kind::execute_long, "execute long"},
  {sim::step_kind::execute_aside, "execute aside"},
  {sim::step_kind::realize, "realize"},
  {sim::step_kind::renew, "renew"},
  {sim::step_kind::cancel_commands, "cancel commands"},
  {sim::step_kind::release, "release"},
  {sim::step_kind::release_failed, "release failed"},
  {sim::step_kind::release_kept, "release kept"},
  {sim::step_kind::release_run, "release run"},
  {sim::step_kind::destroy, "destroy"},
  {sim::step_kind::reattach, "reattach"},
});

template <>
inline constexpr auto names<sim::theme> = named<sim::theme>({
  {sim::theme::plain, "plain"},
  {sim::theme::crowd, "crowd"},
  {sim::theme::outage, "outage"},
  {sim::theme::homecoming, "homecoming"},
  {sim::theme::parking, "parking"},
});

} // namespace leasehold

namespace leasehold::sim {

/// One thing that goes wrong.
struct fault {
  /// Its place in the plan that the seed made.
  size_t number = 0;
  fault_kind what = fault_kind::slow;
  /// Which call, process, batch, question or message; counted from 1.
  size_t nth = 0;
  /// When, for what happens at some time.
  milliseconds at{0};
  /// How late, or for how long.
  milliseconds lasts{0};
  /// Which of the engines, where that matters.
  size_t engine = 0;
};

struct step {
  size_t number = 0;
  step_kind what = step_kind::acquire;
  /// How long the run thinks first.
  milliseconds pause{0};
  /// Whom it asks, if that is not the engine that it asked last.
  bool other_engine = false;
  /// Whether it goes by the handle before its last one.
  bool old_handle = false;
};

struct run_plan {
  size_t number = 0;
  size_t company = 0;
  size_t environment = 0;
  size_t engine = 0;
  std::vector<step> steps;
};

/// Everything that follows from a seed but the order of messages, which
/// follows from the seed as well.
struct plan {
  uint64_t seed = 0;
  theme about = theme::plain;
  size_t engines = 1;
  /// Whether what is parked is removed in the end.
  bool clear_up = false;
  /// Of a hundred steps, how many let time pass although there is work.
  size_t haste = 0;
  /// Whether there is a long time in which nobody wants anything.
  bool patient = false;
  /// How long a run may take to come back after its engine has died.
  milliseconds reattach_grace{0};
  std::vector<run_plan> runs;
  std::vector<fault> faults;
};

plan make_plan(uint64_t seed);

/// Whether faults of this kind wait for their nth occasion, and not for a time.
bool counts_occasions(fault_kind what);

/// What can be left out of a plan: `f3` is its fourth fault, `r1` its second
/// run, `s1.0` that run's first step.
std::vector<std::string> parts_of(const plan& x);

/// A plan with parts left out. What is left keeps its name.
plan without(const plan& x, const std::set<std::string>& parts);

/// A plan in words, a line for each part.
std::string words(const plan& x);

} // namespace leasehold::sim
