#include "drivers/sandbox_params.hpp"

#include "drivers/manifest.hpp"
#include "messages/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leasehold::sandbox {

namespace {

using nlohmann::json;

constexpr milliseconds overhead{30'000};
constexpr int64_t timeout_max = 86'400'000;

json parse(const json_text& x) {
  auto out = json::parse(x.text, nullptr, false);
  return out.is_object() ? out : json::object();
}

json_text pack(const json& x) {
  return json_text{x.dump(-1, ' ', false, json::error_handler_t::replace)};
}

std::string text_of(const json& x, const char* key) {
  auto pos = x.find(key);
  return pos != x.end() && pos->is_string() ? pos->get<std::string>()
                                            : std::string{};
}

/// A positive number, truncated; zero for everything else.
milliseconds time_of(const json& x, const char* key) {
  auto pos = x.find(key);
  if (pos == x.end() || !pos->is_number() || *pos <= json(0))
    return milliseconds{0};
  return milliseconds{
    static_cast<int64_t>(std::min(pos->get<double>(), 2147483647.0))};
}

json nullable(const std::string& x) {
  return x.empty() ? json(nullptr) : json(x);
}

/// The config as workers see it: the envelope's own keys are not theirs.
json without_envelope(json config) {
  for (const auto& key : envelope_keys)
    config.erase(key);
  return config;
}

json worker_config(const json_text& config) {
  return without_envelope(parse(config));
}

/// The metadata as workers expect it (PB §3.9): the config, provider facts and
/// the engine's keys side by side; later ones win, the engine's over all.
json flat_view(const json_text& metadata) {
  auto own = parse(metadata);
  auto out = json::object();
  if (own.contains("config") && own["config"].is_object())
    out = without_envelope(own["config"]);
  if (own.contains("providerMetadata") && own["providerMetadata"].is_object())
    out.update(own["providerMetadata"]);
  own.erase("config");
  own.erase("providerMetadata");
  out.update(own);
  return out;
}

json lease_json(const lease_context& x) {
  json out{{"providerLeaseId", nullable(x.resource.value)},
           {"metadata", flat_view(x.metadata)}};
  out["expiresAt"] = x.expires_at ? json(to_iso8601(*x.expires_at)) : json();
  return out;
}

/// The parameters that every verb on a lease has.
json lease_base(const lease_context& x, const captured& own) {
  json out{{"driverKey", own.provider},
           {"companyId", x.place.company.value},
           {"environmentId", x.place.environment.value},
           {"issueId", nullable(x.issue.value)},
           {"config", worker_config(own.config)}};
  // Ours: workers that do not know them ignore them.
  out["leaseId"] = x.lease.value;
  if (x.fence > 0)
    out["leaseFence"] = x.fence;
  return out;
}

json lease_base(const lease_context& x) {
  return lease_base(x, parse_captured(x.metadata));
}

json common_metadata(const plan_lease& what, const settings& config) {
  return json{{"driver", "sandbox"},
              {"executionWorkspaceMode", nullable(what.workspace_mode)},
              {"provider", config.provider},
              {"reuseLease", config.reuse_lease}};
}

} // namespace

const std::vector<std::string> envelope_keys{"provider", "onResumeFailure"};

result<settings> parse_settings(const json_text& config) {
  auto x = json::parse(config.text, nullptr, false);
  if (!x.is_object())
    x = json::object();
  settings out;
  if (auto name = text_of(x, "provider");
      name.find_first_not_of(" \t\n") != std::string::npos) {
    auto first = name.find_first_not_of(" \t\n");
    out.provider
      = name.substr(first, name.find_last_not_of(" \t\n") + 1 - first);
  }
  if (!is_driver_key(out.provider))
    return failure{ec::invalid_config,
                   "Sandbox provider key must start with a lowercase "
                   "alphanumeric and contain only lowercase letters, digits, "
                   "dots, hyphens, or underscores",
                   {}};
  auto timeout = x.find("timeoutMs");
  if (timeout != x.end() && !timeout->is_null()
      && (!timeout->is_number() || *timeout < json(1)
          || *timeout > json(timeout_max)))
    return failure{
      ec::invalid_config, "timeoutMs must be between 1 and 86400000.", {}};
  auto reuse = x.find("reuseLease");
  if (reuse != x.end() && !reuse->is_null() && !reuse->is_boolean())
    return failure{ec::invalid_config, "reuseLease must be true or false.", {}};
  out.reuse_lease = reuse != x.end() && *reuse == json(true);
  auto on_failure = x.value("onResumeFailure", json("acquire"));
  if (on_failure != json("acquire") && on_failure != json("preserve"))
    return failure{ec::invalid_config,
                   "onResumeFailure must be \"acquire\" or \"preserve\".",
                   {}};
  out.preserve_on_resume_failure = on_failure == json("preserve");
  out.timeout = time_of(x, "timeoutMs");
  out.bridge_timeout = time_of(x, "bridgeRequestTimeoutMs");
  return out;
}

captured parse_captured(const json_text& metadata) {
  auto x = parse(metadata);
  captured out{text_of(x, "provider"), {text_of(x, "pluginId")}, {}};
  if (x.contains("config") && x["config"].is_object())
    out.config = pack(x["config"]);
  return out;
}

json_text plan_metadata(const plan_lease& what, const settings& config,
                        const plugin_row& plugin) {
  auto out = common_metadata(what, config);
  out["pluginId"] = plugin.id.value;
  out["pluginKey"] = plugin.key;
  out["sandboxProviderPlugin"] = true;
  auto& own = out["config"] = parse(what.place.config);
  // What nobody will resume, the provider must not park either.
  if (own.contains("reuseLease"))
    own["reuseLease"] = config.reuse_lease;
  return pack(out);
}

json_text fake_metadata(const plan_lease& what, const settings& config) {
  auto out = common_metadata(what, config);
  out["image"] = parse(what.place.config).value("image", json("ubuntu:24.04"));
  return pack(out);
}

milliseconds verb_timeout(const settings& config) {
  auto base = std::max(config.timeout, config.bridge_timeout);
  return base.count() > 0 ? base + overhead : milliseconds{0};
}

milliseconds execute_timeout(const settings& config, milliseconds requested) {
  auto base = requested.count() > 0 ? requested : config.timeout;
  return base.count() > 0 ? base + overhead : milliseconds{0};
}

// -- parameters ---------------------------------------------------------------

json_text config_params(const std::string& provider, const json_text& config) {
  return pack({{"driverKey", provider}, {"config", worker_config(config)}});
}

json_text place_params(const std::string& provider,
                       const environment_context& place) {
  return pack({{"driverKey", provider},
               {"companyId", place.company.value},
               {"environmentId", place.environment.value},
               {"config", worker_config(place.config)}});
}

json_text acquire_params(const acquire_resource& what) {
  auto out = lease_base(what.lease);
  const auto& run = what.lease.run.value;
  out["runId"] = run.empty() ? what.lease.lease.value : run;
  if (!what.workspace_mode.empty())
    out["workspaceMode"] = what.workspace_mode;
  if (what.requested_expires_at)
    out["requestedExpiresAt"] = to_iso8601(*what.requested_expires_at);
  return pack(out);
}

json_text resume_params(const resume_resource& what) {
  auto out = lease_base(what.lease);
  out["providerLeaseId"] = what.lease.resource.value;
  out["leaseMetadata"] = flat_view(what.previous_metadata);
  return pack(out);
}

json_text end_params(const lease_context& lease) {
  auto out = lease_base(lease);
  out["providerLeaseId"] = nullable(lease.resource.value);
  out["leaseMetadata"] = flat_view(lease.metadata);
  return pack(out);
}

json_text list_params(const lease_context& lease) {
  auto own = parse_captured(lease.metadata);
  auto place = lease.place;
  place.config = own.config;
  return place_params(own.provider, place);
}

json_text realize_params(const place_workspace& what) {
  auto out = lease_base(what.lease);
  out["lease"] = lease_json(what.lease);
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

json_text execute_params(const run_command& what) {
  auto out = lease_base(what.lease);
  const auto& spec = what.spec;
  out["lease"] = lease_json(what.lease);
  out["command"] = spec.command;
  out["args"] = spec.args;
  out["executionId"] = what.execution.value;
  if (!spec.cwd.empty())
    out["cwd"] = spec.cwd;
  if (!spec.env.empty())
    out["env"] = spec.env;
  if (!spec.stdin_text.empty())
    out["stdin"] = spec.stdin_text;
  if (spec.timeout.count() > 0)
    out["timeoutMs"] = spec.timeout.count();
  return pack(out);
}

json_text cancel_params(const lease_context& lease,
                        const execution_id& execution) {
  auto out = lease_base(lease);
  out["executionId"] = execution.value;
  return pack(out);
}

} // namespace leasehold::sandbox
