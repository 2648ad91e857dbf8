#pragma once

// Records as every store keeps them: columns in the order in which they are
// read, and what is JSON within a column. `Rows` is what a database answers,
// with `read` and `corrupt`.

#include "messages/environment.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leasehold {

inline constexpr const char* lease_columns
  = "id, company_id, environment_id, workspace_id, issue_id, run_id, status, "
    "lease_policy, provider, provider_lease_id, exclusive, fence, "
    "owner_instance, parked, fingerprint, cleanup_status, cleanup_attempts, "
    "next_cleanup_at, failure_reason, metadata, acquired_at, last_used_at, "
    "updated_at, expires_at, deadline_at, released_at, reattach_grace";

inline constexpr const char* environment_columns
  = "id, name, description, driver, status, config, created_at, updated_at";

inline constexpr const char* plugin_columns
  = "id, plugin_key, version, status, install_order, manifest_json, command, "
    "env, last_error, installed_at, updated_at, package_name, package_path, "
    "pending, config";

/// A JSON array of texts, as in `plugins.command`.
std::string to_json(const std::vector<std::string>& x);

/// A JSON object of texts, as in `plugins.env`.
std::string to_json(const std::map<std::string, std::string>& x);

/// A JSON object, as in `plugins.pending`; empty for none.
std::string to_json(const std::optional<plugin_offer>& x);

// What `to_json` wrote; else why it is not that.
result<> from_json(const std::string& text, std::vector<std::string>& x);
result<> from_json(const std::string& text,
                   std::map<std::string, std::string>& x);
result<> from_json(const std::string& text, std::optional<plugin_offer>& x);

/// Takes the row that `found` stands on, read as `lease_columns`.
template <class Rows>
lease_row read_lease(const Rows& found) {
  lease_row x;
  int64_t grace = 0;
  found.read(x.id, x.company, x.environment, x.workspace, x.issue, x.run,
             x.status, x.policy, x.provider, x.resource, x.exclusive, x.fence,
             x.owner, x.parked, x.fingerprint, x.cleanup, x.cleanup_attempts,
             x.next_cleanup_at, x.failure_reason, x.metadata, x.acquired_at,
             x.last_used_at, x.updated_at, x.expires_at, x.deadline_at,
             x.released_at, grace);
  x.reattach_grace = milliseconds{grace};
  return x;
}

/// The same, read as `environment_columns`.
template <class Rows>
environment_row read_environment(const Rows& found) {
  environment_row x;
  found.read(x.id, x.name, x.description, x.driver, x.status, x.config,
             x.created_at, x.updated_at);
  return x;
}

/// The same, read as `plugin_columns`. Throws the database's error where a
/// column is not the JSON that it should be.
template <class Rows>
plugin_row read_plugin(const Rows& found) {
  plugin_row x;
  std::string command;
  std::string env;
  std::string pending;
  found.read(x.id, x.key, x.version, x.status, x.install_order, x.manifest,
             command, env, x.last_error, x.installed_at, x.updated_at,
             x.package_name, x.package_path, pending, x.config);
  auto take = [](const char* column, const std::string& text, auto& part) {
    if (auto ok = from_json(text, part); !ok)
      Rows::corrupt(std::string{"Column "} + column
                    + " is not the JSON it should be: " + ok.error().message);
  };
  take("plugins.command", command, x.command);
  take("plugins.env", env, x.env);
  take("plugins.pending", pending, x.pending);
  return x;
}

} // namespace leasehold
