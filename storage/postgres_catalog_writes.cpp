// The writes that concern environments, plugins and engines.

#include "storage/postgres_catalog_writes.hpp"

#include "storage/postgres_conditions.hpp"
#include "storage/postgres_text.hpp"
#include "storage/records.hpp"
#include "storage/store_texts.hpp"

#include <string>

namespace leasehold {

namespace {

using postgres::parameters;

const std::string put_environment_sql = R"(
INSERT INTO environments (id, name, description, driver, status, config,
  created_at, updated_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text,
  $7::bigint, $7::bigint)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, description = excluded.description,
  driver = excluded.driver, status = excluded.status,
  config = excluded.config, updated_at = excluded.updated_at)";

const std::string put_plugin_sql = R"(
INSERT INTO plugins (id, plugin_key, version, status, manifest_json, command,
  env, last_error, package_name, package_path, pending, installed_at,
  updated_at, config, install_order)
SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text,
  nullif($8::text, ''), nullif($9::text, ''), nullif($10::text, ''),
  nullif($11::text, ''), $12::bigint, $12::bigint,
  coalesce(nullif($13::text, ''), '{}'),
  coalesce(max(install_order), 0) + 1
FROM plugins
ON CONFLICT (plugin_key) DO UPDATE
SET version = excluded.version, status = excluded.status,
  manifest_json = excluded.manifest_json, command = excluded.command,
  env = excluded.env, last_error = excluded.last_error,
  package_name = excluded.package_name, package_path = excluded.package_path,
  pending = excluded.pending,
  config = CASE $13::text WHEN '' THEN plugins.config ELSE $13::text END,
  updated_at = greatest(excluded.updated_at, plugins.updated_at + 1))";

// Later with every change, so that whoever saw it can say what they saw.
const std::string change_plugin_sql = R"(
UPDATE plugins
SET version = $3::text, status = $4::text, manifest_json = $5::text,
  command = $6::text, env = $7::text, last_error = nullif($8::text, ''),
  package_name = nullif($9::text, ''), package_path = nullif($10::text, ''),
  pending = nullif($11::text, ''),
  config = coalesce(nullif($13::text, ''), config),
  updated_at = greatest($12::bigint, updated_at + 1)
WHERE id = $1::text AND updated_at = $2::bigint
RETURNING id)";

const std::string register_instance_sql = R"(
INSERT INTO engine_instances (id, host, pid, started_at)
VALUES ($1::text, $2::text, $3::bigint, $4::bigint)
ON CONFLICT (id) DO UPDATE
SET host = excluded.host, pid = excluded.pid,
  started_at = excluded.started_at)";

const std::string open_breaker_sql = R"(
INSERT INTO breakers (subject, failures, pauses, retry_at, code, words)
VALUES ($1::text, $2::bigint, $3::bigint, $4::bigint, $5::text, $6::text)
ON CONFLICT (subject) DO UPDATE
SET failures = excluded.failures, pauses = excluded.pauses,
  retry_at = excluded.retry_at, code = excluded.code, words = excluded.words)";

/// Nobody can take a lease of the environment any more until we are done: the
/// foreign key of such a lease waits for this lock.
const std::string lock_environment_sql
  = "SELECT name FROM environments WHERE id = $1::text FOR UPDATE";

const std::string count_leases_sql
  = "SELECT count(*) FROM leases WHERE environment_id = $1::text AND "
    + pg::held;

const std::string count_plugin_leases_sql
  = "SELECT count(*) FROM leases WHERE plugin_id = $1::text AND " + pg::held;

} // namespace

postgres_catalog_writes::postgres_catalog_writes(postgres::connection& db)
  : db_{db} {
  // nop
}

// -- environments -------------------------------------------------------------

result<written> postgres_catalog_writes::write(const put_environment& x,
                                               timestamp now) {
  auto& row = x.row;
  db_.run(put_environment_sql,
          parameters{row.id, row.name, mended(row.description), row.driver,
                     row.status, row.config, now});
  // What has changed may be what it failed of.
  return write(close_breaker{subject_of(row.id)}, now);
}

failure postgres_catalog_writes::refused(const postgres::error& why,
                                         const put_environment& x) {
  return {ec::already_exists,
          "An environment named \"" + x.row.name
            + "\" already exists for this instance.",
          why.what()};
}

result<written> postgres_catalog_writes::write(const remove_environment& x,
                                               timestamp now) {
  auto found = db_.run(lock_environment_sql, parameters{x.id});
  if (!found.next())
    return failure{ec::unknown_environment,
                   "Environment \"" + x.id.value + "\" not found."};
  std::string name;
  found.read(name);
  int64_t leases = 0;
  auto count = db_.run(count_leases_sql, parameters{x.id});
  count.next();
  count.read(leases);
  if (leases > 0)
    return still_held("Environment \"" + name + "\"", leases);
  db_.run("DELETE FROM environments WHERE id = $1::text", parameters{x.id});
  return write(close_breaker{subject_of(x.id)}, now);
}

// -- plugins ------------------------------------------------------------------

result<written> postgres_catalog_writes::write(const put_plugin& x,
                                               timestamp now) {
  auto& row = x.row;
  // Two engines must not give out the same place in the install order.
  db_.run("LOCK TABLE plugins IN SHARE ROW EXCLUSIVE MODE");
  db_.run(put_plugin_sql,
          parameters{row.id, row.key, row.version, row.status, row.manifest,
                     to_json(row.command), to_json(row.env),
                     mended(row.last_error), row.package_name, row.package_path,
                     to_json(row.pending), now, row.config});
  return written{now};
}

result<written> postgres_catalog_writes::write(const change_plugin& x,
                                               timestamp now) {
  auto& row = x.row;
  auto changed = db_.run(change_plugin_sql,
                         parameters{row.id, x.seen, row.version, row.status,
                                    row.manifest, to_json(row.command),
                                    to_json(row.env), mended(row.last_error),
                                    row.package_name, row.package_path,
                                    to_json(row.pending), now, row.config});
  if (changed.next())
    return write(close_breaker{subject_of(row.id)}, now);
  auto found = db_.run("SELECT plugin_key FROM plugins WHERE id = $1::text",
                       parameters{row.id});
  if (!found.next())
    return unknown_plugin(row.key);
  std::string key;
  found.read(key);
  return plugin_changed_since(key);
}

failure postgres_catalog_writes::refused(const postgres::error& why,
                                         const put_plugin& x) {
  return {ec::already_exists,
          "A plugin with the id \"" + x.row.id.value
            + "\" already exists under another key.",
          why.what()};
}

result<written> postgres_catalog_writes::write(const remove_plugin& x,
                                               timestamp now) {
  auto found
    = db_.run("SELECT plugin_key FROM plugins WHERE id = $1::text FOR UPDATE",
              parameters{x.id});
  if (!found.next())
    return unknown_plugin(x.id.value);
  std::string key;
  found.read(key);
  int64_t leases = 0;
  auto held = db_.run(count_plugin_leases_sql, parameters{x.id});
  held.next();
  held.read(leases);
  if (leases > 0)
    return still_held("Plugin \"" + key + "\"", leases);
  db_.run("DELETE FROM plugins WHERE id = $1::text", parameters{x.id});
  return write(close_breaker{subject_of(x.id)}, now);
}

// -- engines ------------------------------------------------------------------

result<written> postgres_catalog_writes::write(const register_instance& x,
                                               timestamp now) {
  db_.run(register_instance_sql,
          parameters{x.row.id, x.row.host, x.row.pid, now});
  return written{now};
}

// -- breakers -----------------------------------------------------------------

result<written> postgres_catalog_writes::write(const open_breaker& x,
                                               timestamp now) {
  auto& row = x.row;
  db_.run(open_breaker_sql,
          parameters{row.subject.text, row.failures, row.pauses,
                     now + x.retry_in, row.code, mended(row.words)});
  return written{now};
}

result<written> postgres_catalog_writes::write(const close_breaker& x,
                                               timestamp now) {
  db_.run("DELETE FROM breakers WHERE subject = $1::text",
          parameters{x.subject.text});
  return written{now};
}

} // namespace leasehold
