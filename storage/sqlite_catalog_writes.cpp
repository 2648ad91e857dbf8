// The writes that concern environments, plugins and engines.

#include "storage/sqlite_catalog_writes.hpp"

#include "storage/records.hpp"
#include "storage/sqlite_conditions.hpp"
#include "storage/store_texts.hpp"

#include <optional>
#include <string_view>

namespace leasehold {

namespace {

constexpr const char* put_environment_sql = R"(
INSERT INTO environments (id, name, description, driver, status, config,
  created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, description = excluded.description,
  driver = excluded.driver, status = excluded.status,
  config = excluded.config, updated_at = excluded.updated_at)";

// The `true` keeps the parser from taking ON for a join.
constexpr const char* put_plugin_sql = R"(
INSERT INTO plugins (id, plugin_key, version, status, manifest_json, command,
  env, last_error, package_name, package_path, pending, installed_at,
  updated_at, config, install_order)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, ''), nullif(?9, ''),
  nullif(?10, ''), nullif(?11, ''), ?12, ?12, ifnull(nullif(?13, ''), '{}'),
  ifnull(max(install_order), 0) + 1
FROM plugins WHERE true
ON CONFLICT (plugin_key) DO UPDATE
SET version = excluded.version, status = excluded.status,
  manifest_json = excluded.manifest_json, command = excluded.command,
  env = excluded.env, last_error = excluded.last_error,
  package_name = excluded.package_name, package_path = excluded.package_path,
  pending = excluded.pending,
  config = CASE ?13 WHEN '' THEN config ELSE ?13 END,
  updated_at = max(excluded.updated_at, updated_at + 1))";

// Later with every change, so that whoever saw it can say what they saw.
constexpr const char* change_plugin_sql = R"(
UPDATE plugins
SET version = ?3, status = ?4, manifest_json = ?5, command = ?6, env = ?7,
  last_error = nullif(?8, ''), package_name = nullif(?9, ''),
  package_path = nullif(?10, ''), pending = nullif(?11, ''),
  config = ifnull(nullif(?13, ''), config),
  updated_at = max(?12, updated_at + 1)
WHERE id = ?1 AND updated_at = ?2)";

constexpr const char* register_instance_sql = R"(
INSERT INTO engine_instances (id, host, pid, started_at)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE
SET host = excluded.host, pid = excluded.pid,
  started_at = excluded.started_at)";

constexpr const char* open_breaker_sql = R"(
INSERT INTO breakers (subject, failures, pauses, retry_at, code, words)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (subject) DO UPDATE
SET failures = excluded.failures, pauses = excluded.pauses,
  retry_at = excluded.retry_at, code = excluded.code, words = excluded.words)";

/// The first column of the only row, if there is one.
template <class T, class... Ts>
std::optional<T> lookup(sqlite::statement& question, const Ts&... xs) {
  auto found = question.ask(xs...);
  if (!found.next())
    return std::nullopt;
  T x{};
  found.read(x);
  return x;
}

bool is_duplicate(const sqlite::error& e) {
  return e.extended_code() == SQLITE_CONSTRAINT_UNIQUE
         || e.extended_code() == SQLITE_CONSTRAINT_PRIMARYKEY;
}

} // namespace

sqlite_catalog_writes::sqlite_catalog_writes(sqlite::connection& db)
  : put_environment_{db, put_environment_sql},
    name_environment_{db, "SELECT name FROM environments WHERE id = ?1"},
    count_environment_leases_{
      db, "SELECT count(*) FROM leases WHERE environment_id = ?1 AND " + held},
    remove_environment_{db, "DELETE FROM environments WHERE id = ?1"},
    put_plugin_{db, put_plugin_sql}, change_plugin_{db, change_plugin_sql},
    name_plugin_{db, "SELECT plugin_key FROM plugins WHERE id = ?1"},
    count_plugin_leases_{
      db, "SELECT count(*) FROM leases WHERE plugin_id = ?1 AND " + held},
    remove_plugin_{db, "DELETE FROM plugins WHERE id = ?1"},
    register_instance_{db, register_instance_sql},
    open_breaker_{db, open_breaker_sql},
    close_breaker_{db, "DELETE FROM breakers WHERE subject = ?1"} {
  // nop
}

// -- environments -------------------------------------------------------------

result<written> sqlite_catalog_writes::write(const put_environment& x) {
  auto& row = x.row;
  try {
    put_environment_.run(row.id, row.name, row.description, row.driver,
                         row.status, row.config, now_);
  } catch (const sqlite::error& e) {
    if (!is_duplicate(e))
      throw;
    return failure{ec::already_exists,
                   "An environment named \"" + row.name
                     + "\" already exists for this instance."};
  }
  // What has changed may be what it failed of.
  return write(close_breaker{subject_of(row.id)});
}

result<written> sqlite_catalog_writes::write(const remove_environment& x) {
  auto name = lookup<std::string>(name_environment_, x.id);
  if (!name)
    return failure{ec::unknown_environment,
                   "Environment \"" + x.id.value + "\" not found."};
  auto leases = lookup<int64_t>(count_environment_leases_, x.id).value_or(0);
  if (leases > 0)
    return still_held("Environment \"" + *name + "\"", leases);
  remove_environment_.run(x.id);
  return write(close_breaker{subject_of(x.id)});
}

// -- plugins ------------------------------------------------------------------

result<written> sqlite_catalog_writes::write(const put_plugin& x) {
  auto& row = x.row;
  try {
    put_plugin_.run(row.id, row.key, row.version, row.status, row.manifest,
                    to_json(row.command), to_json(row.env), row.last_error,
                    row.package_name, row.package_path, to_json(row.pending),
                    now_, row.config);
  } catch (const sqlite::error& e) {
    if (!is_duplicate(e))
      throw;
    return failure{ec::already_exists, "A plugin with the id \"" + row.id.value
                                         + "\" already exists under another "
                                           "key."};
  }
  return written{now_};
}

result<written> sqlite_catalog_writes::write(const change_plugin& x) {
  auto& row = x.row;
  if (change_plugin_.run(row.id, x.seen, row.version, row.status, row.manifest,
                         to_json(row.command), to_json(row.env), row.last_error,
                         row.package_name, row.package_path,
                         to_json(row.pending), now_, row.config)
      > 0)
    return write(close_breaker{subject_of(row.id)});
  auto key = lookup<std::string>(name_plugin_, row.id);
  return key ? plugin_changed_since(*key) : unknown_plugin(row.key);
}

result<written> sqlite_catalog_writes::write(const remove_plugin& x) {
  auto key = lookup<std::string>(name_plugin_, x.id);
  if (!key)
    return unknown_plugin(x.id.value);
  auto leases = lookup<int64_t>(count_plugin_leases_, x.id).value_or(0);
  if (leases > 0)
    return still_held("Plugin \"" + *key + "\"", leases);
  remove_plugin_.run(x.id);
  return write(close_breaker{subject_of(x.id)});
}

// -- engines ------------------------------------------------------------------

result<written> sqlite_catalog_writes::write(const register_instance& x) {
  register_instance_.run(x.row.id, x.row.host, x.row.pid, now_);
  return written{now_};
}

// -- breakers -----------------------------------------------------------------

result<written> sqlite_catalog_writes::write(const open_breaker& x) {
  auto& row = x.row;
  open_breaker_.run(row.subject.text, row.failures, row.pauses,
                    now_ + x.retry_in, row.code, row.words);
  return written{now_};
}

result<written> sqlite_catalog_writes::write(const close_breaker& x) {
  close_breaker_.run(x.subject.text);
  return written{now_};
}

} // namespace leasehold
