#pragma once

// Identifiers that the compiler keeps apart.

#include <compare>
#include <functional>
#include <string>

namespace leasehold {

/// A string identifier that cannot be confused with another kind of identifier.
/// Empty means that there is none.
template <class Tag>
struct id {
  std::string value;

  [[nodiscard]] bool empty() const noexcept {
    return value.empty();
  }

  friend auto operator<=>(const id&, const id&) = default;
};

template <class Inspector, class Tag>
bool inspect(Inspector& f, id<Tag>& x) {
  return f.apply(x.value);
}

/// The tenant that owns leases.
using company_id = id<struct company_tag>;
using environment_id = id<struct environment_tag>;
/// One running engine; the owner of the leases that it granted.
using instance_id = id<struct instance_tag>;
using issue_id = id<struct issue_tag>;
using lease_id = id<struct lease_tag>;
using plugin_id = id<struct plugin_tag>;
/// One piece of a scheduler's work.
using run_id = id<struct run_tag>;
/// A secret of one company; its values are numbered versions.
using secret_id = id<struct secret_tag>;
using workspace_id = id<struct workspace_tag>;
/// One command on a lease.
using execution_id = id<struct execution_tag>;

/// What the provider calls the thing it made for a lease.
using resource_id = id<struct resource_tag>;

} // namespace leasehold

template <class Tag>
struct std::hash<leasehold::id<Tag>> {
  size_t operator()(const leasehold::id<Tag>& x) const noexcept {
    return std::hash<std::string>{}(x.value);
  }
};
