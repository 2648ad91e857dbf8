#include "storage/postgres_secret_writes.hpp"

#include "storage/postgres_text.hpp"

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

failure unknown(const secret_id& secret) {
  return {ec::unknown_secret, "Secret \"" + secret.value + "\" not found."};
}

failure unknown(const secret_id& secret, uint32_t version) {
  return {ec::unknown_secret, "Secret \"" + secret.value + "\" has no version "
                                + std::to_string(version) + "."};
}

/// What guards look at.
struct found_secret {
  company_id company;
  std::string name;
  uint32_t latest = 0;
};

std::optional<found_secret> find(postgres::connection& db,
                                 const secret_id& id) {
  auto found = db.run(find_sql, parameters{id});
  if (!found.next())
    return std::nullopt;
  found_secret x;
  found.read(x.company, x.name, x.latest);
  return x;
}

std::optional<secret_version_status>
find_version(postgres::connection& db, const secret_id& id, uint32_t version) {
  auto found = db.run(find_version_sql, parameters{id, version});
  if (!found.next())
    return std::nullopt;
  auto status = secret_version_status::active;
  found.read(status);
  return status;
}

} // namespace

postgres_secret_writes::postgres_secret_writes(postgres::connection& db)
  : db_{db} {
  // nop
}

// -- secrets and versions -----------------------------------------------------

result<written> postgres_secret_writes::write(const put_secret& x,
                                              timestamp now) {
  auto& row = x.row;
  if (row.id.empty() || row.company.empty() || row.name.empty())
    return failure{ec::invalid_request,
                   "A secret needs an id, a company and a name."};
  auto made = db_.run(
    put_sql, parameters{row.id, row.company, row.name, row.provider, row.status,
                        mended(row.description), row.made_for, now});
  if (made.changed() == 0)
    return failure{ec::already_exists, "Company \"" + row.company.value
                                         + "\" has a secret named \"" + row.name
                                         + "\" already."};
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
  auto known = find(db_, x.secret);
  if (!known)
    return unknown(x.secret);
  if (known->latest + 1 != x.version)
    return failure{ec::conflict,
                   "Secret \"" + known->name + "\" cannot get version "
                     + std::to_string(x.version) + ": its latest is "
                     + std::to_string(known->latest) + "."};
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
    return unknown(x.secret);
  return written{now};
}

result<written>
postgres_secret_writes::write(const set_secret_version_status& x,
                              timestamp now) {
  auto status = find_version(db_, x.secret, x.version);
  if (!status)
    return unknown(x.secret, x.version);
  if (*status == secret_version_status::destroyed)
    return failure{ec::conflict, "Version " + std::to_string(x.version)
                                   + " of secret \"" + x.secret.value
                                   + "\" is destroyed for good."};
  db_.run("UPDATE secret_versions SET status = $3::text, "
          "sealed = CASE $3::text WHEN 'destroyed' THEN '' ELSE sealed END "
          "WHERE secret_id = $1::text AND version = $2::bigint",
          parameters{x.secret, x.version, x.status});
  return written{now};
}

result<written> postgres_secret_writes::write(const remove_secret& x,
                                              timestamp now) {
  auto known = find(db_, x.secret);
  if (!known)
    return unknown(x.secret);
  auto places = places_of(x.secret);
  if (!places.empty() && !x.forced)
    return failure{ec::in_use, "Secret \"" + known->name + "\" is bound to "
                                 + places
                                 + ". Unbind it there first, or force it."};
  db_.run("DELETE FROM secrets WHERE id = $1::text", parameters{x.secret});
  return written{now};
}

// -- bindings -----------------------------------------------------------------

result<written> postgres_secret_writes::write(const bind_secret& x,
                                              timestamp now) {
  auto& row = x.row;
  auto known = find(db_, row.secret);
  if (!known)
    return unknown(row.secret);
  if (known->company != row.company)
    return failure{ec::secret_unusable, "Secret must belong to same company",
                   "Secret \"" + row.secret.value
                     + "\" is not of the company \"" + row.company.value
                     + "\"."};
  if (row.target_id.empty() || row.path.empty())
    return failure{ec::invalid_request,
                   "A binding needs a target and the path in its config."};
  if (row.version > 0 && !find_version(db_, row.secret, row.version))
    return unknown(row.secret, row.version);
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
    return failure{ec::binding_missing,
                   "No secret is bound to " + to_string(x.target) + ":"
                     + x.target_id + " at " + x.path + "."};
  return written{now};
}

std::string postgres_secret_writes::places_of(const secret_id& secret) {
  std::string all;
  auto found = db_.run("SELECT target_type, target_id, config_path "
                       "FROM secret_bindings WHERE secret_id = $1::text "
                       "ORDER BY target_type, target_id, config_path",
                       parameters{secret});
  while (found.next()) {
    std::string target;
    std::string id;
    std::string path;
    found.read(target, id, path);
    if (!all.empty())
      all += ", ";
    all.append(target).append(":").append(id).append(" at ").append(path);
  }
  return all;
}

// -- environments and plugins -------------------------------------------------

result<written>
postgres_secret_writes::attach(const environment_id& environment,
                               const secret_use& use, timestamp now) {
  db_.run(unbind_others_sql, parameters{environment, use.path, use.secret});
  if (use.secret.empty())
    return written{now};
  if (!find(db_, use.secret))
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
