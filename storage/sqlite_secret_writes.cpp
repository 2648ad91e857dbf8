// The writes that concern secrets.

#include "storage/sqlite_secret_writes.hpp"

#include "storage/secret_records.hpp"

#include <optional>
#include <string_view>

namespace leasehold {

namespace {

constexpr const char* put_sql = R"(
INSERT INTO secrets (id, company_id, name, provider, status, latest_version,
  description, made_for, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?8)
ON CONFLICT DO NOTHING)";

constexpr const char* put_version_sql = R"(
INSERT INTO secret_versions (secret_id, version, status, sealed, created_at)
VALUES (?1, ?2, 'active', ?3, ?4))";

constexpr const char* bind_sql = R"(
INSERT INTO secret_bindings (company_id, secret_id, target_type, target_id,
  config_path, version_selector, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (company_id, target_type, target_id, config_path) DO UPDATE
SET secret_id = excluded.secret_id,
  version_selector = excluded.version_selector,
  created_at = excluded.created_at)";

/// A binding of the same secret keeps the version that it selects.
constexpr const char* attach_sql = R"(
INSERT INTO secret_bindings (company_id, secret_id, target_type, target_id,
  config_path, version_selector, created_at)
SELECT company_id, id, 'environment', ?1, ?2, 0, ?3
FROM secrets WHERE id = ?4
ON CONFLICT (company_id, target_type, target_id, config_path) DO NOTHING)";

constexpr const char* record_sql = R"(
INSERT INTO secret_access_events (at, company_id, secret_id, version,
  target_type, target_id, config_path, by_instance, outcome)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9))";

} // namespace

sqlite_secret_writes::sqlite_secret_writes(sqlite::connection& db)
  : put_{db, put_sql}, put_version_{db, put_version_sql},
    find_{db, "SELECT company_id, name, latest_version FROM secrets "
              "WHERE id = ?1"},
    find_version_{db, "SELECT status FROM secret_versions "
                      "WHERE secret_id = ?1 AND version = ?2"},
    raise_latest_{db, "UPDATE secrets SET latest_version = ?2, updated_at = ?3 "
                      "WHERE id = ?1"},
    set_status_{db, "UPDATE secrets SET status = ?2, updated_at = ?3 "
                    "WHERE id = ?1"},
    set_version_status_{
      db, "UPDATE secret_versions SET status = ?3, sealed = CASE ?3 "
          "WHEN 'destroyed' THEN '' ELSE sealed END "
          "WHERE secret_id = ?1 AND version = ?2"},
    bind_{db, bind_sql},
    unbind_{db, "DELETE FROM secret_bindings WHERE company_id = ?1 "
                "AND target_type = ?2 AND target_id = ?3 "
                "AND config_path = ?4"},
    unbind_others_{db, "DELETE FROM secret_bindings "
                       "WHERE target_type = 'environment' AND target_id = ?1 "
                       "AND config_path = ?2 AND secret_id IS NOT ?3"},
    attach_{db, attach_sql},
    places_{db, "SELECT target_type, target_id, config_path "
                "FROM secret_bindings WHERE secret_id = ?1 "
                "ORDER BY target_type, target_id, config_path"},
    remove_{db, "DELETE FROM secrets WHERE id = ?1"}, record_{db, record_sql},
    forget_bindings_{db, "DELETE FROM secret_bindings "
                         "WHERE target_type = ?1 AND target_id = ?2"},
    forget_secrets_{db, "DELETE FROM secrets WHERE made_for = ?1 "
                        "AND NOT EXISTS (SELECT 1 FROM secret_bindings "
                        "WHERE secret_id = secrets.id)"},
    disown_{db, "UPDATE secrets SET made_for = NULL WHERE made_for = ?1"} {
  // nop
}

// -- secrets and versions -----------------------------------------------------

result<written> sqlite_secret_writes::write(const put_secret& x) {
  auto& row = x.row;
  if (auto why = refusal(x))
    return *why;
  auto made = put_.run(row.id, row.company, row.name, row.provider, row.status,
                       row.description, row.made_for, now_);
  if (made == 0)
    return name_is_taken(row);
  put_version_.run(row.id, 1, x.sealed, now_);
  return written{now_};
}

result<written> sqlite_secret_writes::write(const add_secret_version& x) {
  if (auto why = refusal(x, find(x.secret)))
    return *why;
  put_version_.run(x.secret, x.version, x.sealed, now_);
  raise_latest_.run(x.secret, x.version, now_);
  return written{now_};
}

result<written> sqlite_secret_writes::write(const set_secret_status& x) {
  if (set_status_.run(x.secret, x.status, now_) == 0)
    return unknown_secret(x.secret);
  return written{now_};
}

result<written>
sqlite_secret_writes::write(const set_secret_version_status& x) {
  if (auto why = refusal(x, find(x.secret, x.version)))
    return *why;
  set_version_status_.run(x.secret, x.version, x.status);
  return written{now_};
}

result<written> sqlite_secret_writes::write(const remove_secret& x) {
  auto places = take_places(places_.ask(x.secret));
  if (auto why = refusal(x, find(x.secret), places))
    return *why;
  remove_.run(x.secret);
  return written{now_};
}

std::optional<found_secret> sqlite_secret_writes::find(const secret_id& id) {
  return take_found_secret(find_.ask(id));
}

std::optional<secret_version_status>
sqlite_secret_writes::find(const secret_id& id, uint32_t version) {
  return take_version_status(find_version_.ask(id, version));
}

// -- bindings -----------------------------------------------------------------

result<written> sqlite_secret_writes::write(const bind_secret& x) {
  auto& row = x.row;
  if (auto why = refusal(x, find(row.secret)))
    return *why;
  if (row.version > 0 && !find(row.secret, row.version))
    return unknown_secret(row.secret, row.version);
  bind_.run(row.company, row.secret, row.target, row.target_id, row.path,
            row.version, now_);
  return written{now_};
}

result<written> sqlite_secret_writes::write(const unbind_secret& x) {
  if (unbind_.run(x.company, x.target, x.target_id, x.path) == 0)
    return not_bound(x);
  return written{now_};
}

// -- environments and plugins -------------------------------------------------

result<written> sqlite_secret_writes::attach(const environment_id& environment,
                                             const secret_use& use) {
  unbind_others_.run(environment, use.path, use.secret);
  if (use.secret.empty())
    return written{now_};
  if (!find(use.secret))
    return failure{ec::unknown_secret, "Secret not found",
                   "There is no secret \"" + use.secret.value
                     + "\", which the config names at " + use.path + "."};
  attach_.run(environment, use.path, now_, use.secret);
  return written{now_};
}

result<written> sqlite_secret_writes::attach(const put_environment& x) {
  for (const auto& secret : x.secrets)
    if (auto made = write(secret); !made)
      return made;
  for (const auto& use : x.uses)
    if (auto bound = attach(x.row.id, use); !bound)
      return bound;
  return written{now_};
}

void sqlite_secret_writes::forget(secret_target target, const std::string& id) {
  forget_bindings_.run(target, id);
  if (target != secret_target::environment)
    return;
  forget_secrets_.run(id);
  disown_.run(id);
}

// -- accesses -----------------------------------------------------------------

result<written> sqlite_secret_writes::write(const record_secret_access& x) {
  for (const auto& row : x.rows)
    record_.run(now_, row.company, row.secret, row.version, row.target,
                row.target_id, row.path, row.by, row.outcome);
  return written{now_};
}

} // namespace leasehold
