// The questions that a SQLite store answers.

#include "storage/sqlite_reads.hpp"

#include "messages/mutation.hpp"
#include "storage/records.hpp"
#include "storage/sqlite_conditions.hpp"
#include "storage/store_texts.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

const std::string from_leases
  = "SELECT " + std::string{lease_columns} + " FROM leases ";

const std::string from_environments
  = "SELECT " + std::string{environment_columns} + " FROM environments ";

const std::string from_plugins
  = "SELECT " + std::string{plugin_columns} + " FROM plugins ";

lease_rows leases(sqlite::rows found, timestamp now) {
  lease_rows all{now, {}};
  while (found.next())
    all.rows.push_back(read_lease(found));
  return all;
}

environment_rows environments(sqlite::rows found) {
  environment_rows all;
  while (found.next())
    all.rows.push_back(read_environment(found));
  return all;
}

plugin_rows plugins(sqlite::rows found) {
  plugin_rows all;
  while (found.next())
    all.rows.push_back(read_plugin(found));
  return all;
}

bool only_live(const std::vector<lease_status>& xs) {
  return !xs.empty() && std::none_of(xs.begin(), xs.end(), has_ended);
}

/// The conditions of a list, with the index that knows them best. Without
/// statistics SQLite cannot tell that few leases are live and many have ended.
std::string conditions(const list_leases& x) {
  std::string index;
  std::string where = "WHERE true";
  if (!x.environment.empty())
    where += " AND environment_id = ?1";
  if (!x.run.empty())
    where += " AND run_id = ?2";
  if (x.parked) {
    index = "INDEXED BY leases_parked ";
    where += " AND parked = 1";
  } else if (only_live(x.status) && x.run.empty()) {
    index = "INDEXED BY leases_live ";
    where += " AND " + live;
  } else if (x.status == std::vector{lease_status::retained} && x.run.empty()) {
    index = "INDEXED BY leases_retained ";
    where += " AND status = 'retained'";
  }
  if (!x.status.empty()) {
    where += " AND status IN (";
    for (size_t i = 0; i < x.status.size(); ++i)
      where += (i == 0 ? "'" : ", '") + to_string(x.status[i]) + "'";
    where += ")";
  }
  return index + where;
}

} // namespace

sqlite_reads::sqlite_reads(sqlite::connection& db, death_certificate is_dead)
  : db_{db}, is_dead_{std::move(is_dead)} {
  // nop
}

sqlite::statement& sqlite_reads::prepared(const std::string& sql) {
  auto pos = statements_.find(sql);
  if (pos == statements_.end())
    pos = statements_.emplace(sql, sqlite::statement{db_, sql}).first;
  return pos->second;
}

// -- leases -------------------------------------------------------------------

result<store_answer> sqlite_reads::read(const get_lease& x, timestamp now) {
  auto& key = x.id_or_prefix;
  auto exact = leases(prepared(from_leases + "WHERE id = ?1").ask(key), now);
  if (!exact.rows.empty())
    return store_answer{std::move(exact)};
  if (key.size() < lease_prefix_min)
    return unknown_lease(key);
  // No id continues with this character: it is the last one that there is.
  auto end = key + "\U0010FFFF";
  auto sql = from_leases + "WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
  auto found = leases(prepared(sql).ask(key, end, candidates_max), now);
  if (found.rows.empty())
    return unknown_lease(key);
  if (found.rows.size() > 1)
    return ambiguous(key, found.rows);
  return store_answer{std::move(found)};
}

result<store_answer> sqlite_reads::read(const list_leases& x, timestamp now) {
  auto sql = from_leases + conditions(x) + " ORDER BY seq DESC LIMIT ?3";
  return store_answer{
    leases(prepared(sql).ask(x.environment, x.run, x.limit), now)};
}

result<store_answer> sqlite_reads::read(const list_scheduled_cleanups& x,
                                        timestamp now) {
  auto sql
    = from_leases + "WHERE " + cleanup_owed
      + " AND next_cleanup_at IS NOT NULL ORDER BY next_cleanup_at LIMIT ?1";
  return store_answer{leases(prepared(sql).ask(x.limit), now)};
}

result<store_answer> sqlite_reads::read(const list_owed_cleanups& x,
                                        timestamp now) {
  auto sql = from_leases + "WHERE " + cleanup_owed
             + " ORDER BY next_cleanup_at NULLS LAST, seq LIMIT ?1";
  return store_answer{leases(prepared(sql).ask(x.limit), now)};
}

result<store_answer> sqlite_reads::read(const list_orphans& x, timestamp now) {
  auto sql = from_leases + "INDEXED BY leases_live WHERE " + live
             + " AND (owner_instance IS NOT ?1"
               " OR (status = 'acquiring' AND deadline_at <= ?2))"
               " AND (?4 OR status = 'acquiring' OR deadline_at IS NULL"
               " OR deadline_at <= ?3)"
               " AND (?5 IS NULL OR run_id = ?5) ORDER BY seq";
  lease_rows orphans{now, {}};
  std::unordered_map<instance_id, bool> dead;
  auto found = prepared(sql).ask(x.asker, timestamp{now.ms - x.overdue.count()},
                                 now, x.waiting_too, x.run);
  while (orphans.rows.size() < x.limit && found.next()) {
    auto row = read_lease(found);
    auto [owner, is_new] = dead.try_emplace(row.owner);
    if (is_new)
      owner->second = row.owner == x.asker || is_dead_(row.owner)
                      || mutated(mutation::living_engine_is_dead);
    if (owner->second)
      orphans.rows.push_back(std::move(row));
  }
  return store_answer{std::move(orphans)};
}

result<store_answer> sqlite_reads::read(const list_parked_until& x,
                                        timestamp now) {
  auto sql = from_leases
             + "WHERE parked = 1 AND deadline_at IS NOT NULL "
               "ORDER BY deadline_at LIMIT ?1";
  return store_answer{leases(prepared(sql).ask(x.limit), now)};
}

result<store_answer> sqlite_reads::read(const list_claims& x, timestamp now) {
  auto sql = from_leases + "WHERE " + held
             + " AND (?1 IS NULL OR environment_id = ?1)"
               " ORDER BY seq LIMIT ?2";
  return store_answer{leases(prepared(sql).ask(x.environment, x.limit), now)};
}

result<store_answer> sqlite_reads::read(const list_owned& x, timestamp now) {
  auto sql = from_leases + "INDEXED BY leases_live WHERE " + live
             + " AND owner_instance = ?1 ORDER BY seq";
  return store_answer{leases(prepared(sql).ask(x.owner), now)};
}

result<store_answer> sqlite_reads::read(const list_instances& x,
                                        timestamp now) {
  auto sql = "SELECT id, host, pid, started_at, ifnull(n, 0) "
             "FROM engine_instances LEFT JOIN (SELECT owner_instance, "
             "count(*) AS n FROM leases WHERE "
             + live
             + " GROUP BY owner_instance) ON owner_instance = id "
               "ORDER BY started_at DESC, id LIMIT ?1";
  auto found = prepared(sql).ask(x.limit);
  instance_rows all{now, {}};
  while (found.next()) {
    auto& row = all.rows.emplace_back();
    found.read(row.id, row.host, row.pid, row.started_at, row.leases);
    row.alive = row.id == x.asker || !is_dead_(row.id);
  }
  return store_answer{std::move(all)};
}

result<store_answer> sqlite_reads::read(const list_events& x, timestamp) {
  auto& question = prepared(
    "SELECT leases.id, at, from_status, to_status, lease_events.fence, "
    "by_instance, note "
    "FROM lease_events JOIN leases ON leases.seq = lease_seq "
    "WHERE leases.id = ?1 ORDER BY lease_events.id");
  auto found = question.ask(x.lease);
  lease_events all;
  while (found.next()) {
    auto& line = all.rows.emplace_back();
    found.read(line.lease, line.at, line.from, line.to, line.fence, line.by,
               line.note);
  }
  return store_answer{std::move(all)};
}

// -- environments and plugins -------------------------------------------------

result<store_answer> sqlite_reads::read(const get_environment& x, timestamp) {
  auto sql = from_environments
             + "WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1";
  auto found = environments(prepared(sql).ask(x.id_or_name));
  if (found.rows.empty())
    return failure{ec::unknown_environment,
                   "Environment \"" + x.id_or_name + "\" not found."};
  return store_answer{std::move(found)};
}

result<store_answer> sqlite_reads::read(const list_environments&, timestamp) {
  auto sql = from_environments + "ORDER BY name";
  return store_answer{environments(prepared(sql).ask())};
}

result<store_answer> sqlite_reads::read(const get_plugin& x, timestamp) {
  auto sql = from_plugins
             + "WHERE id = ?1 OR plugin_key = ?1 ORDER BY id = ?1 DESC LIMIT 1";
  auto found = plugins(prepared(sql).ask(x.id_or_key));
  if (found.rows.empty())
    return unknown_plugin(x.id_or_key);
  return store_answer{std::move(found)};
}

result<store_answer> sqlite_reads::read(const list_plugins&, timestamp) {
  auto sql = from_plugins + "ORDER BY install_order";
  return store_answer{plugins(prepared(sql).ask())};
}

result<store_answer> sqlite_reads::read(const list_breakers&, timestamp now) {
  auto found = prepared("SELECT subject, failures, pauses, retry_at, code, "
                        "words FROM breakers ORDER BY subject")
                 .ask();
  breaker_rows all{now, {}};
  while (found.next()) {
    auto& row = all.rows.emplace_back();
    found.read(row.subject.text, row.failures, row.pauses, row.retry_at,
               row.code, row.words);
  }
  return store_answer{std::move(all)};
}

} // namespace leasehold
