#pragma once

// Where the campaign takes place: a folder, a store, the provider's rooms, and
// one victim at a time.

#include "tests/faults/oracle.hpp"
#include "tests/faults/victim_process.hpp"
#include "tests/support/postgres_server.hpp"

#include <fstream>
#include <memory>
#include <optional>
#include <string>

namespace leasehold::faults {

/// How long nothing here may take.
inline constexpr milliseconds patience{120'000};

class kill_stage {
public:
  /// `server` is null for a store in SQLite.
  kill_stage(std::filesystem::path dir, test::postgres_server* server,
             uint64_t seed);

  ~kill_stage();

  kill_stage(const kill_stage&) = delete;

  kill_stage& operator=(const kill_stage&) = delete;

  // -- the victim -------------------------------------------------------------

  /// Starts the next victim; `armed` is a place of its store, or empty. Returns
  /// at once.
  void start(const std::string& armed = {});

  victim_process& victim() {
    return *victim_;
  }

  /// Makes sure that the victim is dead, and that nothing of it is left.
  void bury();

  /// Has the victim settle; returns false if it ended instead.
  bool settle();

  /// Compares everything.
  void check(bool all = false);

  // -- its surroundings -------------------------------------------------------

  /// Arms a place of the fault worker; see trips.hpp.
  void arm_worker(const std::string& place, const std::string& what) const;

  /// Takes it back; returns whether somebody has come there.
  bool disarm_worker() const;

  [[nodiscard]] bool tripped() const;

  [[nodiscard]] int64_t worker_pid() const;

  /// Processes below the victim whose command line has this text.
  [[nodiscard]] std::vector<int64_t>
  processes_with(const std::string& text) const;

  [[nodiscard]] const std::filesystem::path& dir() const {
    return dir_;
  }

  [[nodiscard]] test::postgres_server* server() const {
    return server_;
  }

  [[nodiscard]] std::string url() const;

  ledger& book() {
    return book_;
  }

  journal& seen() {
    return seen_;
  }

  verdicts& found() {
    return found_;
  }

  /// How many victims there were.
  [[nodiscard]] int victims() const {
    return number_;
  }

private:
  void set_up();

  [[nodiscard]] std::vector<std::string> argv(const char* verb) const;

  /// Whether the cleanup of a lease is owed when the engine has settled again.
  bool is_still_owed(const std::string& lease);

  std::filesystem::path dir_;
  test::postgres_server* server_;
  uint64_t seed_;
  int number_ = 0;
  std::ofstream story_;
  ledger book_;
  journal seen_;
  std::unique_ptr<facts> rows_;
  verdicts found_;
  std::unique_ptr<victim_process> victim_;
};

} // namespace leasehold::faults
