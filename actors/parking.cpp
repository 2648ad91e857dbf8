#include "actors/parking.hpp"

#include "messages/mutation.hpp"

#include <utility>

namespace leasehold {

void parking::park(parked_resource what) {
  forget(what.lease);
  auto lease = what.lease;
  auto in_wide = enter(wide(what), lease);
  auto in_narrow = enter(narrow(what), lease);
  where_.emplace(lease, place{std::move(what), in_wide, in_narrow});
}

std::optional<parked_resource> parking::choose(const choose_resource& what) {
  key which{what.company, what.fingerprint, std::nullopt};
  if (mutated(mutation::parked_fits_anybody))
    std::get<0>(which) = {};
  if (what.policy == lease_policy::reuse_by_execution_workspace)
    std::get<2>(which) = what.workspace;
  auto found = queues_.find(which);
  if (found == queues_.end())
    return std::nullopt;
  auto lease = found->second.front();
  auto out = where_.at(lease).what;
  forget(lease);
  return out;
}

void parking::forget(const lease_id& lease) {
  auto pos = where_.find(lease);
  if (pos == where_.end())
    return;
  const auto& [what, in_wide, in_narrow] = pos->second;
  leave(wide(what), in_wide);
  leave(narrow(what), in_narrow);
  where_.erase(pos);
}

parking::key parking::wide(const parked_resource& what) {
  if (mutated(mutation::parked_fits_anybody))
    return {{}, what.fingerprint, std::nullopt};
  return {what.company, what.fingerprint, std::nullopt};
}

parking::key parking::narrow(const parked_resource& what) {
  if (mutated(mutation::parked_fits_anybody))
    return {{}, what.fingerprint, what.workspace};
  return {what.company, what.fingerprint, what.workspace};
}

parking::queue::iterator parking::enter(const key& which, const lease_id& who) {
  auto& row = queues_[which];
  row.push_front(who);
  return row.begin();
}

void parking::leave(const key& which, queue::iterator who) {
  auto row = queues_.find(which);
  row->second.erase(who);
  if (row->second.empty())
    queues_.erase(row);
}

} // namespace leasehold
