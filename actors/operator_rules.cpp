#include "actors/operator_rules.hpp"

#include <optional>
#include <string>

namespace leasehold {

namespace {

std::string by(const std::string& who) {
  return who.empty() ? std::string{} : " by " + who;
}

/// Why nobody can say anything about what this lease left, if nobody can.
std::optional<failure> nothing_left(const lease_row& row) {
  auto lease = "Lease " + row.id.value;
  if (!has_ended(row.status))
    return failure{ec::in_use, lease + " is " + to_string(row.status)
                                 + ": it still has its resource, and owes "
                                   "nothing. Release or destroy it."};
  if (row.cleanup == cleanup_status::success)
    return failure{ec::invalid_request,
                   lease
                     + " owes nothing: its resource is gone, or went to "
                       "another lease."};
  auto waits = row.parked || row.status == lease_status::retained;
  if (row.cleanup == cleanup_status::none && !waits)
    return failure{ec::invalid_request,
                   lease + " owes nothing: it has left nothing."};
  return std::nullopt;
}

} // namespace

result<owe_cleanup> judge(const retry_cleanup& what, const lease_row& row) {
  if (auto why = nothing_left(row))
    return *why;
  auto lease = "Lease " + row.id.value;
  if (row.cleanup != cleanup_status::failed)
    return failure{ec::invalid_request,
                   lease + " owes nothing: \"" + row.resource.value
                     + (row.parked ? "\" waits for the next run."
                                   : "\" was kept to be looked at.")
                     + " Destroy the lease to have it removed."};
  return owe_cleanup{
    row.id, milliseconds{0}, {}, "cleanup asked for again" + by(what.who)};
}

result<confirm_gone> judge(const report_gone& what, const lease_row& row) {
  if (auto why = nothing_left(row))
    return *why;
  auto name = row.resource.empty() ? std::string{"whatever it made"}
                                   : "\"" + row.resource.value + "\"";
  return confirm_gone{row.id, name + " confirmed gone" + by(what.who)};
}

} // namespace leasehold
