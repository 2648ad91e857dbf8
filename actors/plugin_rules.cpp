#include "actors/plugin_rules.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace leasehold {

namespace {

namespace event = plugin_event;
using status = plugin_status;

failure refused(const plugin_row& now, const std::string& why) {
  return {ec::invalid_request, "Plugin \"" + now.key + "\" is "
                                 + to_string(now.status) + ", and " + why};
}

/// The plugin as this offer makes it.
plugin_row taking(plugin_row x, const plugin_offer& what) {
  auto config = std::move(x.config);
  static_cast<plugin_offer&>(x) = what;
  if (x.config.text.empty())
    x.config = std::move(config);
  x.pending.reset();
  x.last_error.clear();
  return x;
}

/// Ready, unless an operator has turned it off.
plugin_row ready_again(plugin_row x) {
  if (x.status != status::disabled)
    x.status = status::ready;
  return x;
}

result<plugin_row> on(const plugin_row& now, const event::added& ev) {
  return ready_again(taking(now, ev.what));
}

result<plugin_row> on(const plugin_row& now, const event::upgraded& ev) {
  if (ev.more_capabilities.empty())
    return ready_again(taking(now, ev.what));
  if (now.status != status::upgrade_pending
      && !may_become(now.status, status::upgrade_pending))
    return refused(now, "this upgrade wants capabilities that it does not "
                        "have. Enable it first, then upgrade it.");
  auto next = now;
  next.status = status::upgrade_pending;
  next.pending = ev.what;
  return next;
}

result<plugin_row> on(const plugin_row& now, const event::disabled&) {
  if (now.status == status::disabled)
    return now;
  if (!may_become(now.status, status::disabled))
    return refused(now, "takes no leases already. Enable it to allow what it "
                        "waits for, upgrade it to a version that wants no "
                        "more than before, or remove it.");
  auto next = now;
  next.status = status::disabled;
  return next;
}

result<plugin_row> on(const plugin_row& now, const event::enabled&) {
  if (now.status == status::ready)
    return now;
  if (!may_become(now.status, status::ready))
    return refused(now, "cannot become ready. Add it again.");
  auto next = now.pending ? taking(now, *now.pending) : now;
  next.status = status::ready;
  return next;
}

} // namespace

bool may_become(plugin_status from, plugin_status to) noexcept {
  switch (from) {
    case status::installed:
      return to == status::ready || to == status::error
             || to == status::uninstalled;
    case status::ready:
      return to != status::installed;
    case status::disabled:
    case status::error:
      return to == status::ready || to == status::uninstalled;
    case status::upgrade_pending:
      return to == status::ready || to == status::error
             || to == status::uninstalled;
    case status::uninstalled:
      return to == status::installed;
  }
  return false;
}

result<plugin_row> step(const plugin_row& now, const plugin_event::any& what) {
  return std::visit([&](const auto& ev) { return on(now, ev); }, what);
}

std::vector<std::string> more_than(const std::vector<std::string>& granted,
                                   const std::vector<std::string>& wanted) {
  std::vector<std::string> out;
  for (const auto& x : wanted)
    if (std::ranges::find(granted, x) == granted.end()
        && std::ranges::find(out, x) == out.end())
      out.push_back(x);
  return out;
}

} // namespace leasehold
