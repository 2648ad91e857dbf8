// JSON views of what the engine says.

#include "cli/report.hpp"

#include <nlohmann/json.hpp>

namespace leasehold::cli {

namespace {

using json = nlohmann::ordered_json;

template <class T>
json maybe(const std::optional<T>& x) {
  return x ? json(*x) : json();
}

std::string name_of(origin x) {
  switch (x) {
    case origin::fresh:
      return "fresh";
    case origin::resumed:
      return "resumed";
    case origin::replacement:
      return "replacement";
  }
  return "?";
}

} // namespace

json view(const failure& x) {
  return {{"code", to_string(x.code)},
          {"disposition", to_string(disposition_of(x.code))},
          {"provider_acted", to_string(x.provider_acted)},
          {"message", x.message},
          {"detail", x.detail}};
}

json view(const lease& x) {
  return {{"id", x.id},
          {"fence", x.fence},
          {"environment", x.environment},
          {"driver", x.driver},
          {"provider", x.provider},
          {"resource", x.resource},
          {"origin", name_of(x.origin)},
          {"origin_note", x.origin_note},
          {"expires_at_ms", maybe(x.expires_at_ms)},
          {"metadata", parsed(x.metadata)}};
}

json view(const ended_lease& x) {
  return {{"id", x.id},
          {"status", x.status},
          {"resource", x.resource},
          {"parked", x.parked},
          {"cleanup_owed", x.cleanup_owed},
          {"cleanup_error", x.cleanup_error},
          {"failure_reason", x.failure_reason}};
}

json view(const environment_info& x) {
  return {{"id", x.id},
          {"name", x.name},
          {"description", x.description},
          {"driver", x.driver},
          {"config", parsed(x.config)},
          {"status", x.status},
          {"updated_at_ms", x.updated_at_ms}};
}

json view(const plugin_info& x) {
  auto names = json::array();
  for (const auto& [name, value] : x.env)
    names.push_back(name);
  return {{"id", x.id},
          {"key", x.key},
          {"version", x.version},
          {"status", x.status},
          {"drivers", x.drivers},
          {"command", x.command},
          {"env_names", names},
          {"config", parsed(x.config)},
          {"last_error", x.last_error},
          {"package_name", x.package_name},
          {"package_path", x.package_path},
          {"capabilities", x.capabilities},
          {"pending_version", x.pending_version},
          {"pending_capabilities", x.pending_capabilities},
          {"install_order", x.install_order},
          {"updated_at_ms", x.updated_at_ms},
          {"manifest", parsed(x.manifest)}};
}

json view(const driver_info& x) {
  return {{"key", x.key},
          {"kind", x.kind},
          {"display_name", x.display_name},
          {"description", x.description},
          {"plugin_id", x.plugin_id},
          {"plugin_key", x.plugin_key},
          {"plugin_status", x.plugin_status},
          {"worker", x.worker},
          {"serves", x.serves},
          {"reusable_leases", x.reusable_leases},
          {"config_schema", parsed(x.config_schema)}};
}

json view(const probe_result& x) {
  return {{"ok", x.ok},
          {"driver", x.driver},
          {"summary", x.summary},
          {"details", parsed(x.details)}};
}

json view(const breaker_info& x) {
  return {{"failures", x.failures},
          {"retry_at_ms", x.retry_at_ms},
          {"code", x.code},
          {"message", x.message}};
}

json view(const lease_info& x) {
  return {{"id", x.id},
          {"company", x.company},
          {"environment", x.environment},
          {"workspace", x.workspace},
          {"issue", x.issue},
          {"run", x.run},
          {"status", x.status},
          {"policy", x.policy},
          {"provider", x.provider},
          {"resource", x.resource},
          {"fence", x.fence},
          {"owner", x.owner},
          {"parked", x.parked},
          {"cleanup", x.cleanup},
          {"cleanup_attempts", x.cleanup_attempts},
          {"failure_reason", x.failure_reason},
          {"acquired_at_ms", x.acquired_at_ms},
          {"updated_at_ms", x.updated_at_ms},
          {"next_cleanup_at_ms", maybe(x.next_cleanup_at_ms)},
          {"expires_at_ms", maybe(x.expires_at_ms)},
          {"released_at_ms", maybe(x.released_at_ms)},
          {"metadata", parsed(x.metadata)}};
}

json view(const history_line& x) {
  return {{"at_ms", x.at_ms},
          {"from", x.from},
          {"to", x.to},
          {"fence", x.fence},
          {"note", x.note}};
}

json view(const finding& x) {
  return {{"kind", x.kind},
          {"needs_you", x.needs_you},
          {"subject", x.subject},
          {"resource", x.resource},
          {"what", x.what},
          {"since_ms", x.since_ms > 0 ? json(x.since_ms) : json()},
          {"engine_does", x.engine_does},
          {"you_can", x.you_can},
          {"done", x.done}};
}

json view(const examination& x) {
  auto findings = json::array();
  for (const auto& one : x.findings)
    findings.push_back(view(one));
  return {{"at_ms", x.at_ms}, {"findings", findings}};
}

json view(const secret_info& x) {
  auto bindings = json::array();
  for (const auto& place : x.bindings)
    bindings.push_back(
      {{"target", place.target},
       {"target_id", place.target_id},
       {"path", place.path},
       {"version", place.version > 0 ? json(place.version) : json("latest")}});
  return {{"id", x.id},
          {"company", x.company},
          {"name", x.name},
          {"description", x.description},
          {"provider", x.provider},
          {"status", x.status},
          {"latest_version", x.latest_version},
          {"made_for", x.made_for},
          {"bindings", bindings},
          {"created_at_ms", x.created_at_ms},
          {"updated_at_ms", x.updated_at_ms}};
}

template <class T>
json view_all(const std::vector<T>& rows) {
  auto result = json::array();
  for (const auto& row : rows)
    result.push_back(view(row));
  return result;
}

template json view_all(const std::vector<environment_info>&);
template json view_all(const std::vector<plugin_info>&);
template json view_all(const std::vector<driver_info>&);
template json view_all(const std::vector<lease_info>&);
template json view_all(const std::vector<history_line>&);
template json view_all(const std::vector<secret_info>&);

json parsed(const std::string& text) {
  auto result = json::parse(text, nullptr, false);
  return result.is_discarded() ? json(text) : result;
}

std::string print(const json& x, bool indented) {
  // A provider may have sent bytes that are no UTF-8.
  return x.dump(indented ? 2 : -1, ' ', false, json::error_handler_t::replace)
         + "\n";
}

} // namespace leasehold::cli
