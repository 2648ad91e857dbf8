// The questions about secrets that a SQLite store answers.

#include "storage/sqlite_secret_reads.hpp"

#include "storage/secret_records.hpp"

#include <utility>

namespace leasehold {

namespace {

constexpr const char* get_sql = R"(
SELECT id, company_id, name, provider, status, latest_version, description,
  made_for, created_at, updated_at
FROM secrets WHERE company_id = ?1 AND (id = ?2 OR name = ?2)
ORDER BY id = ?2 DESC LIMIT 1)";

constexpr const char* list_sql = R"(
SELECT id, company_id, name, provider, status, latest_version, description,
  made_for, created_at, updated_at
FROM secrets WHERE ?1 IS NULL OR company_id = ?1
ORDER BY company_id, name)";

constexpr const char* bindings_sql = R"(
SELECT company_id, secret_id, target_type, target_id, config_path,
  version_selector, created_at
FROM secret_bindings
WHERE (?1 IS NULL OR company_id = ?1) AND (?2 IS NULL OR secret_id = ?2)
  AND (?3 = '' OR target_id = ?3)
ORDER BY target_type, target_id, config_path, company_id)";

/// The secret, its binding to one place, and the version that counts there.
constexpr const char* facts_sql = R"(
SELECT s.id, s.company_id, s.name, s.provider, s.status, s.latest_version,
  s.description, s.made_for, s.created_at, s.updated_at,
  b.company_id, b.secret_id, b.target_type, b.target_id, b.config_path,
  b.version_selector, b.created_at,
  v.secret_id, v.version, v.status, v.sealed, v.created_at
FROM secrets AS s
LEFT JOIN secret_bindings AS b ON b.company_id = ?2 AND b.target_type = ?3
  AND b.target_id = ?4 AND b.config_path = ?5 AND b.secret_id = s.id
LEFT JOIN secret_versions AS v ON v.secret_id = s.id AND v.version =
  CASE WHEN ?6 > 0 THEN ?6 WHEN b.version_selector > 0
    THEN b.version_selector ELSE s.latest_version END
WHERE s.id = ?1)";

constexpr const char* sample_sql = R"(
SELECT v.secret_id, v.version, v.status, v.sealed, v.created_at, s.company_id
FROM secret_versions AS v JOIN secrets AS s ON s.id = v.secret_id
WHERE v.sealed <> '' LIMIT 1)";

constexpr const char* accesses_sql = R"(
SELECT at, company_id, secret_id, version, target_type, target_id, config_path,
  by_instance, outcome
FROM secret_access_events WHERE secret_id = ?1 ORDER BY id DESC LIMIT ?2)";

} // namespace

sqlite_secret_reads::sqlite_secret_reads(sqlite::connection& db)
  : get_{db, get_sql}, list_{db, list_sql}, bindings_{db, bindings_sql},
    facts_{db, facts_sql}, sample_{db, sample_sql}, accesses_{db,
                                                              accesses_sql} {
  // nop
}

result<store_answer> sqlite_secret_reads::read(const get_secret& x) {
  auto found = take_secrets(get_.ask(x.company, x.id_or_name));
  if (found.rows.empty())
    return unknown_secret(x);
  return store_answer{std::move(found)};
}

result<store_answer> sqlite_secret_reads::read(const list_secrets& x) {
  return store_answer{take_secrets(list_.ask(x.company))};
}

result<store_answer> sqlite_secret_reads::read(const list_secret_bindings& x) {
  return store_answer{
    take_bindings(bindings_.ask(x.company, x.secret, x.target_id))};
}

secret_facts sqlite_secret_reads::facts_about(const secret_request& x) {
  return take_facts(facts_.ask(x.secret, x.company, target_of(x),
                               target_id_of(x), x.path, x.version));
}

result<store_answer> sqlite_secret_reads::read(const find_secrets& x) {
  secret_fact_rows all;
  for (const auto& request : x.requests)
    all.rows.push_back(facts_about(request));
  return store_answer{std::move(all)};
}

result<store_answer> sqlite_secret_reads::read(const get_sealed_sample&) {
  return store_answer{take_sample(sample_.ask())};
}

result<store_answer> sqlite_secret_reads::read(const list_secret_accesses& x) {
  return store_answer{take_accesses(accesses_.ask(x.secret, x.limit))};
}

} // namespace leasehold
