#include "actors/write_lanes.hpp"

#include <type_traits>
#include <variant>

namespace leasehold {

namespace {

bool takes_fence(const store_write& what) {
  return std::holds_alternative<insert_lease>(what)
         || std::holds_alternative<reacquire_lease>(what)
         || std::holds_alternative<take_fence>(what)
         || std::holds_alternative<adopt_late>(what);
}

} // namespace

const lease_id* lease_of(const store_write& what) {
  return std::visit(
    []<class Write>(const Write& x) -> const lease_id* {
      if constexpr (std::is_same_v<Write, insert_lease>)
        return &x.row.id;
      else if constexpr (requires { x.lease.id; })
        return &x.lease.id;
      else if constexpr (requires { x.lease; })
        return &x.lease;
      else
        return nullptr;
    },
    what);
}

size_t write_lanes::choose(const store_write& what) {
  auto lane = takes_fence(what) ? grants : others;
  const auto* lease = lease_of(what);
  if (!lease)
    return lane;
  auto& way = on_their_way_.try_emplace(*lease, traffic{lane}).first->second;
  ++way.count;
  return way.lane;
}

void write_lanes::answered(const lease_id& lease) {
  auto pos = on_their_way_.find(lease);
  if (pos != on_their_way_.end() && --pos->second.count == 0)
    on_their_way_.erase(pos);
}

} // namespace leasehold
