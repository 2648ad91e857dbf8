#include "storage/postgres_secret_reads.hpp"

#include "storage/postgres_text.hpp"
#include "storage/secret_records.hpp"

#include <string>
#include <utility>

namespace leasehold {

namespace {

using postgres::parameters;

const std::string from_secrets
  = "SELECT id, company_id, name, provider, status, latest_version, "
    "description, made_for, created_at, updated_at FROM secrets ";

/// The secret, its binding to one place, and the version that counts there.
const std::string facts_sql = R"(
SELECT s.id, s.company_id, s.name, s.provider, s.status, s.latest_version,
  s.description, s.made_for, s.created_at, s.updated_at,
  b.company_id, b.secret_id, b.target_type, b.target_id, b.config_path,
  b.version_selector, b.created_at,
  v.secret_id, v.version, v.status, v.sealed, v.created_at
FROM secrets AS s
LEFT JOIN secret_bindings AS b ON b.company_id = $2::text
  AND b.target_type = $3::text AND b.target_id = $4::text
  AND b.config_path = $5::text AND b.secret_id = s.id
LEFT JOIN secret_versions AS v ON v.secret_id = s.id AND v.version =
  CASE WHEN $6::bigint > 0 THEN $6::bigint WHEN b.version_selector > 0
    THEN b.version_selector ELSE s.latest_version END
WHERE s.id = $1::text)";

const std::string bindings_sql = R"(
SELECT company_id, secret_id, target_type, target_id, config_path,
  version_selector, created_at
FROM secret_bindings
WHERE ($1::text IS NULL OR company_id = $1::text)
  AND ($2::text IS NULL OR secret_id = $2::text)
  AND ($3::text = '' OR target_id = $3::text)
ORDER BY target_type, target_id, config_path, company_id)";

const std::string sample_sql = R"(
SELECT v.secret_id, v.version, v.status, v.sealed, v.created_at, s.company_id
FROM secret_versions AS v JOIN secrets AS s ON s.id = v.secret_id
WHERE v.sealed <> '' LIMIT 1)";

const std::string accesses_sql = R"(
SELECT at, company_id, secret_id, version, target_type, target_id, config_path,
  by_instance, outcome
FROM secret_access_events WHERE secret_id = $1::text
ORDER BY id DESC LIMIT $2::bigint)";

} // namespace

postgres_secret_reads::postgres_secret_reads(postgres::connection& db)
  : db_{db} {
  // nop
}

result<store_answer> postgres_secret_reads::read(const get_secret& x) {
  auto wanted = x;
  wanted.id_or_name = mended(x.id_or_name);
  auto sql = from_secrets
             + "WHERE company_id = $1::text AND (id = $2::text "
               "OR name = $2::text) ORDER BY id = $2::text DESC LIMIT 1";
  auto found = take_secrets(
    db_.run(sql, parameters{mended(x.company.value), wanted.id_or_name}));
  if (found.rows.empty())
    return unknown_secret(wanted);
  return store_answer{std::move(found)};
}

result<store_answer> postgres_secret_reads::read(const list_secrets& x) {
  auto sql = from_secrets
             + "WHERE $1::text IS NULL OR company_id = $1::text "
               "ORDER BY company_id, name";
  return store_answer{take_secrets(db_.run(sql, parameters{x.company}))};
}

result<store_answer>
postgres_secret_reads::read(const list_secret_bindings& x) {
  return store_answer{take_bindings(db_.run(
    bindings_sql, parameters{x.company, x.secret, mended(x.target_id)}))};
}

secret_facts postgres_secret_reads::facts_about(const secret_request& x) {
  return take_facts(
    db_.run(facts_sql, parameters{x.secret, x.company, target_of(x),
                                  target_id_of(x), x.path, x.version}));
}

result<store_answer> postgres_secret_reads::read(const find_secrets& x) {
  secret_fact_rows all;
  for (const auto& request : x.requests)
    all.rows.push_back(facts_about(request));
  return store_answer{std::move(all)};
}

result<store_answer> postgres_secret_reads::read(const get_sealed_sample&) {
  return store_answer{take_sample(db_.run(sample_sql))};
}

result<store_answer>
postgres_secret_reads::read(const list_secret_accesses& x) {
  return store_answer{
    take_accesses(db_.run(accesses_sql, parameters{x.secret, x.limit}))};
}

} // namespace leasehold
