#pragma once

// The database that all engines of a simulation share: the shipped SQLite
// store, in memory, one handle for each engine that ever opens it. Emptied, not
// opened anew, for the next seed.

#include "storage/sqlite.hpp"
#include "storage/store.hpp"
#include "tests/simulation/agenda.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::sim {

class database {
public:
  database();

  /// As it was in the beginning, with the environments and plugins that every
  /// seed has. `clock` must outlive whatever is asked afterwards.
  void reset(const agenda& clock);

  /// The store as the nth engine to be opened sees it; counts from 1.
  store& of(size_t engine);

  static instance_id name_of(size_t engine);

  /// From then on everybody is certain that this engine is dead.
  void bury(const instance_id& who, milliseconds when);

  /// Whether it is, by what has been said here.
  [[nodiscard]] bool is_buried(const instance_id& who) const;

  /// What the database's clock shows.
  [[nodiscard]] timestamp now() const;

  /// The row of a lease, whatever engine asks; none if there is none.
  std::optional<lease_row> row(const lease_id& which);

  std::vector<lease_row> rows();

private:
  std::shared_ptr<store> open(const instance_id& self);
  void furnish();
  void remember();

  const agenda* clock_ = nullptr;
  std::map<instance_id, milliseconds> buried_;
  /// Keeps the database there.
  std::unique_ptr<sqlite::connection> keeper_;
  std::vector<std::shared_ptr<store>> stores_;
  /// Empty every table and bring back what was there first.
  std::vector<sqlite::statement> wipe_;
};

} // namespace leasehold::sim
