#include "actors/host_rules.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace leasehold {

namespace {

constexpr size_t resolves_max = 30;
constexpr milliseconds resolves_window{60'000};

/// A method that the engine knows, and what the plugin must have declared.
struct known_method {
  std::string_view name;
  std::string_view capability;
  bool supported;
};

constexpr known_method known_methods[] = {
  {"log", {}, true},
  {"execute.log", {}, true},
  {"config.get", {}, true},
  {"metrics.write", "metrics.write", true},
  {"secrets.resolve", "secrets.read-ref", true},
  {"state.get", "plugin.state.read", false},
  {"state.set", "plugin.state.write", false},
  {"state.delete", "plugin.state.write", false},
  {"http.fetch", "http.outbound", false},
};

bool lists(const std::vector<std::string>& capabilities,
           std::string_view wanted) {
  return wanted.empty()
         || std::find(capabilities.begin(), capabilities.end(), wanted)
              != capabilities.end();
}

host_refusal denied(const asking_plugin& who, const std::string& method,
                    const std::string& why) {
  return {-32005, "Plugin \"" + who.id.value + "\" is not allowed to perform \""
                    + method + "\": " + why};
}

} // namespace

std::optional<host_refusal> check_method(const asking_plugin& who,
                                         const std::string& method) {
  const auto* known
    = std::find_if(std::begin(known_methods), std::end(known_methods),
                   [&](const auto& x) { return x.name == method; });
  if (known == std::end(known_methods))
    return host_refusal{-32601,
                        "Host does not handle method \"" + method + "\""};
  if (!known->supported)
    return host_refusal{-32004, method + " is not implemented by this host"};
  if (!lists(who.capabilities, known->capability))
    return host_refusal{-32001, "Plugin \"" + who.id.value
                                  + "\" is missing required capability \""
                                  + std::string{known->capability}
                                  + "\" for method \"" + method + "\""};
  return std::nullopt;
}

std::variant<company_id, host_refusal> scope_of(const asking_plugin& who,
                                                const host_question& what) {
  if (what.invocation.empty() && !what.busy)
    return what.company;
  if (!what.scope)
    return denied(who, what.method,
                  "the worker referenced a missing, expired, or unknown "
                  "invocation scope");
  if (!what.company.empty() && what.company != *what.scope)
    return denied(who, what.method,
                  "requested company \"" + what.company.value
                    + "\" but the current invocation is scoped to company \""
                    + what.scope->value + "\"");
  return *what.scope;
}

host_refusal no_company(const asking_plugin& who, const std::string& method) {
  return denied(who, method, "company context is required");
}

bool resolve_budget::take(const company_id& company, milliseconds now) {
  auto& times = taken_[company];
  while (!times.empty() && times.front() + resolves_window <= now)
    times.pop_front();
  if (times.size() >= resolves_max)
    return false;
  times.push_back(now);
  return true;
}

} // namespace leasehold
