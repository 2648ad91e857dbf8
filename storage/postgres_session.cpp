#include "storage/postgres_session.hpp"

#include <algorithm>
#include <string>
#include <thread>

namespace leasehold {

namespace {

constexpr auto pause_max = milliseconds{500};

std::string set(const char* name, milliseconds x) {
  return std::string{"SET "} + name + " = " + std::to_string(x.count()) + ";";
}

// What the commands of a batch meet is always found by an index, and how many
// they are is not known when a statement is planned: a plan that would read a
// whole table is never right, however small the table was at the time.
constexpr const char* plans
  = "SET plan_cache_mode = force_generic_plan;"
    "SET enable_seqscan = off; SET enable_hashjoin = off;"
    "SET enable_mergejoin = off; SET enable_material = off;"
    "SET jit = off;";

// A commit that was confirmed is on disk, whatever the server's default is.
constexpr const char* durable
  = "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off';";

// Newer servers only have it.
constexpr const char* may_idle
  = "SELECT set_config(name, '0', false) FROM pg_settings "
    "WHERE name = 'idle_session_timeout';";

} // namespace

std::unique_ptr<postgres::connection> connect(const postgres_place& to) {
  std::unique_ptr<postgres::connection> db;
  try {
    db = std::make_unique<postgres::connection>(to.url.conninfo);
  } catch (const postgres::error& e) {
    auto state = ask_why_refused(to.url, to.settings.connect_timeout);
    throw postgres::error{state, true, e.what()};
  }
  set_up(*db, to.settings);
  return db;
}

void set_up(postgres::connection& db, const postgres_settings& settings) {
  db.run("SET client_min_messages = error; SET search_path = leasehold;"
         "SET default_transaction_isolation = 'read committed';"
         "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;"
         "SET tcp_keepalives_count = 3;"
         + set("statement_timeout", settings.statement_timeout)
         + set("lock_timeout", settings.lock_timeout)
         + set("idle_in_transaction_session_timeout", settings.idle_timeout)
         + plans + durable + may_idle);
}

void expect_writable(postgres::connection& db) {
  if (db.number("SELECT count(*) WHERE "
                "current_setting('transaction_read_only') = 'on'")
      > 0)
    throw postgres::error{postgres::read_only, false,
                          "transaction_read_only is on"};
}

timestamp now_of(postgres::connection& db, const postgres_settings& settings) {
  if (settings.clock)
    return settings.clock();
  return {db.number("SELECT floor(extract(epoch FROM clock_timestamp()) "
                    "* 1000)::bigint")};
}

retry_budget::retry_budget(milliseconds how_long)
  : end_{std::chrono::steady_clock::now() + how_long} {
  // nop
}

bool retry_budget::wait() {
  // The first time at once: a session may have been lost long ago.
  auto now = std::chrono::steady_clock::now();
  if (now + pause_ >= end_)
    return false;
  std::this_thread::sleep_for(pause_);
  pause_ = std::clamp(pause_ * 2, milliseconds{5}, pause_max);
  return true;
}

} // namespace leasehold
