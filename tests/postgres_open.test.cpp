// Opening a PostgreSQL store, and sharing it: what is refused and how that is
// said, migrations, several engines on one database, odd texts.

#include "storage/postgres_schema.hpp"
#include "storage/postgres_store.hpp"
#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_proxy.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/processes.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

using namespace leasehold;
using namespace leasehold::test;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

std::unique_ptr<store> opened(const std::string& url, const std::string& self,
                              postgres_settings settings = {}) {
  auto made = open_postgres_store(url, {self}, std::move(settings));
  INFO(made.error().message << " " << made.error().detail);
  REQUIRE(made.has_value());
  return std::move(made).value();
}

/// Why the store at `url` cannot be opened.
failure refusal(const std::string& url) {
  auto made = open_postgres_store(url, {});
  REQUIRE_FALSE(made.has_value());
  return made.error();
}

bool says(const failure& why, const std::string& text) {
  UNSCOPED_INFO(why.message << " " << why.detail);
  return (why.message + why.detail).find(text) != std::string::npos;
}

result<written> apply(store& db, store_write what) {
  return db.apply(std::vector{std::move(what)}).at(0);
}

/// A lease of `owner` that needs no environment.
insert_lease a_grant(const std::string& id, const std::string& owner) {
  auto row = a_lease(id);
  row.environment = {};
  row.owner = {owner};
  return {.row = row, .note = "granted"};
}

texts ids(store& db, const store_query& question) {
  texts all;
  auto answer = db.read(question);
  INFO(answer.error().message << " " << answer.error().detail);
  REQUIRE(answer.has_value());
  for (const auto& row : std::get<lease_rows>(*answer).rows)
    all.push_back(row.id.value);
  return all;
}

/// The leases that nobody minds, as `asker` sees it.
texts orphans(store& db, const std::string& asker) {
  return ids(db, list_orphans{.asker = {asker}});
}

} // namespace

// -- what is refused ----------------------------------------------------------

TEST_CASE("postgres_store: a URL that makes no sense is not repeated",
          "[postgres_store]") {
  auto url = GENERATE("postgres://me:hunter2%zz@here/db",
                      "postgresql://me:hunter2@here:1/db?hunter2=1",
                      "postgres://me:hunter2@[::1/db");
  auto why = refusal(url);
  CHECK(why.code == ec::store_unusable);
  CHECK(says(why, "not one that PostgreSQL understands"));
  CHECK_FALSE(says(why, "hunter2"));
}

TEST_CASE("postgres_store: a server that is down is unavailable",
          "[postgres_store]") {
  temp_dir nothing;
  auto why
    = refusal("postgres://me:hunter2@/db?host=" + nothing.path().string());
  CHECK(why.code == ec::store_unavailable);
  CHECK(why.message
        == "Store \"postgresql:///db?host=" + nothing.path().string()
             + "\": it cannot be reached. Check that PostgreSQL runs there and "
               "takes connections, and the host and the port in the URL.");
  CHECK_FALSE(says(why, "hunter2"));
}

TEST_CASE("postgres_store: a missing database is named", "[postgres_store]") {
  if (postgres_is_missing())
    return;
  auto why = refusal(postgres_server::shared().url("nowhere"));
  CHECK(why.code == ec::store_unusable);
  CHECK(says(why, "the database does not exist. Create it"));
  CHECK(says(why, "/nowhere?"));
}

TEST_CASE("postgres_store: a wrong password is refused and never told",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  auto& server = postgres_server::shared();
  auto password = GENERATE("", ":wrong-one", ":%6e%6ft-it");
  server.run("DROP ROLE IF EXISTS guarded; CREATE ROLE guarded LOGIN PASSWORD "
             "'the-right-one'");
  server.demand_password("guarded");
  auto why = refusal("postgres://guarded" + std::string{password}
                     + "@/postgres?host=" + server.directory());
  server.demand_password("");
  CHECK(why.code == ec::store_unusable);
  CHECK(says(why, "does not let this user in"));
  for (auto text : {"wrong-one", "not-it", "%6e", "the-right-one"})
    CHECK_FALSE(says(why, text));
}

TEST_CASE("postgres_store: a user who may not create tables is told so",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  postgres_server::shared().run(
    "DROP ROLE IF EXISTS modest; CREATE ROLE modest LOGIN");
  auto why = refusal(place.url("modest"));
  CHECK(why.code == ec::store_unusable);
  CHECK(says(why, "Grant it CREATE on the database"));
}

TEST_CASE("postgres_store: a read-only database is refused",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  postgres_server::shared().run("ALTER DATABASE " + place.name()
                                + " SET default_transaction_read_only = on");
  auto why = refusal(place.url());
  CHECK(why.code == ec::store_unusable);
  CHECK(says(why, "it is read-only: a standby, or set to be. Connect to the "
                  "server that takes writes."));
}

TEST_CASE("postgres_store: a database of another encoding is refused",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place{"ENCODING 'LATIN1' TEMPLATE template0"};
  auto why = refusal(place.url());
  CHECK(why.code == ec::store_unusable);
  CHECK(says(why, "its encoding is not UTF8"));
}

// -- migrations ---------------------------------------------------------------

TEST_CASE("postgres_store: a newer schema is left alone", "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  opened(place.url(), "engine-1");
  place.run("UPDATE schema_version SET version = 1000");
  auto why = refusal(place.url());
  CHECK(why.code == ec::store_unusable);
  CHECK(says(why, "its schema has version 1000, and this leasehold knows "
                  "versions up to "
                    + std::to_string(postgres_schema_steps().size())
                    + ". Use a newer leasehold or another database."));
}

TEST_CASE("postgres_store: every earlier schema becomes today's",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  auto steps = postgres_schema_steps();
  for (size_t version = 0; version <= steps.size(); ++version) {
    CAPTURE(version);
    postgres_database place;
    {
      postgres::connection db{place.url()};
      migrate(db, steps.first(version));
      CHECK(schema_version(db) == static_cast<int64_t>(version));
    }
    auto db = opened(place.url(), "engine-1");
    CHECK(apply(*db, a_grant("lease-1", "engine-1")).has_value());
    CHECK(apply(*db, a_grant("lease-2", "engine-1"))->fence == 2);
  }
}

TEST_CASE("postgres_store: leases of an earlier schema know their plugin",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  {
    postgres::connection db{place.url()};
    migrate(db, postgres_schema_steps().first(2));
    db.run(rows_of_an_old_plugin("leasehold."));
  }
  check_old_plugin(*opened(place.url(), "engine-1"));
}

TEST_CASE("postgres_store: a migration that fails leaves the schema as it was",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  postgres::connection db{place.url()};
  const char* steps[]
    = {"CREATE TABLE a (x int)", "CREATE TABLE b (x int); nonsense"};
  CHECK_THROWS_AS(migrate(db, steps), postgres::error);
  db.roll_back();
  CHECK(schema_version(db) == 1);
  CHECK(place.number("SELECT count(*) FROM pg_tables "
                     "WHERE schemaname = 'leasehold'")
        == 2);
}

TEST_CASE("postgres_store: several engines can create the tables at once",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  std::vector<std::unique_ptr<store>> stores(4);
  std::vector<failure> refusals(stores.size());
  std::vector<std::thread> engines;
  for (size_t i = 0; i < stores.size(); ++i)
    engines.emplace_back([&, i] {
      auto made
        = open_postgres_store(place.url(), {"engine-" + std::to_string(i)});
      refusals[i] = made.error();
      if (made)
        stores[i] = std::move(made).value();
    });
  for (auto& engine : engines)
    engine.join();
  for (const auto& why : refusals) {
    INFO(why.message << " " << why.detail);
    REQUIRE(why.code == ec::none);
  }
  REQUIRE(apply(*stores[0], a_grant("lease-1", "engine-0")).has_value());
  CHECK(ids(*stores[3], list_leases{}) == texts{"lease-1"});
}

// -- several engines on one database ------------------------------------------

TEST_CASE("postgres_store: of two engines one claims what is parked, and no "
          "fence is given twice",
          "[postgres_store][promise-1]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto one = opened(place.url(), "engine-1");
  auto two = opened(place.url(), "engine-2");
  constexpr int boxes = 40;
  for (int i = 0; i < boxes; ++i) {
    auto row = a_holder("old-" + std::to_string(i), "box-" + std::to_string(i));
    row.environment = {};
    REQUIRE(apply(*one, insert_lease{.row = row}).has_value());
    REQUIRE(apply(*one, end_lease{.lease = {row.id},
                                  .from = {lease_status::active},
                                  .parked = true})
              .has_value());
  }
  // Both want all of them, in opposite orders.
  std::vector<std::vector<result<written>>> outcomes(2);
  auto claim_all = [&](store& db, size_t who) {
    std::vector<store_write> batch;
    for (int k = 0; k < boxes; ++k) {
      auto i = std::to_string(who == 0 ? k : boxes - 1 - k);
      auto claim
        = insert_lease{.row = a_holder(std::to_string(who) + "-" + i,
                                       "box-" + i, lease_status::acquiring),
                       .claims = {"old-" + i}};
      claim.row.environment = {};
      batch.emplace_back(claim);
      if (batch.size() < 8)
        continue;
      for (auto& outcome : db.apply(batch))
        outcomes[who].push_back(std::move(outcome));
      batch.clear();
    }
  };
  std::thread first{[&] { claim_all(*one, 0); }};
  std::thread second{[&] { claim_all(*two, 1); }};
  first.join();
  second.join();
  std::vector<fence_no> fences;
  for (const auto& all : outcomes)
    for (const auto& outcome : all)
      if (outcome)
        fences.push_back(outcome->fence);
      else
        CHECK(outcome.error().code == ec::conflict);
  CHECK(fences.size() == boxes);
  std::sort(fences.begin(), fences.end());
  CHECK(std::unique(fences.begin(), fences.end()) == fences.end());
  CHECK(place.number("SELECT count(*) FROM leases WHERE parked") == 0);
}

TEST_CASE("postgres_store: an engine id is used by one engine at a time",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto one = opened(place.url(), "engine-1");
  auto again = open_postgres_store(place.url(), {"engine-1"});
  CHECK(again.error().code == ec::already_exists);
  one.reset();
  CHECK(eventually([&] {
    return open_postgres_store(place.url(), {"engine-1"}).has_value();
  }));
}

TEST_CASE("postgres_store: leases of an engine that left are orphans",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto one = opened(place.url(), "engine-1");
  auto two = opened(place.url(), "engine-2");
  REQUIRE(apply(*one, a_grant("lease-1", "engine-1")).has_value());
  REQUIRE(apply(*two, a_grant("lease-2", "engine-2")).has_value());
  REQUIRE(apply(*two, a_grant("lease-3", "no engine")).has_value());
  CHECK(orphans(*two, "engine-2") == texts{"lease-3"});
  one.reset();
  CHECK(orphans(*two, "engine-2") == texts{"lease-1", "lease-3"});
}

TEST_CASE("postgres_store: leases of an engine that was killed are orphans at "
          "once on its own machine",
          "[postgres_store][promise-9]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  opened(place.url(), "");
  auto engine = fork();
  if (engine == 0) {
    auto made = open_postgres_store(place.url(), {"killed"});
    auto ok = made && apply(*made.value(), a_grant("lease-1", "killed"));
    _exit(ok ? 0 : 1);
  }
  int status = 1;
  REQUIRE(waitpid(engine, &status, 0) == engine);
  REQUIRE(status == 0);
  auto db = opened(place.url(), "engine-1", {.death_grace = 1h});
  // The server needs a moment to see that its client is gone.
  CHECK(
    eventually([&] { return orphans(*db, "engine-1") == texts{"lease-1"}; }));
}

TEST_CASE("postgres_store: an engine that is cut off is not dead, and shows "
          "its life again",
          "[postgres_store][promise-4]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  postgres_proxy line{postgres_server::shared().directory()};
  auto far = opened(line.url(place.name()), "far");
  auto near = opened(place.url(), "near", {.death_grace = 1h});
  auto locks = [&] {
    return place.number(
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
      "AND ((classid::bigint << 32) | objid::bigint) IN ("
      "hashtextextended('leasehold far', 0),"
      "hashtextextended('leasehold near', 0))");
  };
  REQUIRE(apply(*far, a_grant("lease-1", "far")).has_value());
  line.refuse(true);
  line.cut();
  CHECK(eventually([&] { return locks() == 1; }));
  CHECK(orphans(*near, "near").empty());
  line.refuse(false);
  CHECK(eventually([&] { return locks() == 2; }));
  CHECK(orphans(*near, "near").empty());
}

TEST_CASE("postgres_store: an engine elsewhere is dead when its grace is over",
          "[postgres_store][trap-6]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto near = opened(place.url(), "near", {.death_grace = 50ms});
  REQUIRE(apply(*near, a_grant("lease-1", "far")).has_value());
  place.run("INSERT INTO engine_lives VALUES ('far', 'elsewhere 1 1')");
  CHECK(orphans(*near, "near").empty());
  CHECK(eventually([&] { return orphans(*near, "near") == texts{"lease-1"}; }));
}

// -- odd texts ----------------------------------------------------------------

TEST_CASE("postgres_store: texts are kept as they are", "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto db = opened(place.url(), "engine '1'");
  auto text
    = GENERATE(as<std::string>{}, "", "NULL", "null", "{}", "a,b", " ",
               "it's \"so\" \\ {1,2}", "\n\t", "\xc3\xa4\xf0\x9f\x98\x80",
               "$1::text; DROP TABLE leases", "\\x00");
  auto grant = a_grant("lease " + text, "engine '1'");
  grant.row.fingerprint = text;
  grant.row.resource = {text};
  grant.note = text;
  auto outcome = apply(*db, grant);
  INFO(outcome.error().message << " " << outcome.error().detail);
  REQUIRE(outcome.has_value());
  auto answer = db->read(get_lease{grant.row.id.value});
  REQUIRE(answer.has_value());
  auto row = std::get<lease_rows>(*answer).rows.at(0);
  CHECK(row.id == grant.row.id);
  CHECK(row.fingerprint == text);
  CHECK(row.resource.value == text);
  auto lines = db->read(list_events{grant.row.id});
  REQUIRE(lines.has_value());
  CHECK(std::get<lease_events>(*lines).rows.at(0).note == text);
}

TEST_CASE("postgres_store: a name that cannot be stored is refused, and leaves "
          "its batch alone",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto db = opened(place.url(), "engine-1");
  auto bad = GENERATE(as<std::string>{}, std::string{"a\0b", 3}, "\xff",
                      "\xc0\x80", "\xed\xa0\x80", "\xf0\x9f", "\xf8");
  auto grant = a_grant("lease-1", "engine-1");
  grant.row.resource = {bad};
  auto outcomes = db->apply(
    std::vector<store_write>{grant, a_grant("lease-2", "engine-1")});
  CHECK(outcomes[0].error().code == ec::invalid_request);
  CHECK(outcomes[0].error().message
        == "The resource is not UTF-8 text, or has a NUL character in it, and "
           "cannot be stored. Give another one.");
  CHECK(outcomes[1].has_value());
  CHECK(db->read(get_lease{bad + "xxxx"}).error().code == ec::unknown_lease);
  CHECK(db->read(get_environment{bad}).error().code == ec::unknown_environment);
}

TEST_CASE("postgres_store: a strange word in a reason does not keep a lease "
          "from ending",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto db = opened(place.url(), "engine-1");
  REQUIRE(apply(*db, a_grant("lease-1", "engine-1")).has_value());
  REQUIRE(apply(*db, end_lease{.lease = {{"lease-1"}},
                               .from = {lease_status::active},
                               .failure_reason = std::string{"a\0b\xff", 4}})
            .has_value());
  auto answer = db->read(get_lease{"lease-1"});
  REQUIRE(answer.has_value());
  CHECK(std::get<lease_rows>(*answer).rows.at(0).failure_reason
        == "a\uFFFDb\uFFFD");
}

TEST_CASE("postgres_store: a text that names no status is not guessed at",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto db = opened(place.url(), "engine-1");
  REQUIRE(apply(*db, a_grant("lease-1", "engine-1")).has_value());
  place.run("UPDATE leases SET status = 'sleeping'");
  auto why = db->read(get_lease{"lease-1"}).error();
  CHECK(why.code == ec::store_unusable);
  CHECK(why.detail == "Unexpected value in column status: sleeping.");
}
