#pragma once

// The parked resources of one environment, found by what they must match.

#include "messages/environment_use.hpp"
#include "messages/ids.hpp"

#include <list>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

namespace leasehold {

/// An index: parking, choosing and forgetting cost the same with ten resources
/// or ten thousand. Pure.
class parking {
public:
  /// Adds a resource; it is the first to be chosen from now on.
  void park(parked_resource what);

  /// Takes out the resource that was parked last among those that match: same
  /// company, same fingerprint and, where the policy says so, same workspace.
  std::optional<parked_resource> choose(const choose_resource& what);

  /// Drops the resource of this ended lease, if it is here.
  void forget(const lease_id& lease);

  [[nodiscard]] size_t size() const noexcept {
    return where_.size();
  }

private:
  /// Who may have it: company and fingerprint, and the workspace where that
  /// counts. Each resource stands in two queues, with its workspace and
  /// without.
  using key = std::tuple<company_id, std::string, std::optional<workspace_id>>;
  /// Latest first.
  using queue = std::list<lease_id>;

  struct place {
    parked_resource what;
    queue::iterator in_wide;
    queue::iterator in_narrow;
  };

  static key wide(const parked_resource& what);
  static key narrow(const parked_resource& what);

  queue::iterator enter(const key& which, const lease_id& who);
  void leave(const key& which, queue::iterator who);

  std::map<key, queue> queues_;
  std::unordered_map<lease_id, place> where_;
};

} // namespace leasehold
