// The PostgreSQL store when the server, the network, or another session fails
// it: nothing is lost, nothing happens twice, and nobody is left in doubt who
// need not be.

#include "storage/postgres_store.hpp"
#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_proxy.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/processes.hpp"

#include <thread>

using namespace leasehold;
using namespace leasehold::test;
using namespace std::chrono_literals;

namespace {

using act = postgres_proxy::act;

/// A store behind a proxy, on a database of its own.
struct a_line {
  explicit a_line(postgres_settings settings = {}) {
    auto made = open_postgres_store(proxy.url(place.name()), {"engine-1"},
                                    std::move(settings));
    INFO(made.error().message << " " << made.error().detail);
    REQUIRE(made.has_value());
    db = std::move(made).value();
  }

  result<written> apply(store_write what) {
    return db->apply(std::vector{std::move(what)}).at(0);
  }

  result<written> grant(const std::string& id) {
    auto row = a_lease(id);
    row.environment = {};
    return apply(insert_lease{.row = row, .note = "granted"});
  }

  /// Does two things that need two statements, and so a COMMIT: grants a lease,
  /// and ends another.
  void must_trade(const std::string& granted, const std::string& ended) {
    auto row = a_lease(granted);
    row.environment = {};
    auto how = db->apply(std::vector<store_write>{
      insert_lease{.row = row, .note = "granted"},
      end_lease{.lease = {{ended}}, .from = {lease_status::active}}});
    for (const auto& x : how) {
      INFO(x.error().message << " " << x.error().detail);
      REQUIRE(x.has_value());
    }
  }

  /// Grants a lease, which must work.
  void must_grant(const std::string& id) {
    auto outcome = grant(id);
    INFO(outcome.error().message << " " << outcome.error().detail);
    REQUIRE(outcome.has_value());
  }

  size_t leases() {
    auto answer = db->read(list_leases{});
    INFO(answer.error().message << " " << answer.error().detail);
    REQUIRE(answer.has_value());
    return std::get<lease_rows>(*answer).rows.size();
  }

  /// Ends every session of the database but our own, as an administrator can.
  void kill_sessions() {
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
               "WHERE datname = '"
               + place.name() + "'");
  }

  postgres_server& server = postgres_server::shared();
  postgres_database place;
  postgres_proxy proxy{server.directory()};
  std::unique_ptr<store> db;
};

} // namespace

// -- between batches ----------------------------------------------------------

TEST_CASE("postgres_store: a server that was restarted is found again",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  auto crash = GENERATE(false, true);
  CAPTURE(crash);
  crash ? it.server.crash() : it.server.stop();
  it.server.start();
  CHECK(it.leases() == 1);
  it.must_grant("lease-2");
  CHECK(it.leases() == 2);
}

TEST_CASE("postgres_store: a batch waits for a server that comes back",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.server.stop();
  std::thread operator_{[&] { it.server.start(); }};
  auto outcome = it.grant("lease-1");
  operator_.join();
  INFO(outcome.error().message << " " << outcome.error().detail);
  CHECK(outcome.has_value());
  CHECK(it.leases() == 1);
}

TEST_CASE("postgres_store: a server that stays away is unavailable, and works "
          "again afterwards",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it{{.retry_for = 20ms}};
  it.server.stop();
  auto outcome = it.grant("lease-1");
  CHECK(outcome.error().code == ec::store_unavailable);
  CHECK(outcome.error().message.find("cannot be reached") != std::string::npos);
  CHECK(it.db->read(list_leases{}).error().code == ec::store_unavailable);
  it.server.start();
  CHECK(it.leases() == 0);
  it.must_grant("lease-1");
}

TEST_CASE("postgres_store: sessions that are ended are made again",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  CHECK(it.leases() == 1);
  it.kill_sessions();
  it.must_grant("lease-2");
  it.kill_sessions();
  CHECK(it.leases() == 2);
}

TEST_CASE("postgres_store: a server that has become read-only says so, and "
          "works again afterwards",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  auto reconnects = GENERATE(false, true);
  CAPTURE(reconnects);
  it.server.run("ALTER DATABASE " + it.place.name()
                + " SET default_transaction_read_only = on");
  if (reconnects)
    it.proxy.cut();
  else
    it.kill_sessions();
  auto why = it.grant("lease-2").error();
  CHECK(why.code == ec::store_unusable);
  CHECK(why.message.find("read-only") != std::string::npos);
  CHECK(it.leases() == 1);
  it.server.run("ALTER DATABASE " + it.place.name()
                + " RESET default_transaction_read_only");
  it.must_grant("lease-2");
}

// -- in the middle of a batch -------------------------------------------------

TEST_CASE("postgres_store: a batch whose session is ended in the middle is "
          "written once all the same",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  it.proxy.once("lease-2", act::pass, [&] { it.kill_sessions(); });
  it.must_trade("lease-2", "lease-1");
  CHECK(it.proxy.done());
  CHECK(it.leases() == 2);
  CHECK(it.place.number("SELECT count(*) FROM lease_events") == 3);
}

TEST_CASE("postgres_store: a batch whose connection is cut in the middle is "
          "written once all the same",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  auto what = GENERATE(act::drop, act::drop_answer, act::leave_server);
  it.proxy.once("lease-2", what);
  it.must_trade("lease-2", "lease-1");
  CHECK(it.proxy.done());
  CHECK(it.leases() == 2);
  CHECK(it.place.number("SELECT count(*) FROM lease_events") == 3);
}

TEST_CASE("postgres_store: who is too late for one lease writes the rest of "
          "its batch",
          "[postgres_store][trap-3]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-0");
  // Another engine takes a resource, and we look before it commits.
  postgres::connection other{it.place.url()};
  other.run("SET search_path = leasehold; BEGIN;"
            "INSERT INTO leases (id, status, lease_policy, provider,"
            " provider_lease_id, exclusive, fence, fingerprint, metadata,"
            " acquired_at, last_used_at, updated_at)"
            "VALUES ('theirs', 'active', 'ephemeral', 'fake', 'box-1', true,"
            " 0, '', '{}', 1, 1, 1)");
  auto ours = a_holder("ours", "box-1");
  auto late = a_holder("late", "box-2");
  ours.environment = late.environment = {};
  std::vector<result<written>> outcomes;
  std::thread engine{[&] {
    outcomes = it.db->apply(std::vector<store_write>{
      insert_lease{.row = ours}, insert_lease{.row = late}});
  }};
  auto waits = eventually([&] {
    return it.place.number("SELECT count(*) FROM pg_locks WHERE NOT granted")
           > 0;
  });
  other.run("COMMIT");
  engine.join();
  REQUIRE(waits);
  CHECK(outcomes.at(0).error().code == ec::conflict);
  CHECK(outcomes.at(0).error().message
        == "Lease \"ours\" cannot be inserted: its resource is held by lease "
           "\"theirs\".");
  CHECK(outcomes.at(1).has_value());
  CHECK(it.leases() == 3);
}

TEST_CASE("postgres_store: a batch that met another in a deadlock is written "
          "after it",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.server.run("ALTER DATABASE " + it.place.name()
                + " SET deadlock_timeout = 10");
  it.kill_sessions();
  it.must_grant("a");
  auto row = a_lease("b", lease_status::acquiring);
  row.environment = {};
  auto fence = it.apply(insert_lease{.row = row}).value().fence;
  postgres::connection other{it.place.url()};
  other.run("SET search_path = leasehold; SET deadlock_timeout = '1h'; BEGIN;"
            "UPDATE leases SET fingerprint = 'x' WHERE id = 'b'");
  // We have `a` and go for `b`; the other one has `b` and waits for `a`.
  std::thread other_one;
  auto waits = false;
  it.proxy.once("'acquiring' AS before", act::pass, [&] {
    other_one = std::thread{[&] {
      other.run("UPDATE leases SET fingerprint = 'x' WHERE id = 'a'");
      other.run("COMMIT");
    }};
    waits = eventually([&] {
      return it.place.number("SELECT count(*) FROM pg_locks WHERE NOT granted")
             > 0;
    });
  });
  auto outcomes = it.db->apply(std::vector<store_write>{
    end_lease{.lease = {{"a"}}, .from = {lease_status::active}},
    activate_lease{.lease = {{"b"}, fence}}});
  REQUIRE(other_one.joinable());
  other_one.join();
  CHECK(waits);
  CHECK(outcomes.at(0).has_value());
  CHECK(outcomes.at(1).has_value());
  CHECK(it.place.number("SELECT count(*) FROM leases WHERE fingerprint = 'x' "
                        "AND status IN ('released', 'active')")
        == 2);
}

// -- at the end of a batch ----------------------------------------------------

TEST_CASE("postgres_store: a commit that nobody confirmed is looked up",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  auto what = GENERATE(act::drop, act::drop_answer, act::leave_server);
  it.proxy.once("COMMIT", what);
  it.must_trade("lease-2", "lease-1");
  CHECK(it.proxy.done());
  CHECK(it.leases() == 2);
  CHECK(it.place.number("SELECT count(*) FROM lease_events") == 3);
  it.must_trade("lease-3", "lease-2");
}

TEST_CASE("postgres_store: a batch in one trip that nobody confirmed is looked "
          "up, and what it answered",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  it.must_grant("lease-2");
  auto what = GENERATE(act::drop, act::drop_answer, act::leave_server);
  CAPTURE(static_cast<int>(what));
  it.proxy.once("\"nobody\"", what);
  auto end = [](const char* who) {
    return end_lease{.lease = {{who}}, .from = {lease_status::active}};
  };
  auto outcomes = it.db->apply(
    std::vector<store_write>{end("lease-1"), end("nobody"), end("lease-2")});
  CHECK(it.proxy.done());
  CHECK(outcomes.at(0).has_value());
  CHECK(outcomes.at(0)->at == outcomes.at(2)->at);
  CHECK(outcomes.at(0)->fence + 1 == outcomes.at(2)->fence);
  CHECK(outcomes.at(0)->at.ms
        == it.place.number("SELECT at FROM batches WHERE done = '{0,2}'"));
  CHECK(outcomes.at(1).error().message
        == "Lease \"nobody\" cannot be ended: it does not exist.");
  CHECK(it.place.number("SELECT count(*) FROM lease_events") == 4);
  it.must_grant("lease-3");
}

TEST_CASE("postgres_store: what a batch in one trip refused is explained "
          "although the connection is cut",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  auto end = end_lease{.lease = {{"lease-1"}}, .from = {lease_status::active}};
  auto wrong = end;
  wrong.lease.id = {"nobody"};
  it.proxy.once("SELECT status, fence", act::drop);
  auto outcomes = it.db->apply(std::vector<store_write>{end, wrong});
  CHECK(it.proxy.done());
  CHECK(outcomes.at(0).has_value());
  CHECK(outcomes.at(1).error().code == ec::conflict);
}

TEST_CASE("postgres_store: a batch in one trip that is refused by a constraint "
          "is written without what is to blame",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it;
  it.must_grant("lease-1");
  auto again = a_lease("lease-1");
  auto fresh = a_lease("lease-2");
  again.environment = fresh.environment = {};
  auto outcomes = it.db->apply(std::vector<store_write>{
    insert_lease{.row = again}, insert_lease{.row = fresh}});
  CHECK(outcomes.at(0).error().code == ec::conflict);
  CHECK(outcomes.at(1).has_value());
  CHECK(it.place.number("SELECT count(*) FROM lease_events") == 2);
}

TEST_CASE("postgres_store: a commit is looked up after the server crashed",
          "[postgres_store][promise-6]") {
  if (postgres_is_missing())
    return;
  a_line it;
  auto where = GENERATE("lease-1", "COMMIT");
  auto what = GENERATE(act::drop, act::pass);
  it.must_grant("lease-0");
  it.proxy.once(where, what, [&] {
    it.server.crash();
    it.server.start();
  });
  if (where == std::string{"COMMIT"})
    it.must_trade("lease-1", "lease-0");
  else
    it.must_grant("lease-1");
  CHECK(it.proxy.done());
  CHECK(it.leases() == 2);
}

TEST_CASE("postgres_store: a commit that cannot be looked up is unknown",
          "[postgres_store]") {
  if (postgres_is_missing())
    return;
  a_line it{{.retry_for = 20ms}};
  it.proxy.once("lease-1", act::drop_answer, [&] { it.proxy.refuse(true); });
  auto why = it.grant("lease-1").error();
  CHECK(why.code == ec::commit_unknown);
  CHECK(why.message.find("connection was lost during a commit")
        != std::string::npos);
  it.proxy.refuse(false);
  CHECK(it.leases() == 1);
  CHECK(it.grant("lease-1").error().code == ec::conflict);
  it.must_grant("lease-2");
}
