#include "actors/parking.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

void parking::park(parked_resource what) {
  forget(what.lease);
  auto lease = what.lease;
  key where{what.company, what.fingerprint};
  auto& row = rows_[where];
  row.push_front(std::move(what));
  where_.emplace(lease, std::pair{std::move(where), row.begin()});
}

std::optional<parked_resource> parking::choose(const choose_resource& what) {
  auto pos = rows_.find(key{what.company, what.fingerprint});
  if (pos == rows_.end())
    return std::nullopt;
  auto any = what.policy != lease_policy::reuse_by_execution_workspace;
  auto& row = pos->second;
  auto found = std::find_if(row.begin(), row.end(), [&](const auto& x) {
    return any || x.workspace == what.workspace;
  });
  if (found == row.end())
    return std::nullopt;
  auto out = *found;
  forget(out.lease);
  return out;
}

void parking::forget(const lease_id& lease) {
  auto pos = where_.find(lease);
  if (pos == where_.end())
    return;
  auto row = rows_.find(pos->second.first);
  row->second.erase(pos->second.second);
  if (row->second.empty())
    rows_.erase(row);
  where_.erase(pos);
}

} // namespace leasehold
