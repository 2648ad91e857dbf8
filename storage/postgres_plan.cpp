#include "storage/postgres_plan.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace leasehold {

namespace {

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

/// What keeps two commands in their order if both have it.
struct keys {
  std::string_view lease;
  std::string_view other_lease = {};
  std::string_view resource = {};
};

/// The keys of a command about leases; none for another one.
keys keys_of(const store_write& what) {
  return std::visit(
    overloaded{
      [](const insert_lease& x) -> keys {
        return {x.row.id.value, x.claims.value, x.row.resource.value};
      },
      [](const activate_lease& x) -> keys {
        return {x.lease.id.value, {}, x.resource.value};
      },
      [](const give_up_resource& x) -> keys {
        return {x.lease.id.value, x.claimed_from.value};
      },
      [](const end_lease& x) -> keys {
        return {x.lease.id.value, {}, x.resource.value};
      },
      [](const record_cleanup& x) -> keys {
        return {x.lease.value, {}, x.resource.value};
      },
      [](const owe_cleanup& x) -> keys { return {x.lease.value}; },
      [](const take_fence& x) -> keys {
        return {x.lease.value, {}, x.resource.value};
      },
      [](const confirm_gone& x) -> keys { return {x.lease.value}; },
      [](const adopt_late& x) -> keys {
        return {x.lease.value, x.as.value, x.resource.value};
      },
      [](const auto& x) -> keys {
        if constexpr (requires { x.lease.id; })
          return {x.lease.id.value};
        else
          return {};
      },
    },
    what);
}

template <class T>
constexpr bool about_leases = requires(const T& x) {
  x.lease;
}
|| std::same_as<T, insert_lease>;

bool is_about_leases(const store_write& what) {
  return std::visit([]<class T>(const T&) { return about_leases<T>; }, what);
}

/// Commands that may take resources come last.
int rank_of(const store_write& what) {
  if (std::holds_alternative<insert_lease>(what)
      || std::holds_alternative<adopt_late>(what))
    return 1;
  return std::holds_alternative<activate_lease>(what) ? 2 : 0;
}

/// Whether a command asks for nothing but one statement; see `pg::both_ways`.
/// Whoever takes over from the dead makes sure first that they are.
bool may_be_alone(const store_write& what) {
  return std::visit(overloaded{
                      [](const give_up_resource&) { return false; },
                      [](const take_fence&) { return false; },
                      [](const adopt_late&) { return false; },
                      []<class T>(const T& x) {
                        if constexpr (requires { x.dead_owner; })
                          return x.dead_owner.empty();
                        else
                          return about_leases<T>;
                      },
                    },
                    what);
}

/// Gives each command the earliest level at which nothing stands in its way.
class leveller {
public:
  size_t level_of(const store_write& what) {
    if (!is_about_leases(what)) {
      floor_ = highest_ + 2;
      highest_ = floor_ - 1;
      return highest_;
    }
    auto [lease, other, resource] = keys_of(what);
    auto level = std::max({floor_, next(leases_, lease), next(leases_, other),
                           next(resources_, resource)});
    leases_[lease] = level + 1;
    if (!other.empty())
      leases_[other] = level + 1;
    if (!resource.empty())
      resources_[resource] = level + 1;
    highest_ = std::max(highest_, level);
    return level;
  }

private:
  using levels = std::unordered_map<std::string_view, size_t>;

  static size_t next(const levels& known, std::string_view key) {
    auto pos = key.empty() ? known.end() : known.find(key);
    return pos == known.end() ? 0 : pos->second;
  }

  size_t floor_ = 1;
  size_t highest_ = 0;
  levels leases_;
  levels resources_;
};

} // namespace

std::vector<write_group> plan_groups(std::span<const store_write> batch,
                                     const std::vector<bool>& wanted) {
  // Ordered by level, then by rank, then by kind.
  std::map<std::tuple<size_t, int, size_t>, write_group> groups;
  leveller levels;
  for (size_t i = 0; i < batch.size(); ++i)
    if (wanted[i])
      groups[{levels.level_of(batch[i]), rank_of(batch[i]), batch[i].index()}]
        .push_back(i);
  std::vector<write_group> out;
  out.reserve(groups.size());
  for (auto& [key, group] : groups)
    out.push_back(std::move(group));
  return out;
}

bool goes_alone(std::span<const store_write> batch, const write_group& group) {
  return std::all_of(group.begin(), group.end(),
                     [&](size_t n) { return may_be_alone(batch[n]); });
}

bool is_grant(const store_write& what) {
  return std::holds_alternative<insert_lease>(what)
         || std::holds_alternative<reacquire_lease>(what)
         || std::holds_alternative<take_fence>(what)
         || std::holds_alternative<adopt_late>(what);
}

} // namespace leasehold
