#include "drivers/worker_params.hpp"

#include "drivers/json_value.hpp"
#include "messages/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace leasehold::wire {

namespace {

using nlohmann::json;

constexpr milliseconds overhead{30'000};
json parse(const json_text& x) {
  auto out = json::parse(x.text, nullptr, false);
  return out.is_object() ? out : json::object();
}

json nullable(const std::string& x) {
  return x.empty() ? json(nullptr) : json(x);
}

/// Whether the lease is one of the plugin driver, which keeps what the worker
/// said apart and has no envelope around its config.
bool is_nested(const json& metadata) {
  return text_of(metadata, "driver") == "plugin";
}

std::string driver_key_of(const json& metadata) {
  return text_of(metadata, is_nested(metadata) ? "driverKey" : "provider");
}

json strip(json config) {
  for (const auto& key : envelope_keys)
    config.erase(key);
  return config;
}

/// The metadata as workers expect it (PB §3.9): the config, provider facts and
/// the engine's keys side by side; later ones win, the engine's over all. The
/// plugin driver's workers expect their own facts nested.
json worker_view(json own) {
  auto out = json::object();
  if (!is_nested(own)) {
    for (const auto* part : {"config", "providerMetadata"})
      if (own.contains(part) && own[part].is_object())
        out.update(strip(own[part]));
    own.erase("providerMetadata");
  }
  own.erase("config");
  own.erase("secretPaths");
  out.update(own);
  return out;
}

json lease_json(const lease_context& x, json own) {
  json out{{"providerLeaseId", nullable(x.resource.value)},
           {"metadata", worker_view(std::move(own))}};
  out["expiresAt"] = x.expires_at ? json(to_iso8601(*x.expires_at)) : json();
  return out;
}

/// The parameters that every verb on a lease has. `own` is its metadata.
json lease_base(const lease_context& x, const json& own,
                const json_text& config) {
  json out{{"driverKey", driver_key_of(own)},
           {"companyId", x.place.company.value},
           {"environmentId", x.place.environment.value},
           {"issueId", nullable(x.issue.value)},
           {"config", is_nested(own) ? parse(config) : strip(parse(config))}};
  // Ours: workers that do not know them ignore them.
  out["leaseId"] = x.lease.value;
  if (x.fence > 0)
    out["leaseFence"] = x.fence;
  return out;
}

} // namespace

const std::vector<std::string> envelope_keys{"provider", "onResumeFailure",
                                             "leasePolicy", "parkedTtlMs"};

json_text without_envelope(const json_text& config) {
  return pack(strip(parse(config)));
}

captured parse_captured(const json_text& metadata) {
  auto x = parse(metadata);
  captured out;
  out.driver_key = driver_key_of(x);
  if (is_nested(x))
    out.binding_prefix = nested_prefix;
  out.plugin = {text_of(x, "pluginId")};
  if (x.contains("config") && x["config"].is_object())
    out.config = pack(x["config"]);
  for (const auto& path : x.value("secretPaths", json::array()))
    if (path.is_string())
      out.secret_paths.push_back(path.get<std::string>());
  return out;
}

milliseconds time_of(const json_text& config, const char* key) {
  auto x = parse(config);
  auto pos = x.find(key);
  if (pos == x.end() || !pos->is_number() || *pos <= json(0))
    return milliseconds{0};
  return milliseconds{
    static_cast<int64_t>(std::min(pos->get<double>(), 2147483647.0))};
}

milliseconds execute_timeout(const json_text& config, milliseconds requested) {
  auto base = requested.count() > 0 ? requested : time_of(config, "timeoutMs");
  return base.count() > 0 ? base + overhead : milliseconds{0};
}

// -- parameters ---------------------------------------------------------------

json_text validate_params(const std::string& driver_key,
                          const json_text& config) {
  return pack({{"driverKey", driver_key}, {"config", parse(config)}});
}

json_text place_params(const std::string& driver_key,
                       const environment_context& place,
                       const json_text& config) {
  return pack({{"driverKey", driver_key},
               {"companyId", place.company.value},
               {"environmentId", place.environment.value},
               {"config", parse(config)}});
}

json_text acquire_params(const acquire_resource& what,
                         const json_text& config) {
  auto out = lease_base(what.lease, parse(what.lease.metadata), config);
  const auto& run = what.lease.run.value;
  out["runId"] = run.empty() ? what.lease.lease.value : run;
  if (!what.workspace_mode.empty())
    out["workspaceMode"] = what.workspace_mode;
  if (const auto& workspace = what.lease.workspace; !workspace.empty())
    out["executionWorkspaceId"] = workspace.value;
  if (what.requested_expires_at)
    out["requestedExpiresAt"] = to_iso8601(*what.requested_expires_at);
  return pack(out);
}

json_text resume_params(const resume_resource& what, const json_text& config) {
  auto out = lease_base(what.lease, parse(what.lease.metadata), config);
  out["providerLeaseId"] = what.lease.resource.value;
  out["leaseMetadata"] = worker_view(parse(what.previous_metadata));
  return pack(out);
}

json_text end_params(const lease_context& lease, const json_text& config) {
  auto own = parse(lease.metadata);
  auto out = lease_base(lease, own, config);
  out["providerLeaseId"] = nullable(lease.resource.value);
  out["leaseMetadata"] = worker_view(std::move(own));
  return pack(out);
}

json_text list_params(const lease_context& lease, const json_text& config) {
  auto base = lease_base(lease, parse(lease.metadata), config);
  return pack({{"driverKey", base["driverKey"]},
               {"companyId", base["companyId"]},
               {"environmentId", base["environmentId"]},
               {"config", base["config"]}});
}

json_text realize_params(const place_workspace& what, const json_text& config) {
  auto own = parse(what.lease.metadata);
  auto out = lease_base(what.lease, own, config);
  out["lease"] = lease_json(what.lease, std::move(own));
  auto& workspace = out["workspace"] = json::object();
  if (!what.local_path.empty())
    workspace["localPath"] = what.local_path;
  if (!what.remote_path.empty())
    workspace["remotePath"] = what.remote_path;
  if (!what.mode.empty())
    workspace["mode"] = what.mode;
  if (what.metadata.text != "{}")
    workspace["metadata"] = parse(what.metadata);
  return pack(out);
}

json_text execute_params(const run_command& what, const json_text& config) {
  auto own = parse(what.lease.metadata);
  auto out = lease_base(what.lease, own, config);
  const auto& spec = what.spec;
  out["lease"] = lease_json(what.lease, std::move(own));
  out["command"] = spec.command;
  out["args"] = spec.args;
  out["executionId"] = what.execution.value;
  if (!spec.cwd.empty())
    out["cwd"] = spec.cwd;
  // The engine's word counts: a command must not pass for another lease's.
  auto& env = out["env"] = spec.env;
  env["LEASEHOLD_LEASE_ID"] = what.lease.lease.value;
  env["LEASEHOLD_LEASE_FENCE"] = std::to_string(what.lease.fence);
  if (!spec.stdin_text.empty())
    out["stdin"] = spec.stdin_text;
  if (spec.timeout.count() > 0)
    out["timeoutMs"] = spec.timeout.count();
  return pack(out);
}

json_text cancel_params(const lease_context& lease,
                        const execution_id& execution,
                        const json_text& config) {
  auto out = lease_base(lease, parse(lease.metadata), config);
  out["providerLeaseId"] = nullable(lease.resource.value);
  out["executionId"] = execution.value;
  return pack(out);
}

} // namespace leasehold::wire
