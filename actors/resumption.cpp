#include "actors/resumption.hpp"

#include <optional>
#include <string>

namespace leasehold {

namespace {

std::optional<failure> why_not(const resume_lease& what, const lease_row& row,
                               const instance_id& self) {
  auto lease = "Lease " + row.id.value;
  if (what.run.empty())
    return failure{ec::invalid_request,
                   "A lease is resumed for a run; ad-hoc leases never resume."};
  if (row.status == lease_status::acquiring)
    return failure{ec::invalid_request, lease + " is still being acquired."};
  if (row.status == lease_status::active && row.owner != self)
    return failure{ec::held_elsewhere, lease + " is held by another engine ("
                                         + row.owner.value + ")."};
  if (row.status == lease_status::active && row.run != what.run)
    return failure{ec::in_use,
                   lease + " is still held by "
                     + (row.run.empty() ? "no run" : "run " + row.run.value)
                     + "; release it first."};
  return std::nullopt;
}

/// Whether the resource of a lease that has ended was left as it is.
bool was_kept(const lease_row& row) {
  return row.status == lease_status::retained
         && row.cleanup == cleanup_status::none && !row.resource.empty();
}

} // namespace

result<resumption> judge(const resume_lease& what, const lease_row& row,
                         const instance_id& self, milliseconds patience) {
  if (auto no = why_not(what, row, self))
    return *no;
  auto kept = was_kept(row);
  auto own = row.status == lease_status::active;
  if (!own && !kept && !row.parked)
    return failure{ec::resource_gone,
                   "Lease " + row.id.value + " has ended ("
                     + to_string(row.status)
                     + ") and left nothing to resume; acquire a new lease."};
  resumption out;
  out.from = {row.id,          row.resource, row.company,         row.workspace,
              row.fingerprint, row.metadata, own ? row.fence : 0, kept};
  out.plan.provider = row.provider;
  out.plan.makes_resource = true;
  out.plan.exclusive = row.exclusive;
  out.plan.policy = row.policy;
  out.plan.fingerprint = row.fingerprint;
  out.plan.acquire_timeout = patience;
  out.plan.metadata = row.metadata;
  return out;
}

} // namespace leasehold
