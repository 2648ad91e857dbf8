#pragma once

// How records lie in the tables of a PostgreSQL store: columns in the order in
// which they are read, and the conditions of partial indexes.

#include "messages/environment.hpp"
#include "messages/lease.hpp"
#include "storage/postgres.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::pg {

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

/// Somebody lives there: index `leases_live`.
inline const std::string live = "status IN ('acquiring', 'active')";

/// Nobody lives there, and it must be cleaned up: index `leases_owed`.
inline const std::string cleanup_owed
  = "cleanup_status = 'failed' AND NOT parked "
    "AND status NOT IN ('acquiring', 'active')";

/// There may still be a resource: what these leases need must not go away.
inline const std::string held
  = "(" + live
    + " OR parked OR cleanup_status = 'failed'"
      " OR (status = 'retained' AND cleanup_status IS NULL))";

/// Nothing is left to do about it, nor anything to find.
inline const std::string finished
  = "status NOT IN ('acquiring', 'active') AND NOT parked"
    " AND (cleanup_status = 'success'"
    " OR (cleanup_status IS NULL AND status <> 'retained'))";

/// Takes the row that `found` stands on, read as `lease_columns`.
lease_row read_lease(const postgres::rows& found);

/// The same, read as `environment_columns`.
environment_row read_environment(const postgres::rows& found);

/// The same, read as `plugin_columns`. Throws `postgres::error`.
plugin_row read_plugin(const postgres::rows& found);

/// A JSON array of texts, as in `plugins.command`.
std::string to_json(const std::vector<std::string>& x);

/// A JSON object of texts, as in `plugins.env`.
std::string to_json(const std::map<std::string, std::string>& x);

/// A JSON object, as in `plugins.pending`; empty for none.
std::string to_json(const std::optional<plugin_offer>& x);

} // namespace leasehold::pg
