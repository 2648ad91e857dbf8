#include "drivers/worker_params.hpp"

#include "drivers/json_value.hpp"
#include "messages/json.hpp"
#include "messages/json_members.hpp"
#include "messages/json_writer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace leasehold::wire {

namespace {

using nlohmann::json;

constexpr milliseconds overhead{30'000};

bool is_object(std::string_view value) {
  return value.starts_with('{');
}

bool is_envelope(std::string_view key) {
  return std::find(envelope_keys.begin(), envelope_keys.end(), key)
         != envelope_keys.end();
}

void put_nullable(json_writer& to, const char* key, const std::string& x) {
  if (x.empty())
    to.json(key, "null");
  else
    to.text(key, x);
}

/// Whether the lease is one of the plugin driver, which keeps what the worker
/// said apart and has no envelope around its config.
bool is_nested(const json_members& metadata) {
  return metadata.find("driver") == R"("plugin")";
}

std::string driver_key_of(const json_members& metadata) {
  return string_of(
    metadata.find(is_nested(metadata) ? "driverKey" : "provider"));
}

/// An object as it is; what is none is an empty one.
json_text whole(const json_text& x) {
  json_writer out{x.text.size()};
  for (const auto& [key, value] : json_members::of(x.text))
    out.json(key, value);
  return std::move(out).done();
}

void add_stripped(std::vector<json_members::member>& to,
                  const json_members& from) {
  for (const auto& x : from)
    if (!is_envelope(x.key))
      to.push_back(x);
}

/// The metadata as workers expect it (PB §3.9): the config, provider facts and
/// the engine's keys side by side; later ones win, the engine's over all. The
/// plugin driver's workers expect their own facts nested.
json_text worker_view(const json_members& own) {
  auto nested = is_nested(own);
  std::vector<json_members::member> all;
  all.reserve(32);
  auto part = [&](const char* key) {
    auto value = nested ? std::string_view{} : own.find(key);
    auto inside = is_object(value) ? json_members::of(value) : json_members{};
    add_stripped(all, inside);
    return inside;
  };
  auto config = part("config");
  auto said = part("providerMetadata");
  for (const auto& x : own)
    if (x.key != "config" && x.key != "secretPaths"
        && (nested || x.key != "providerMetadata"))
      all.push_back(x);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& x, const auto& y) { return x.key < y.key; });
  json_writer out{1024};
  for (size_t i = 0; i < all.size(); ++i)
    if (i + 1 == all.size() || all[i].key != all[i + 1].key)
      out.json(all[i].key, all[i].value);
  return std::move(out).done();
}

json_text lease_json(const lease_context& x, const json_members& own) {
  json_writer out{1024};
  put_nullable(out, "providerLeaseId", x.resource.value);
  out.json("metadata", worker_view(own).text);
  put_nullable(out, "expiresAt", x.expires_at ? to_iso8601(*x.expires_at) : "");
  return std::move(out).done();
}

/// Whose call it is, and with which config.
void put_place(json_writer& to, const environment_context& place,
               const json_members& own, const json_text& config) {
  to.text("driverKey", driver_key_of(own))
    .text("companyId", place.company.value)
    .text("environmentId", place.environment.value)
    .json("config",
          (is_nested(own) ? whole(config) : without_envelope(config)).text);
}

/// The parameters that every verb on a lease has. `own` is its metadata.
json_writer lease_base(const lease_context& x, const json_members& own,
                       const json_text& config) {
  json_writer out{config.text.size() + 1024};
  put_place(out, x.place, own, config);
  put_nullable(out, "issueId", x.issue.value);
  // Ours: workers that do not know them ignore them.
  out.text("leaseId", x.lease.value);
  if (x.fence > 0)
    out.json("leaseFence", std::to_string(x.fence));
  return out;
}

} // namespace

const std::vector<std::string> envelope_keys{"provider", "onResumeFailure",
                                             "leasePolicy", "parkedTtlMs"};

json_text without_envelope(const json_text& config) {
  json_writer out{config.text.size()};
  for (const auto& [key, value] : json_members::of(config.text))
    if (!is_envelope(key))
      out.json(key, value);
  return std::move(out).done();
}

captured parse_captured(const json_text& metadata) {
  auto x = json_members::of(metadata.text);
  captured out;
  out.driver_key = driver_key_of(x);
  if (is_nested(x))
    out.binding_prefix = nested_prefix;
  out.plugin = {string_of(x.find("pluginId"))};
  if (auto config = x.find("config"); is_object(config))
    out.config = json_text{std::string{config}};
  if (auto paths = x.find("secretPaths"); !paths.empty())
    for (const auto& path : json::parse(paths))
      if (path.is_string())
        out.secret_paths.push_back(path.get<std::string>());
  return out;
}

milliseconds time_of(const json_text& config, const char* key) {
  return time_in(json_members::of(config.text).find(key));
}

milliseconds time_in(std::string_view value) {
  constexpr int64_t longest = 2'147'483'647;
  if (auto whole = integer_of(value))
    return milliseconds{std::clamp(*whole, int64_t{0}, longest)};
  auto x = json::parse(value, nullptr, false);
  if (!x.is_number() || x <= json(0))
    return milliseconds{0};
  return milliseconds{static_cast<int64_t>(
    std::min(x.get<double>(), static_cast<double>(longest)))};
}

milliseconds execute_timeout(const json_text& config, milliseconds requested) {
  auto base = requested.count() > 0 ? requested : time_of(config, "timeoutMs");
  return base.count() > 0 ? base + overhead : milliseconds{0};
}

// -- parameters ---------------------------------------------------------------

json_text validate_params(const std::string& driver_key,
                          const json_text& config) {
  json_writer out;
  out.text("driverKey", driver_key).json("config", whole(config).text);
  return std::move(out).done();
}

json_text place_params(const std::string& driver_key,
                       const environment_context& place,
                       const json_text& config) {
  json_writer out;
  out.text("driverKey", driver_key)
    .text("companyId", place.company.value)
    .text("environmentId", place.environment.value)
    .json("config", whole(config).text);
  return std::move(out).done();
}

json_text acquire_params(const acquire_resource& what,
                         const json_text& config) {
  auto own = json_members::of(what.lease.metadata.text);
  auto out = lease_base(what.lease, own, config);
  const auto& run = what.lease.run.value;
  out.text("runId", run.empty() ? what.lease.lease.value : run);
  if (!what.workspace_mode.empty())
    out.text("workspaceMode", what.workspace_mode);
  if (const auto& workspace = what.lease.workspace; !workspace.empty())
    out.text("executionWorkspaceId", workspace.value);
  if (what.requested_expires_at)
    out.text("requestedExpiresAt", to_iso8601(*what.requested_expires_at));
  return std::move(out).done();
}

json_text resume_params(const resume_resource& what, const json_text& config) {
  auto own = json_members::of(what.lease.metadata.text);
  auto before = json_members::of(what.previous_metadata.text);
  auto out = lease_base(what.lease, own, config);
  out.text("providerLeaseId", what.lease.resource.value)
    .json("leaseMetadata", worker_view(before).text);
  return std::move(out).done();
}

json_text end_params(const lease_context& lease, const json_text& config) {
  auto own = json_members::of(lease.metadata.text);
  auto out = lease_base(lease, own, config);
  put_nullable(out, "providerLeaseId", lease.resource.value);
  out.json("leaseMetadata", worker_view(own).text);
  return std::move(out).done();
}

json_text list_params(const lease_context& lease, const json_text& config) {
  json_writer out;
  put_place(out, lease.place, json_members::of(lease.metadata.text), config);
  return std::move(out).done();
}

json_text realize_params(const place_workspace& what, const json_text& config) {
  auto own = json_members::of(what.lease.metadata.text);
  json_writer workspace;
  if (!what.local_path.empty())
    workspace.text("localPath", what.local_path);
  if (!what.remote_path.empty())
    workspace.text("remotePath", what.remote_path);
  if (!what.mode.empty())
    workspace.text("mode", what.mode);
  if (what.metadata.text != "{}")
    workspace.json("metadata", whole(what.metadata).text);
  auto out = lease_base(what.lease, own, config);
  out.json("lease", lease_json(what.lease, own).text)
    .json("workspace", std::move(workspace).done().text);
  return std::move(out).done();
}

json_text execute_params(const run_command& what, const json_text& config) {
  auto own = json_members::of(what.lease.metadata.text);
  auto out = lease_base(what.lease, own, config);
  const auto& spec = what.spec;
  // The engine's word counts: a command must not pass for another lease's.
  auto env = spec.env;
  env["LEASEHOLD_LEASE_ID"] = what.lease.lease.value;
  env["LEASEHOLD_LEASE_FENCE"] = std::to_string(what.lease.fence);
  out.json("lease", lease_json(what.lease, own).text)
    .text("command", spec.command)
    .json("args", pack(spec.args).text)
    .text("executionId", what.execution.value)
    .json("env", pack(env).text);
  if (!spec.cwd.empty())
    out.text("cwd", spec.cwd);
  if (!spec.stdin_text.empty())
    out.text("stdin", spec.stdin_text);
  if (spec.timeout.count() > 0)
    out.json("timeoutMs", std::to_string(spec.timeout.count()));
  return std::move(out).done();
}

json_text cancel_params(const lease_context& lease,
                        const execution_id& execution,
                        const json_text& config) {
  auto own = json_members::of(lease.metadata.text);
  auto out = lease_base(lease, own, config);
  put_nullable(out, "providerLeaseId", lease.resource.value);
  out.text("executionId", execution.value);
  return std::move(out).done();
}

} // namespace leasehold::wire
