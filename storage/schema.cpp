// The schema, as the steps that lead to it.

#include "storage/schema.hpp"

#include <array>
#include <string>

namespace leasehold {

namespace {

// Times are milliseconds since the Unix epoch. `seq` is the order in which
// leases were made; history refers to it because it is small.
//
// The indexes are partial where a query asks for the few rows that are of
// interest, so that the many ended leases cost nothing. Their conditions are
// repeated word for word in the queries; see sqlite_conditions.hpp.
constexpr const char* first_schema = R"(
CREATE TABLE environments (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  driver TEXT NOT NULL,
  status TEXT NOT NULL,
  config TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);

CREATE TABLE plugins (
  id TEXT NOT NULL PRIMARY KEY,
  plugin_key TEXT NOT NULL UNIQUE,
  version TEXT NOT NULL,
  status TEXT NOT NULL,
  install_order INTEGER NOT NULL UNIQUE,
  manifest_json TEXT NOT NULL,
  command TEXT NOT NULL,
  env TEXT NOT NULL,
  last_error TEXT,
  installed_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);

CREATE TABLE leases (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  company_id TEXT,
  environment_id TEXT REFERENCES environments (id) ON DELETE SET NULL,
  workspace_id TEXT,
  issue_id TEXT,
  run_id TEXT,
  status TEXT NOT NULL,
  lease_policy TEXT NOT NULL,
  provider TEXT NOT NULL,
  provider_lease_id TEXT,
  exclusive INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  owner_instance TEXT,
  parked INTEGER NOT NULL DEFAULT 0,
  fingerprint TEXT NOT NULL,
  cleanup_status TEXT,
  cleanup_attempts INTEGER NOT NULL DEFAULT 0,
  next_cleanup_at INTEGER,
  failure_reason TEXT,
  metadata TEXT NOT NULL,
  acquired_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER,
  deadline_at INTEGER,
  released_at INTEGER
);

CREATE INDEX leases_by_environment ON leases (environment_id);
CREATE INDEX leases_by_run ON leases (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX leases_live ON leases (environment_id)
  WHERE status IN ('acquiring', 'active');
CREATE INDEX leases_parked ON leases (environment_id) WHERE parked = 1;
CREATE INDEX leases_retained ON leases (environment_id)
  WHERE status = 'retained';
CREATE INDEX leases_owed ON leases (next_cleanup_at)
  WHERE cleanup_status = 'failed';

-- A resource that may have one holder only has one holder only.
CREATE UNIQUE INDEX leases_one_holder ON leases (provider_lease_id, provider)
  WHERE exclusive = 1 AND provider_lease_id IS NOT NULL
    AND (status IN ('acquiring', 'active') OR parked = 1);

CREATE TABLE lease_events (
  id INTEGER PRIMARY KEY,
  lease_seq INTEGER NOT NULL REFERENCES leases (seq),
  at INTEGER NOT NULL,
  from_status TEXT,
  to_status TEXT NOT NULL,
  fence INTEGER NOT NULL,
  by_instance TEXT,
  note TEXT NOT NULL
);

CREATE INDEX lease_events_by_lease ON lease_events (lease_seq);

CREATE TABLE engine_instances (
  id TEXT NOT NULL PRIMARY KEY,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  started_at INTEGER NOT NULL
);

CREATE TABLE fences (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last INTEGER NOT NULL
);

INSERT INTO fences VALUES (1, 0);
)";

// Values are sealed before they come here. What was accessed is on record even
// when the secret is gone, so those rows refer to nothing.
constexpr const char* secrets_schema = R"(
CREATE TABLE secrets (
  id TEXT NOT NULL PRIMARY KEY,
  company_id TEXT NOT NULL,
  name TEXT NOT NULL,
  provider TEXT NOT NULL,
  status TEXT NOT NULL,
  latest_version INTEGER NOT NULL,
  description TEXT NOT NULL,
  made_for TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (company_id, name)
);

CREATE INDEX secrets_made_for ON secrets (made_for)
  WHERE made_for IS NOT NULL;

CREATE TABLE secret_versions (
  secret_id TEXT NOT NULL REFERENCES secrets (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  status TEXT NOT NULL,
  sealed TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (secret_id, version)
);

CREATE TABLE secret_bindings (
  company_id TEXT NOT NULL,
  secret_id TEXT NOT NULL REFERENCES secrets (id) ON DELETE CASCADE,
  target_type TEXT NOT NULL,
  target_id TEXT NOT NULL,
  config_path TEXT NOT NULL,
  version_selector INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (company_id, target_type, target_id, config_path)
);

CREATE INDEX secret_bindings_by_secret ON secret_bindings (secret_id);
CREATE INDEX secret_bindings_by_target
  ON secret_bindings (target_type, target_id);

CREATE TABLE secret_access_events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  company_id TEXT,
  secret_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  target_type TEXT NOT NULL,
  target_id TEXT,
  config_path TEXT NOT NULL,
  by_instance TEXT,
  outcome TEXT NOT NULL
);

CREATE INDEX secret_access_events_by_secret
  ON secret_access_events (secret_id);
)";

// A lease names the plugin that made its resource: two plugins may declare one
// provider, call their resources alike, and must not resume each other's.
constexpr const char* registry_schema = R"(
ALTER TABLE plugins ADD COLUMN package_name TEXT;
ALTER TABLE plugins ADD COLUMN package_path TEXT;
ALTER TABLE plugins ADD COLUMN pending TEXT;

ALTER TABLE leases ADD COLUMN plugin_id TEXT NOT NULL DEFAULT '';
UPDATE leases SET plugin_id = json_extract(metadata, '$.pluginId')
  WHERE json_valid(metadata)
    AND json_type(metadata, '$.pluginId') = 'text';
UPDATE leases SET fingerprint = plugin_id || '/' || fingerprint
  WHERE plugin_id <> '' AND fingerprint <> '';

DROP INDEX leases_one_holder;
CREATE UNIQUE INDEX leases_one_holder
  ON leases (provider_lease_id, provider, plugin_id)
  WHERE exclusive = 1 AND provider_lease_id IS NOT NULL
    AND (status IN ('acquiring', 'active') OR parked = 1);
)";

constexpr const char* plugin_config_schema = R"(
ALTER TABLE plugins ADD COLUMN config TEXT NOT NULL DEFAULT '{}';
)";

// Breakers that are open; one that is closed has no row.
constexpr const char* breakers_schema = R"(
CREATE TABLE breakers (
  subject TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  pauses INTEGER NOT NULL,
  retry_at INTEGER NOT NULL,
  code TEXT NOT NULL,
  words TEXT NOT NULL
);
)";

// What was parked before waits for ever.
constexpr const char* deadlines_schema = R"(
ALTER TABLE leases ADD COLUMN reattach_grace INTEGER NOT NULL DEFAULT 0;

CREATE INDEX leases_parked_until ON leases (deadline_at)
  WHERE parked = 1 AND deadline_at IS NOT NULL;
)";

constexpr auto steps_in_order
  = std::array{first_schema,         secrets_schema,  registry_schema,
               plugin_config_schema, breakers_schema, deadlines_schema};

} // namespace

std::span<const char* const> schema_steps() {
  return steps_in_order;
}

int64_t schema_version(sqlite::connection& db) {
  return db.number("PRAGMA user_version");
}

void migrate(sqlite::connection& db, std::span<const char* const> steps) {
  auto last = static_cast<int64_t>(steps.size());
  while (schema_version(db) < last) {
    db.execute("BEGIN IMMEDIATE");
    // Somebody else may have taken the step while we waited.
    auto version = schema_version(db);
    if (version < last) {
      db.execute(steps[static_cast<size_t>(version)]);
      db.execute("PRAGMA user_version = " + std::to_string(version + 1));
      db.execute("PRAGMA application_id = "
                 + std::to_string(sqlite_application_id));
    }
    db.execute("COMMIT");
  }
}

} // namespace leasehold
