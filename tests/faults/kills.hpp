#pragma once

// The ways to kill, each with what it has to wait for.

#include "tests/faults/stage.hpp"

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace leasehold::faults {

class killer {
public:
  killer(kill_stage& stage, uint64_t seed);

  /// Kills somebody, brings everybody back, and compares.
  void round();

  /// How often who was killed where: `engine at after.grant`.
  [[nodiscard]] const std::map<std::string, size_t>& kills() const {
    return kills_;
  }

  [[nodiscard]] size_t count() const {
    return count_;
  }

  /// Says, and prints in the end, how often the worker hung or was late.
  [[nodiscard]] size_t delays() const {
    return delays_;
  }

private:
  struct way {
    int weight;
    std::function<void()> kill;
  };

  int roll(int below);

  const std::string& pick(const std::vector<std::string>& from);

  void note(const std::string& who, const std::string& where);

  /// Lets the runs go on for a random while.
  void work(int ms_max);

  /// Listens until the victim has ended or the worker has tripped; returns
  /// whether one of them has.
  bool await_trip(milliseconds longest);

  void kill_engine();

  void kill_engine_at_start();

  void kill_engine_at_store();

  void kill_engine_at_worker();

  void kill_engine_in_recovery();

  void kill_worker();

  void kill_worker_at_trip();

  void delay_worker();

  void kill_one_of(const char* who, const char* path);

  void kill_tenant();

  void kill_backend();

  void kill_postmaster(bool engine_too);

  /// Brings a victim back if there is none, and compares.
  void come_to_rest();

  kill_stage& stage_;
  std::mt19937_64 dice_;
  std::vector<way> ways_;
  std::map<std::string, size_t> kills_;
  size_t count_ = 0;
  size_t delays_ = 0;
};

} // namespace leasehold::faults
