#include "actors/conversions.hpp"

#include "actors/plugin_rules.hpp"
#include "drivers/manifest.hpp"

#include <utility>

namespace leasehold {

namespace {

std::optional<int64_t> ms_of(const std::optional<timestamp>& x) {
  return x ? std::optional{x->ms} : std::nullopt;
}

origin to_public(lease_origin x) {
  switch (x) {
    case lease_origin::resumed:
      return origin::resumed;
    case lease_origin::replacement:
      return origin::replacement;
    default:
      return origin::fresh;
  }
}

} // namespace

lease to_public(lease_granted x) {
  return {std::move(x.handle.id.value),
          x.handle.fence,
          std::move(x.environment.value),
          std::move(x.driver),
          std::move(x.provider),
          std::move(x.resource.value),
          to_public(x.origin),
          std::move(x.origin_note),
          ms_of(x.expires_at),
          std::move(x.metadata.text)};
}

ended_lease to_public(lease_ended x) {
  return {std::move(x.id.value),
          to_string(x.status),
          x.cleanup == cleanup_status::failed,
          std::move(x.cleanup_error),
          x.parked,
          std::move(x.failure_reason),
          std::move(x.resource.value)};
}

ended_run to_public(run_released x) {
  ended_run out;
  for (auto& lease : x.leases)
    out.leases.push_back(to_public(std::move(lease)));
  out.errors = std::move(x.errors);
  return out;
}

realized_workspace to_public(workspace_realized x) {
  return {std::move(x.cwd), std::move(x.metadata.text)};
}

finished to_public(command_result x) {
  return {x.exit_code,
          std::move(x.signal),
          x.timed_out,
          x.cancelled,
          std::move(x.stdout_text),
          std::move(x.stderr_text),
          std::move(x.metadata.text)};
}

output to_public(output_chunk x) {
  auto from = x.stream == output_stream::err ? output::stream::err
                                             : output::stream::out;
  return {from, std::move(x.text)};
}

environment_info to_public(environment_row x) {
  return {std::move(x.id.value),    std::move(x.name),
          std::move(x.description), std::move(x.driver),
          std::move(x.config.text), to_string(x.status),
          x.updated_at.ms};
}

plugin_info to_public(plugin_row x) {
  plugin_info out;
  out.id = std::move(x.id.value);
  out.key = std::move(x.key);
  out.version = std::move(x.version);
  out.status = to_string(x.status);
  out.manifest = x.manifest.text;
  out.command = std::move(x.command);
  out.env = std::move(x.env);
  out.config = std::move(x.config.text);
  out.last_error = std::move(x.last_error);
  out.package_name = std::move(x.package_name);
  out.package_path = std::move(x.package_path);
  out.install_order = x.install_order;
  out.updated_at_ms = x.updated_at.ms;
  if (auto manifest = parse_manifest(x.manifest)) {
    for (auto& driver : manifest->drivers)
      out.drivers.push_back(std::move(driver.key));
    out.capabilities = std::move(manifest->capabilities);
  }
  if (!x.pending)
    return out;
  out.pending_version = std::move(x.pending->version);
  if (auto next = parse_manifest(x.pending->manifest))
    out.pending_capabilities = more_than(out.capabilities, next->capabilities);
  return out;
}

driver_info to_public(surveyed_driver x) {
  return {std::move(x.key),
          std::move(x.kind),
          std::move(x.display_name),
          std::move(x.description),
          std::move(x.config_schema.text),
          x.reusable_leases,
          std::move(x.plugin.value),
          std::move(x.plugin_key),
          to_string(x.status),
          std::move(x.worker),
          x.serves};
}

lease_info to_public(lease_row x) {
  lease_info out;
  out.id = std::move(x.id.value);
  out.company = std::move(x.company.value);
  out.environment = std::move(x.environment.value);
  out.workspace = std::move(x.workspace.value);
  out.issue = std::move(x.issue.value);
  out.run = std::move(x.run.value);
  out.status = to_string(x.status);
  out.policy = to_string(x.policy);
  out.provider = std::move(x.provider);
  out.resource = std::move(x.resource.value);
  out.fence = x.fence;
  out.owner = std::move(x.owner.value);
  out.parked = x.parked;
  out.cleanup = to_string(x.cleanup);
  out.cleanup_attempts = x.cleanup_attempts;
  out.failure_reason = std::move(x.failure_reason);
  out.metadata = std::move(x.metadata.text);
  out.acquired_at_ms = x.acquired_at.ms;
  out.updated_at_ms = x.updated_at.ms;
  out.next_cleanup_at_ms = ms_of(x.next_cleanup_at);
  out.expires_at_ms = ms_of(x.expires_at);
  out.released_at_ms = ms_of(x.released_at);
  return out;
}

history_line to_public(lease_event x) {
  return {x.at.ms, std::move(x.from), std::move(x.to), x.fence,
          std::move(x.note)};
}

secret_info to_public(secret_row x) {
  secret_info out;
  out.id = std::move(x.id.value);
  out.company = std::move(x.company.value);
  out.name = std::move(x.name);
  out.description = std::move(x.description);
  out.provider = std::move(x.provider);
  out.status = to_string(x.status);
  out.latest_version = x.latest_version;
  out.made_for = std::move(x.made_for.value);
  out.created_at_ms = x.created_at.ms;
  out.updated_at_ms = x.updated_at.ms;
  return out;
}

bound_place to_public(secret_binding_row x) {
  return {to_string(x.target), std::move(x.target_id), std::move(x.path),
          x.version};
}

release_status to_internal(outcome x) noexcept {
  switch (x) {
    case outcome::expired:
      return release_status::expired;
    case outcome::failed:
      return release_status::failed;
    default:
      return release_status::released;
  }
}

} // namespace leasehold
