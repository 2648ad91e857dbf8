// The schema, as the steps that lead to it. Our tables live in a PostgreSQL
// schema of their own, `leasehold`, so that they do not meet anybody else's.

#include "storage/postgres_schema.hpp"

#include <array>
#include <string>

namespace leasehold {

namespace {

// As storage/schema.cpp, in PostgreSQL's words. JSON stays the text that we
// wrote: `jsonb` would reorder it. Names compare by their bytes, as in SQLite.
//
// History has no foreign key: each line is copied from the lease's row by the
// statement that changes it, and goes with it.
constexpr const char* first_schema = R"(
CREATE TABLE environments (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  description text NOT NULL,
  driver text NOT NULL,
  status text NOT NULL,
  config text NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);

CREATE TABLE plugins (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  plugin_key text COLLATE "C" NOT NULL UNIQUE,
  version text NOT NULL,
  status text NOT NULL,
  install_order bigint NOT NULL UNIQUE,
  manifest_json text NOT NULL,
  command text NOT NULL,
  env text NOT NULL,
  last_error text,
  installed_at bigint NOT NULL,
  updated_at bigint NOT NULL
);

CREATE SEQUENCE leases_seq;

CREATE TABLE leases (
  seq bigint PRIMARY KEY DEFAULT nextval('leases_seq'),
  id text COLLATE "C" NOT NULL UNIQUE,
  company_id text COLLATE "C",
  environment_id text COLLATE "C"
    REFERENCES environments (id) ON DELETE SET NULL,
  workspace_id text COLLATE "C",
  issue_id text COLLATE "C",
  run_id text COLLATE "C",
  status text COLLATE "C" NOT NULL,
  lease_policy text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  provider_lease_id text COLLATE "C",
  exclusive boolean NOT NULL,
  fence bigint NOT NULL,
  owner_instance text COLLATE "C",
  parked boolean NOT NULL DEFAULT false,
  fingerprint text NOT NULL,
  cleanup_status text COLLATE "C",
  cleanup_attempts integer NOT NULL DEFAULT 0,
  next_cleanup_at bigint,
  failure_reason text,
  metadata text NOT NULL,
  acquired_at bigint NOT NULL,
  last_used_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  expires_at bigint,
  deadline_at bigint,
  released_at bigint
);

CREATE INDEX leases_by_environment ON leases (environment_id);
CREATE INDEX leases_by_run ON leases (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX leases_live ON leases (environment_id)
  WHERE status IN ('acquiring', 'active');
CREATE INDEX leases_parked ON leases (environment_id) WHERE parked;
CREATE INDEX leases_retained ON leases (environment_id)
  WHERE status = 'retained';
CREATE INDEX leases_owed ON leases (next_cleanup_at)
  WHERE cleanup_status = 'failed';

-- A resource that may have one holder only has one holder only.
CREATE UNIQUE INDEX leases_one_holder ON leases (provider_lease_id, provider)
  WHERE exclusive AND provider_lease_id IS NOT NULL
    AND (status IN ('acquiring', 'active') OR parked);

CREATE TABLE lease_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lease_seq bigint NOT NULL,
  at bigint NOT NULL,
  from_status text,
  to_status text NOT NULL,
  fence bigint NOT NULL,
  by_instance text,
  note text NOT NULL
);

CREATE INDEX lease_events_by_lease ON lease_events (lease_seq);

CREATE TABLE engine_instances (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  host text NOT NULL,
  pid bigint NOT NULL,
  started_at bigint NOT NULL
);

-- The engines that have not left; see postgres_life.hpp.
CREATE TABLE engine_lives (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  process text NOT NULL
);

-- The last batch of each writer: what says whether a commit happened.
CREATE TABLE batches (
  writer uuid PRIMARY KEY,
  last bigint NOT NULL
);

CREATE TABLE fences (
  id integer PRIMARY KEY CHECK (id = 1),
  last bigint NOT NULL
);

INSERT INTO fences VALUES (1, 0);
)";

constexpr const char* secrets_schema = R"(
CREATE TABLE secrets (
  id text NOT NULL PRIMARY KEY,
  company_id text NOT NULL,
  name text NOT NULL,
  provider text NOT NULL,
  status text NOT NULL,
  latest_version bigint NOT NULL,
  description text NOT NULL,
  made_for text,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  UNIQUE (company_id, name)
);

CREATE INDEX secrets_made_for ON secrets (made_for)
  WHERE made_for IS NOT NULL;

CREATE TABLE secret_versions (
  secret_id text NOT NULL REFERENCES secrets (id) ON DELETE CASCADE,
  version bigint NOT NULL,
  status text NOT NULL,
  sealed text NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (secret_id, version)
);

CREATE TABLE secret_bindings (
  company_id text NOT NULL,
  secret_id text NOT NULL REFERENCES secrets (id) ON DELETE CASCADE,
  target_type text NOT NULL,
  target_id text NOT NULL,
  config_path text NOT NULL,
  version_selector bigint NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (company_id, target_type, target_id, config_path)
);

CREATE INDEX secret_bindings_by_secret ON secret_bindings (secret_id);
CREATE INDEX secret_bindings_by_target
  ON secret_bindings (target_type, target_id);

CREATE TABLE secret_access_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  company_id text,
  secret_id text NOT NULL,
  version bigint NOT NULL,
  target_type text NOT NULL,
  target_id text,
  config_path text NOT NULL,
  by_instance text,
  outcome text NOT NULL
);

CREATE INDEX secret_access_events_by_secret
  ON secret_access_events (secret_id);
)";

// See storage/schema.cpp. What looks as if it named a plugin is parsed.
constexpr const char* registry_schema = R"(
ALTER TABLE plugins ADD COLUMN package_name text;
ALTER TABLE plugins ADD COLUMN package_path text;
ALTER TABLE plugins ADD COLUMN pending text;

ALTER TABLE leases ADD COLUMN plugin_id text COLLATE "C" NOT NULL DEFAULT '';
UPDATE leases SET plugin_id = coalesce(metadata::json ->> 'pluginId', '')
  WHERE metadata LIKE '%"pluginId"%';
UPDATE leases SET fingerprint = plugin_id || '/' || fingerprint
  WHERE plugin_id <> '' AND fingerprint <> '';

DROP INDEX leases_one_holder;
CREATE UNIQUE INDEX leases_one_holder
  ON leases (provider_lease_id, provider, plugin_id)
  WHERE exclusive AND provider_lease_id IS NOT NULL
    AND (status IN ('acquiring', 'active') OR parked);
)";

constexpr const char* plugin_config_schema = R"(
ALTER TABLE plugins ADD COLUMN config text NOT NULL DEFAULT '{}';
)";

// See storage/schema.cpp.
constexpr const char* breakers_schema = R"(
CREATE TABLE breakers (
  subject text COLLATE "C" PRIMARY KEY,
  failures bigint NOT NULL,
  pauses bigint NOT NULL,
  retry_at bigint NOT NULL,
  code text NOT NULL,
  words text NOT NULL
);
)";

constexpr const char* deadlines_schema = R"(
ALTER TABLE leases ADD COLUMN reattach_grace bigint NOT NULL DEFAULT 0;

CREATE INDEX leases_parked_until ON leases (deadline_at)
  WHERE parked AND deadline_at IS NOT NULL;
)";

// What a batch in one trip answered, for those who did not hear it.
constexpr const char* marks_schema = R"(
ALTER TABLE batches ADD COLUMN at bigint;
ALTER TABLE batches ADD COLUMN done integer[];
ALTER TABLE batches ADD COLUMN fences bigint[];
)";

constexpr auto steps_in_order = std::array{
  first_schema,    secrets_schema,   registry_schema, plugin_config_schema,
  breakers_schema, deadlines_schema, marks_schema};

/// Any number will do, as long as no other program of this database uses it.
constexpr const char* one_at_a_time
  = "BEGIN; SELECT pg_advisory_xact_lock(1280534628, 1)";

bool has_schema(postgres::connection& db) {
  return db.number("SELECT count(*) FROM pg_namespace "
                   "WHERE nspname = 'leasehold'")
         > 0;
}

} // namespace

std::span<const char* const> postgres_schema_steps() {
  return steps_in_order;
}

int64_t schema_version(postgres::connection& db) {
  // Asks the catalog itself: what a session remembers of names may be older
  // than the lock that it has waited for.
  if (db.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'leasehold' "
                "AND tablename = 'schema_version'")
      == 0)
    return 0;
  return db.number("SELECT version FROM leasehold.schema_version");
}

void migrate(postgres::connection& db, std::span<const char* const> steps) {
  auto last = static_cast<int64_t>(steps.size());
  while (schema_version(db) < last) {
    db.run(one_at_a_time);
    // Somebody else may have taken the step while we waited.
    auto version = schema_version(db);
    if (!has_schema(db))
      db.run("CREATE SCHEMA leasehold");
    if (version == 0)
      db.run("CREATE TABLE IF NOT EXISTS leasehold.schema_version "
             "(version bigint NOT NULL)");
    if (version < last) {
      db.run("SET LOCAL search_path = leasehold");
      db.run(steps[static_cast<size_t>(version)]);
      db.run("DELETE FROM schema_version; INSERT INTO schema_version VALUES ("
             + std::to_string(version + 1) + ")");
    }
    db.run("COMMIT");
  }
}

} // namespace leasehold
