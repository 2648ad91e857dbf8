#pragma once

// What the victim's engine is busy with: runs that take a lease, use it, and
// end it one way or another, several at a time. Everything that is asked and
// everything that the engine answers becomes a line, in that order:
//
//   ask acquire RUN ENVIRONMENT
//   granted LEASE FENCE RESOURCE RUN ENVIRONMENT
//   refused RUN CODE
//   ask execute LEASE NAME CODE
//   executed LEASE NAME EXIT           EXIT: a code, or what signal
//   unexecuted LEASE NAME CODE
//   ask end LEASE HOW
//   ended LEASE STATUS owed|clean parked|-
//   unended LEASE CODE

#include "leasehold/engine.hpp"

#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace leasehold::faults {

struct work_options {
  /// Runs at a time.
  size_t runs = 6;
  uint64_t seed = 0;
  /// How the runs of this victim begin, unique among victims.
  std::string prefix;
  /// Programs and files that commands are made of.
  std::string tenant;
  std::string journal;
  /// Stands in the command lines of commands whose pid nobody knows.
  std::string mark;
  /// Environments, those that are taken more often several times.
  std::vector<std::string> environments;
};

class victim_work {
public:
  /// `say` is called for each line, one at a time. `later` has something done
  /// soon, on a thread of its choice; a retry must not become a busy loop.
  victim_work(engine& with, work_options opts,
              std::function<void(const std::string&)> say,
              std::function<void(std::function<void()>)> later);

  /// Starts all runs, or lets them go on.
  void go();

  /// Lets every run come to a place where it may rest: it has no lease, or
  /// holds one and does nothing. Calls `rested` when all have.
  void rest(std::function<void()> rested);

private:
  struct slot {
    std::string run;
    std::string environment;
    std::optional<lease> held;
    int commands_left = 0;
    bool kept = false;
    bool leaving = false;
    bool busy = false;
  };

  int roll(int below);

  /// Takes the next step of a run; the mutex is held.
  void step(slot& who);

  void acquire(slot& who);

  void execute(slot& who);

  void end(slot& who);

  void on_granted(slot& who, const result<lease>& how);

  void on_ended(slot& who, const result<ended_lease>& how);

  [[nodiscard]] command make_command(const slot& who, const std::string& name,
                                     int code);

  void check_rest();

  engine& engine_;
  work_options opts_;
  std::function<void(const std::string&)> say_;
  std::function<void(std::function<void()>)> later_;
  std::recursive_mutex mutex_;
  std::mt19937_64 dice_;
  std::vector<slot> slots_;
  uint64_t last_ = 0;
  bool going_ = false;
  std::function<void()> rested_;
};

} // namespace leasehold::faults
