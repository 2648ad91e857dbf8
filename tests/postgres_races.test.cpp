// Two engines at one PostgreSQL, at the same moment: what one takes, the other
// does not remove. Each test holds one of the two in the middle of its
// transaction, lets the other run into it, and looks at what comes out.

#include "storage/postgres.hpp"
#include "storage/postgres_store.hpp"
#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/processes.hpp"

#include <thread>

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// Columns that a lease must have.
constexpr const char* columns
  = "id, status, lease_policy, provider, provider_lease_id, exclusive, fence,"
    " fingerprint, metadata, acquired_at, last_used_at, updated_at";
constexpr const char* values
  = "'theirs', 'released', 'reuse_by_environment', 'boxes', 'box-1', true, 0,"
    " '', '{}', 1, 1, 1";

/// A store with an environment and a plugin, and another engine's session.
struct a_race {
  a_race() {
    auto made = open_postgres_store(place.url(), {"engine-1"});
    REQUIRE(made.has_value());
    db = std::move(made).value();
    environment_row box;
    box.id = {"env-1"};
    box.name = "box";
    box.driver = "sandbox";
    REQUIRE(apply(put_environment{box}));
    plugin_row plugin;
    plugin.id = {"plugin-1"};
    plugin.key = "boxes.plugin";
    auto added = apply(put_plugin{plugin});
    REQUIRE(added);
    stamp = {plugin.id, added->at};
    other.emplace(place.url());
    other->run("SET search_path = leasehold; BEGIN");
  }

  result<written> apply(store_write what) {
    return db->apply(std::vector{std::move(what)}).at(0);
  }

  /// Has our engine do this while the other one's transaction is open, which
  /// it must run into; then ends that one.
  result<written> meet(store_write what) {
    result<written> how;
    std::thread ours{[&] { how = apply(std::move(what)); }};
    auto waits = eventually([&] {
      return place.number("SELECT count(*) FROM pg_locks WHERE NOT granted")
             > 0;
    });
    other->run("COMMIT");
    ours.join();
    REQUIRE(waits);
    return how;
  }

  postgres_database place;
  std::unique_ptr<store> db;
  plugin_stamp stamp;
  std::optional<postgres::connection> other;
};

} // namespace

TEST_CASE("postgres_store: an environment is not removed under a reusable "
          "lease that another engine takes at this moment",
          "[postgres_store][trap-16]") {
  if (postgres_is_missing())
    return;
  a_race it;
  it.other->run("INSERT INTO leases (" + std::string{columns}
                + ", environment_id, parked) VALUES (" + values
                + ", 'env-1', true)");
  auto how = it.meet(remove_environment{{"env-1"}});
  CHECK(how.error().code == ec::in_use);
  CHECK(it.place.number("SELECT count(*) FROM leases "
                        "WHERE environment_id = 'env-1'")
        == 1);
}

TEST_CASE("postgres_store: no lease is taken in an environment that another "
          "engine removes at this moment",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_race it;
  it.other->run("SELECT FROM environments WHERE id = 'env-1' FOR UPDATE;"
                "DELETE FROM environments WHERE id = 'env-1'");
  auto how = it.meet(insert_lease{.row = a_holder("ours", "box-1")});
  CHECK(how.error().code == ec::conflict);
  CHECK(it.place.number("SELECT count(*) FROM leases") == 0);
}

// `insert_leases` takes a share lock on the plugin's row before it looks at it,
// `remove_plugin` an update lock before it counts leases: they exclude each
// other, and whoever comes second sees what the first has done.

TEST_CASE("postgres_store: a plugin is not removed under a lease that another "
          "engine takes at this moment",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_race it;
  it.other->run("SELECT FROM plugins WHERE id = 'plugin-1' FOR KEY SHARE;"
                "INSERT INTO leases ("
                + std::string{columns} + ", plugin_id, parked) VALUES ("
                + values + ", 'plugin-1', true)");
  CHECK(it.meet(remove_plugin{{"plugin-1"}}).error().code == ec::in_use);
}

TEST_CASE("postgres_store: no lease is taken of a plugin that another engine "
          "removes at this moment",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_race it;
  it.other->run("SELECT FROM plugins WHERE id = 'plugin-1' FOR UPDATE;"
                "DELETE FROM plugins WHERE id = 'plugin-1'");
  auto how = it.meet(
    insert_lease{.row = a_holder("ours", "box-1"), .plugin = it.stamp});
  CHECK(how.error().code == ec::plugin_not_ready);
  CHECK(it.place.number("SELECT count(*) FROM leases") == 0);
}

TEST_CASE("postgres_store: no lease is taken of a plugin that another engine "
          "disables while the lease waits for its fence",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_race it;
  it.other->run("UPDATE fences SET last = last;"
                "UPDATE plugins SET status = 'disabled' WHERE id = 'plugin-1'");
  auto how = it.meet(
    insert_lease{.row = a_holder("ours", "box-1"), .plugin = it.stamp});
  CHECK(how.error().code == ec::plugin_not_ready);
  CHECK(it.place.number("SELECT count(*) FROM leases") == 0);
}

// -- dead engines -------------------------------------------------------------

TEST_CASE("postgres_store: an engine that comes back while another one ends "
          "its lease waits, and sees that",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_race it;
  auto row = a_holder("orphan", "box-1");
  row.owner = {"engine-9"};
  auto fence = it.apply(insert_lease{.row = row}).value().fence;
  end_lease end{.lease = {row.id, fence},
                .from = {lease_status::active},
                .to = lease_status::failed,
                .dead_owner = {"engine-9"}};
  // It lives after all: nobody may end it.
  constexpr auto lock
    = "SELECT pg_advisory_lock(hashtextextended('leasehold engine-9', 0))";
  it.other->run("COMMIT");
  it.other->run(lock);
  auto how = it.apply(end);
  CHECK(how.error().code == ec::conflict);
  CHECK(how.error().message
        == "Lease \"orphan\" cannot be taken over: its engine engine-9 lives "
           "after all.");
  it.other.emplace(it.place.url());
  CHECK(eventually([&] { return it.apply(end).has_value(); }));
}

TEST_CASE("postgres_store: time is the server's, whatever the clocks of "
          "engines say",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_race it;
  auto row = a_holder("lease-1", "box-1", lease_status::acquiring);
  auto server = [&] {
    return it.place.number("SELECT floor(extract(epoch FROM "
                           "clock_timestamp()) * 1000)::bigint");
  };
  auto before = server();
  auto at = it.apply(insert_lease{.row = row,
                                  .deadline_in = milliseconds{50},
                                  .expires_in = milliseconds{70}})
              .value()
              .at;
  auto after = server();
  CHECK(at.ms >= before);
  CHECK(at.ms <= after);
  auto found
    = std::get<lease_rows>(it.db->read(get_lease{"lease-1"}).value()).rows;
  CHECK(found[0].deadline_at == at + milliseconds{50});
  CHECK(found[0].expires_at == at + milliseconds{70});
}
