#include "storage/postgres_secret_writes.hpp"

#include "storage/postgres_text.hpp"
#include "storage/secret_records.hpp"

#include <optional>
#include <string>

namespace leasehold {

namespace {

using postgres::parameters;

const std::string put_sql = R"(
INSERT INTO secrets (id, company_id, name, provider, status, latest_version,
  description, made_for, created_at, updated_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, 1, $6::text,
  $7::text, $8::bigint, $8::bigint)
ON CONFLICT DO NOTHING)";

const std::string put_version_sql = R"(
INSERT INTO secret_versions (secret_id, version, status, sealed, created_at)
VALUES ($1::text, $2::bigint, 'active', $3::text, $4::bigint))";

const std::string bind_sql = R"(
INSERT INTO secret_bindings (company_id, secret_id, target_type, target_id,
  config_path, version_selector, created_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint,
  $7::bigint)
ON CONFLICT (company_id, target_type, target_id, config_path) DO UPDATE
SET secret_id = excluded.secret_id,
  version_selector = excluded.version_selector,
  created_at = excluded.created_at)";

/// A binding of the same secret keeps the version that it selects.
const std::string attach_sql = R"(
INSERT INTO secret_bindings (company_id, secret_id, target_type, target_id,
  config_path, version_selector, created_at)
SELECT company_id, id, 'environment', $1::text, $2::text, 0, $3::bigint
FROM secrets WHERE id = $4::text
ON CONFLICT (company_id, target_type, target_id, config_path) DO NOTHING)";

const std::string unbind_others_sql = R"(
DELETE FROM secret_bindings
WHERE target_type = 'environment' AND target_id = $1::text
  AND config_path = $2::text AND secret_id IS DISTINCT FROM $3::text)";

const std::string record_sql = R"(
INSERT INTO secret_access_events (at, company_id, secret_id, version,
  target_type, target_id, config_path, by_instance, outcome)
VALUES ($1::bigint, $2::text, $3::text, $4::bigint, $5::text, $6::text,
  $7::text, $8::text, $9::text))";

/// Nobody changes the secret until we are done.
const std::string find_sql
  = "SELECT company_id, name, latest_version FROM secrets "
    "WHERE id = $1::text FOR UPDATE";

const std::string find_version_sql
  = "SELECT status FROM secret_versions "
    "WHERE secret_id = $1::text AND version = $2::bigint";

} // namespace

postgres_secret_writes::postgres_secret_writes(postgres::connection& db)
  : db_{db} {
  // nop
}

// -- secrets and versions -----------------------------------------------------

result<written> postgres_secret_writes::write(const put_secret& x,
                                              timestamp now) {
  auto& row = x.row;
  if (auto why = refusal(x))
    return *why;
  auto made = db_.run(
    put_sql, parameters{row.id, row.company, row.name, row.provider, row.status,
                        mended(row.description), row.made_for, now});
  if (made.changed() == 0)
    return name_is_taken(row);
  put_version(row.id, 1, x.sealed, now);
  return written{now};
}

void postgres_secret_writes::put_version(const secret_id& secret,
                                         uint32_t version,
                                         const std::string& sealed,
                                         timestamp now) {
  db_.run(put_version_sql, parameters{secret, version, sealed, now});
}

result<written> postgres_secret_writes::write(const add_secret_version& x,
                                              timestamp now) {
  if (auto why = refusal(x, find(x.secret)))
    return *why;
  put_version(x.secret, x.version, x.sealed, now);
  db_.run("UPDATE secrets SET latest_version = $2::bigint, "
          "updated_at = $3::bigint WHERE id = $1::text",
          parameters{x.secret, x.version, now});
  return written{now};
}

result<written> postgres_secret_writes::write(const set_secret_status& x,
                                              timestamp now) {
  auto done = db_.run("UPDATE secrets SET status = $2::text, "
                      "updated_at = $3::bigint WHERE id = $1::text",
                      parameters{x.secret, x.status, now});
  if (done.changed() == 0)
    return unknown_secret(x.secret);
  return written{now};
}

result<written>
postgres_secret_writes::write(const set_secret_version_status& x,
                              timestamp now) {
  if (auto why = refusal(x, find(x.secret, x.version)))
    return *why;
  db_.run("UPDATE secret_versions SET status = $3::text, "
          "sealed = CASE $3::text WHEN 'destroyed' THEN '' ELSE sealed END "
          "WHERE secret_id = $1::text AND version = $2::bigint",
          parameters{x.secret, x.version, x.status});
  return written{now};
}

result<written> postgres_secret_writes::write(const remove_secret& x,
                                              timestamp now) {
  // First of all: nobody changes the secret until we are done.
  auto known = find(x.secret);
  auto places
    = take_places(db_.run("SELECT target_type, target_id, config_path "
                          "FROM secret_bindings WHERE secret_id = $1::text "
                          "ORDER BY target_type, target_id, config_path",
                          parameters{x.secret}));
  if (auto why = refusal(x, known, places))
    return *why;
  db_.run("DELETE FROM secrets WHERE id = $1::text", parameters{x.secret});
  return written{now};
}

std::optional<found_secret> postgres_secret_writes::find(const secret_id& id) {
  return take_found_secret(db_.run(find_sql, parameters{id}));
}

std::optional<secret_version_status>
postgres_secret_writes::find(const secret_id& id, uint32_t version) {
  return take_version_status(
    db_.run(find_version_sql, parameters{id, version}));
}

// -- bindings -----------------------------------------------------------------

result<written> postgres_secret_writes::write(const bind_secret& x,
                                              timestamp now) {
  auto& row = x.row;
  if (auto why = refusal(x, find(row.secret)))
    return *why;
  if (row.version > 0 && !find(row.secret, row.version))
    return unknown_secret(row.secret, row.version);
  db_.run(bind_sql, parameters{row.company, row.secret, row.target,
                               row.target_id, row.path, row.version, now});
  return written{now};
}

result<written> postgres_secret_writes::write(const unbind_secret& x,
                                              timestamp now) {
  auto done = db_.run("DELETE FROM secret_bindings "
                      "WHERE company_id = $1::text AND target_type = $2::text "
                      "AND target_id = $3::text AND config_path = $4::text",
                      parameters{x.company, x.target, x.target_id, x.path});
  if (done.changed() == 0)
    return not_bound(x);
  return written{now};
}

// -- environments and plugins -------------------------------------------------

result<written>
postgres_secret_writes::attach(const environment_id& environment,
                               const secret_use& use, timestamp now) {
  db_.run(unbind_others_sql, parameters{environment, use.path, use.secret});
  if (use.secret.empty())
    return written{now};
  if (!find(use.secret))
    return failure{ec::unknown_secret, "Secret not found",
                   "There is no secret \"" + use.secret.value
                     + "\", which the config names at " + use.path + "."};
  db_.run(attach_sql, parameters{environment, use.path, now, use.secret});
  return written{now};
}

result<written> postgres_secret_writes::attach(const put_environment& x,
                                               timestamp now) {
  for (const auto& secret : x.secrets)
    if (auto made = write(secret, now); !made)
      return made;
  for (const auto& use : x.uses)
    if (auto bound = attach(x.row.id, use, now); !bound)
      return bound;
  return written{now};
}

void postgres_secret_writes::forget(secret_target target,
                                    const std::string& id) {
  db_.run("DELETE FROM secret_bindings "
          "WHERE target_type = $1::text AND target_id = $2::text",
          parameters{target, id});
  if (target != secret_target::environment)
    return;
  db_.run("DELETE FROM secrets WHERE made_for = $1::text "
          "AND NOT EXISTS (SELECT 1 FROM secret_bindings "
          "WHERE secret_id = secrets.id)",
          parameters{id});
  db_.run("UPDATE secrets SET made_for = NULL WHERE made_for = $1::text",
          parameters{id});
}

// -- accesses -----------------------------------------------------------------

result<written> postgres_secret_writes::write(const record_secret_access& x,
                                              timestamp now) {
  for (const auto& row : x.rows)
    db_.run(record_sql,
            parameters{now, row.company, row.secret, row.version, row.target,
                       row.target_id, row.path, row.by, row.outcome});
  return written{now};
}

} // namespace leasehold
