#pragma once

// What the database says of leases, read past the engine and its store.

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace leasehold::faults {

/// A lease's row, as far as the oracle asks.
struct lease_fact {
  std::string id;
  std::string status;
  /// Empty for none.
  std::string cleanup;
  std::string resource;
  std::string provider;
  std::string reason;
  uint64_t fence = 0;
  bool parked = false;

  /// Whether the row says that there is a resource.
  [[nodiscard]] bool holds() const {
    return parked || status == "active" || status == "acquiring"
           || (status == "retained" && cleanup.empty());
  }
};

class facts {
public:
  virtual ~facts() = default;

  /// Leases that hold something, or owe a cleanup.
  virtual std::vector<lease_fact> open_ones() = 0;

  /// These leases; all if there are none.
  virtual std::vector<lease_fact> named(const std::set<std::string>& ids) = 0;
};

std::unique_ptr<facts> sqlite_facts(const std::string& path);

/// Connects when it is asked, and again after the server was away.
std::unique_ptr<facts> postgres_facts(const std::string& url);

} // namespace leasehold::faults
