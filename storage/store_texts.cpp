#include "storage/store_texts.hpp"

namespace leasehold {

failure unknown_lease(const std::string& x) {
  auto hint = x.size() < lease_prefix_min
                ? "Give its id, or at least the first "
                    + std::to_string(lease_prefix_min) + " characters of it."
                : std::string{"List the leases to see their ids."};
  return {ec::unknown_lease, "No lease \"" + x + "\". " + hint};
}

failure ambiguous(const std::string& x, const std::vector<lease_row>& rows) {
  auto message = "\"" + x + "\" is the beginning of several lease ids: ";
  for (size_t i = 0; i < rows.size() && i + 1 < candidates_max; ++i)
    message += (i == 0 ? "" : ", ") + rows[i].id.value;
  if (rows.size() >= candidates_max)
    message += ", and others";
  return {ec::invalid_request, message + ". Give more of it."};
}

failure still_held(const std::string& what, int64_t leases) {
  auto message = what + " is still held by " + std::to_string(leases)
                 + (leases == 1 ? " lease" : " leases")
                 + ": acquiring, active, parked, retained, or owing a cleanup."
                   " List its leases to see them, and release or destroy them"
                   " first.";
  return {ec::in_use, std::move(message)};
}

std::string cannot_be(std::string_view verb, const lease_id& who) {
  auto message = "Lease \"" + who.value + "\" cannot be ";
  message += verb;
  return message;
}

failure guard_failed(std::string_view verb, const lease_id& who,
                     const std::optional<lease_row>& now, fence_no asked) {
  auto message = cannot_be(verb, who);
  if (!now)
    return {ec::conflict, message + ": it does not exist."};
  message += ": it is " + to_string(now->status);
  if (now->parked)
    message += ", parked";
  if (now->cleanup != cleanup_status::none)
    message += ", cleanup " + to_string(now->cleanup);
  message += ", fence " + std::to_string(now->fence);
  if (asked != 0 && asked != now->fence)
    message += ", and the write was for fence " + std::to_string(asked);
  return {ec::conflict, message + "."};
}

failure cannot_begin(const lease_row& row) {
  return {ec::invalid_request, "Lease \"" + row.id.value + "\" cannot begin as "
                                 + to_string(row.status) + "."};
}

std::optional<failure> plugin_unfit(const insert_lease& x,
                                    const std::optional<plugin_row>& now) {
  auto message = cannot_be("inserted", x.row.id);
  if (!now)
    return failure{ec::plugin_not_ready,
                   message + ": its plugin was removed at this moment."};
  message += ": its plugin \"" + now->key + "\" ";
  if (now->status != plugin_status::ready)
    return failure{ec::plugin_not_ready,
                   message + "is currently " + to_string(now->status) + "."};
  if (now->updated_at != x.plugin.updated_at)
    return failure{ec::plugin_not_ready,
                   message + "was changed at this moment. Try again."};
  return std::nullopt;
}

failure has_a_row(const adopt_late& x) {
  return {ec::conflict, cannot_be("made to owe", x.as) + " \""
                          + x.resource.value
                          + "\": another lease has it already, or there is no "
                            "lease \""
                          + x.lease.value + "\"."};
}

failure held_by_another(const take_fence& x) {
  return {ec::conflict, cannot_be("cleaned up", x.lease) + " of \""
                          + x.resource.value
                          + "\": another lease has it, or this one is not "
                            "to be cleaned up."};
}

failure unknown_plugin(const std::string& id_or_key) {
  return {ec::unknown_plugin, "Plugin \"" + id_or_key + "\" not found."};
}

failure plugin_changed_since(const std::string& key) {
  return {ec::conflict, "Plugin \"" + key
                          + "\" was changed by somebody else at this moment. "
                            "Look at it and repeat what you asked for."};
}

} // namespace leasehold
