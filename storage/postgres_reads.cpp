// The questions that a PostgreSQL store answers.

#include "storage/postgres_reads.hpp"

#include "storage/postgres_conditions.hpp"
#include "storage/postgres_text.hpp"
#include "storage/records.hpp"
#include "storage/store_texts.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

using postgres::parameters;

const std::string from_leases
  = "SELECT " + std::string{lease_columns} + " FROM leases ";

const std::string from_environments
  = "SELECT " + std::string{environment_columns} + " FROM environments ";

const std::string from_plugins
  = "SELECT " + std::string{plugin_columns} + " FROM plugins ";

lease_rows leases(postgres::rows found, timestamp now) {
  lease_rows all{now, {}};
  all.rows.reserve(found.size());
  while (found.next())
    all.rows.push_back(read_lease(found));
  return all;
}

environment_rows environments(postgres::rows found) {
  environment_rows all;
  while (found.next())
    all.rows.push_back(read_environment(found));
  return all;
}

plugin_rows plugins(postgres::rows found) {
  plugin_rows all;
  while (found.next())
    all.rows.push_back(read_plugin(found));
  return all;
}

bool only_live(const std::vector<lease_status>& xs) {
  return !xs.empty() && std::none_of(xs.begin(), xs.end(), has_ended);
}

/// The conditions of a list, among them the one of the index that knows them
/// best; their parameters go to `with`.
std::string conditions(const list_leases& x, parameters& with) {
  std::string where = "WHERE true";
  auto equals = [&](const char* column, const std::string& what) {
    with.add(mended(what));
    where += std::string{" AND "} + column + " = $"
             + std::to_string(with.values().size()) + "::text";
  };
  if (!x.environment.empty())
    equals("environment_id", x.environment.value);
  if (!x.run.empty())
    equals("run_id", x.run.value);
  if (x.parked)
    where += " AND parked";
  else if (only_live(x.status))
    where += " AND " + pg::live;
  if (!x.status.empty()) {
    where += " AND status IN (";
    for (size_t i = 0; i < x.status.size(); ++i)
      where += (i == 0 ? "'" : ", '") + to_string(x.status[i]) + "'";
    where += ")";
  }
  return where;
}

} // namespace

postgres_reads::postgres_reads(postgres::connection& db, clock now,
                               coroner find_dead)
  : db_{db}, now_{std::move(now)}, find_dead_{std::move(find_dead)} {
  // nop
}

// -- leases -------------------------------------------------------------------

result<store_answer> postgres_reads::read(const get_lease& x) {
  auto& key = x.id_or_prefix;
  if (!is_storable(key))
    return unknown_lease(mended(key));
  auto now = now_();
  auto exact = leases(
    db_.run(from_leases + "WHERE id = $1::text", parameters{key}), now);
  if (!exact.rows.empty())
    return store_answer{std::move(exact)};
  if (key.size() < lease_prefix_min)
    return unknown_lease(key);
  // No id continues with this character: it is the last one that there is.
  auto end = key + "\U0010FFFF";
  auto sql = from_leases
             + "WHERE id > $1::text AND id < $2::text ORDER BY id "
               "LIMIT $3::bigint";
  auto found = leases(db_.run(sql, parameters{key, end, candidates_max}), now);
  if (found.rows.empty())
    return unknown_lease(key);
  if (found.rows.size() > 1)
    return ambiguous(key, found.rows);
  return store_answer{std::move(found)};
}

result<store_answer> postgres_reads::read(const list_leases& x) {
  auto now = now_();
  parameters with;
  auto sql = from_leases + conditions(x, with) + " ORDER BY seq DESC LIMIT "
             + std::to_string(x.limit);
  return store_answer{leases(db_.run(sql, with), now)};
}

result<store_answer> postgres_reads::read(const list_scheduled_cleanups& x) {
  auto now = now_();
  auto sql = from_leases + "WHERE " + pg::cleanup_owed
             + " AND next_cleanup_at IS NOT NULL ORDER BY next_cleanup_at "
               "LIMIT $1::bigint";
  return store_answer{leases(db_.run(sql, parameters{x.limit}), now)};
}

result<store_answer> postgres_reads::read(const list_owed_cleanups& x) {
  auto now = now_();
  auto sql = from_leases + "WHERE " + pg::cleanup_owed
             + " ORDER BY next_cleanup_at NULLS LAST, seq LIMIT $1::bigint";
  return store_answer{leases(db_.run(sql, parameters{x.limit}), now)};
}

std::vector<instance_id>
postgres_reads::other_owners(const instance_id& asker) {
  auto found
    = db_.run("SELECT DISTINCT owner_instance FROM leases WHERE " + pg::live
                + " AND owner_instance IS NOT NULL"
                  " AND owner_instance IS DISTINCT FROM $1::text",
              parameters{asker});
  std::vector<instance_id> all(found.size());
  for (auto& owner : all) {
    found.next();
    found.read(owner);
  }
  return all;
}

result<store_answer> postgres_reads::read(const list_orphans& x) {
  auto now = now_();
  postgres::array dead;
  for (const auto& owner : find_dead_(other_owners(x.asker)))
    dead.add(owner);
  auto sql = from_leases + "WHERE " + pg::live
             + " AND (owner_instance IS NULL"
               " OR owner_instance = ANY ($1::text[])"
               " OR (owner_instance = $2::text AND status = 'acquiring'"
               " AND deadline_at <= $3::bigint))"
               " AND ($5::boolean OR status = 'acquiring'"
               " OR deadline_at IS NULL OR deadline_at <= $6::bigint)"
               " AND ($7::text IS NULL OR run_id = $7::text)"
               " ORDER BY seq LIMIT $4::bigint";
  parameters with{
    dead.text(), x.asker,       timestamp{now.ms - x.overdue.count()},
    x.limit,     x.waiting_too, now,
    x.run};
  return store_answer{leases(db_.run(sql, with), now)};
}

result<store_answer> postgres_reads::read(const list_parked_until& x) {
  auto now = now_();
  auto sql = from_leases
             + "WHERE parked AND deadline_at IS NOT NULL "
               "ORDER BY deadline_at LIMIT $1::bigint";
  return store_answer{leases(db_.run(sql, parameters{x.limit}), now)};
}

result<store_answer> postgres_reads::read(const list_claims& x) {
  auto now = now_();
  auto sql = from_leases + "WHERE " + pg::held
             + " AND ($1::text IS NULL OR environment_id = $1::text)"
               " ORDER BY seq LIMIT $2::bigint";
  return store_answer{
    leases(db_.run(sql, parameters{x.environment, x.limit}), now)};
}

result<store_answer> postgres_reads::read(const list_owned& x) {
  auto now = now_();
  auto sql = from_leases + "WHERE " + pg::live
             + " AND owner_instance = $1::text ORDER BY seq";
  return store_answer{leases(db_.run(sql, parameters{x.owner}), now)};
}

result<store_answer> postgres_reads::read(const list_instances& x) {
  auto now = now_();
  auto sql = "SELECT id, host, pid, started_at, coalesce(n, 0) "
             "FROM engine_instances LEFT JOIN (SELECT owner_instance, "
             "count(*) AS n FROM leases WHERE "
             + pg::live
             + " GROUP BY owner_instance) o ON owner_instance = id "
               "ORDER BY started_at DESC, id LIMIT $1::bigint";
  auto found = db_.run(sql, parameters{x.limit});
  instance_rows all{now, {}};
  std::vector<instance_id> others;
  while (found.next()) {
    auto& row = all.rows.emplace_back();
    found.read(row.id, row.host, row.pid, row.started_at, row.leases);
    if (row.id != x.asker)
      others.push_back(row.id);
  }
  for (const auto& dead : find_dead_(others))
    for (auto& row : all.rows)
      if (row.id == dead)
        row.alive = false;
  return store_answer{std::move(all)};
}

result<store_answer> postgres_reads::read(const list_events& x) {
  auto found
    = db_.run("SELECT leases.id, at, from_status, to_status, "
              "lease_events.fence, by_instance, note "
              "FROM lease_events JOIN leases ON leases.seq = lease_seq "
              "WHERE leases.id = $1::text ORDER BY lease_events.id",
              parameters{mended(x.lease.value)});
  lease_events all;
  while (found.next()) {
    auto& line = all.rows.emplace_back();
    found.read(line.lease, line.at, line.from, line.to, line.fence, line.by,
               line.note);
  }
  return store_answer{std::move(all)};
}

// -- environments and plugins -------------------------------------------------

result<store_answer> postgres_reads::read(const get_environment& x) {
  auto key = mended(x.id_or_name);
  auto sql = from_environments
             + "WHERE id = $1::text OR name = $1::text "
               "ORDER BY id = $1::text DESC LIMIT 1";
  auto found = environments(db_.run(sql, parameters{key}));
  if (found.rows.empty())
    return failure{ec::unknown_environment,
                   "Environment \"" + key + "\" not found."};
  return store_answer{std::move(found)};
}

result<store_answer> postgres_reads::read(const list_environments&) {
  auto sql = from_environments + "ORDER BY name";
  return store_answer{environments(db_.run(sql, parameters{}))};
}

result<store_answer> postgres_reads::read(const get_plugin& x) {
  auto key = mended(x.id_or_key);
  auto sql = from_plugins
             + "WHERE id = $1::text OR plugin_key = $1::text "
               "ORDER BY id = $1::text DESC LIMIT 1";
  auto found = plugins(db_.run(sql, parameters{key}));
  if (found.rows.empty())
    return unknown_plugin(key);
  return store_answer{std::move(found)};
}

result<store_answer> postgres_reads::read(const list_plugins&) {
  auto sql = from_plugins + "ORDER BY install_order";
  return store_answer{plugins(db_.run(sql, parameters{}))};
}

result<store_answer> postgres_reads::read(const list_breakers&) {
  breaker_rows all{now_(), {}};
  auto found = db_.run("SELECT subject, failures, pauses, retry_at, code, "
                       "words FROM breakers ORDER BY subject",
                       parameters{});
  while (found.next()) {
    auto& row = all.rows.emplace_back();
    found.read(row.subject.text, row.failures, row.pauses, row.retry_at,
               row.code, row.words);
  }
  return store_answer{std::move(all)};
}

} // namespace leasehold
