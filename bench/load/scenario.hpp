#pragma once

// What a scenario is, what it is given, and the list of all. Each is a file of
// its own, and a row of scenarios.cpp.

#include "bench/load/figure.hpp"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace leasehold::bench {

/// Where leases are kept in one scenario: a fresh database.
struct store_place {
  /// `sqlite` or `postgres`.
  std::string kind;
  /// What `options::store` takes.
  std::string url;
};

/// What a scenario is given by the driver.
struct settings {
  /// Fewer and shorter repetitions.
  bool quick = false;
  /// `sqlite`, `postgres`.
  std::vector<std::string> stores;
  /// An empty directory that somebody else removes.
  std::string folder;
  /// The cluster's socket directory and process; only if it is needed.
  std::string postgres_folder = {};
  pid_t postgres = 0;
};

class stage {
public:
  explicit stage(settings how);

  [[nodiscard]] const settings& how() const noexcept {
    return how_;
  }

  /// One of two numbers.
  template <class T>
  [[nodiscard]] T pick(T quick, T full) const {
    return how_.quick ? quick : full;
  }

  /// A new, empty database.
  store_place fresh_store(const std::string& kind);

  /// A path of this name that nothing has yet.
  std::string fresh_path(const std::string& name);

  /// Watches this process, its children, and PostgreSQL where it runs.
  [[nodiscard]] usage_meter watch() const;

  /// Takes a figure, and shows it.
  void add(figure x);

  std::vector<figure> take() && {
    return std::move(figures_);
  }

private:
  settings how_;
  int last_ = 0;
  std::vector<figure> figures_;
};

struct scenario {
  std::string name;
  std::string about;
  void (*run)(stage& on);
  /// Whether it runs on each store.
  bool uses_store = true;
};

std::span<const scenario> scenarios();

// -- each in a file of its name -----------------------------------------------

void run_lease_cycle(stage& on);
void run_reuse(stage& on);
void run_worker_rpc(stage& on);
void run_stream(stage& on);
void run_idle(stage& on);
void run_expiry(stage& on);
void run_worker_recovery(stage& on);
void run_engine_recovery(stage& on);
void run_fairness(stage& on);
void run_scale(stage& on);
void run_overload(stage& on);
void run_floors(stage& on);

} // namespace leasehold::bench
