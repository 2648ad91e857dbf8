// The engine on a PostgreSQL store: what tests/engine*.test.cpp show on SQLite,
// along the main paths.

#include "tests/support/engine_host.hpp"
#include "tests/support/postgres_server.hpp"

#include <csignal>

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// An engine, if there is a server for its store.
struct on_postgres : engine_host {
  on_postgres() {
    if (postgres_is_missing())
      return;
    place.emplace();
    opts.store = place->url();
    start();
  }

  ~on_postgres() {
    stop();
  }

  /// What a program that embeds an engine leaves behind when it is killed while
  /// it runs a command; answers with its lease.
  std::string kill_victim(const std::string& environment) {
    process_world world;
    child_watch watch;
    auto victim = world.start(
      {LEASEHOLD_ENGINE_VICTIM, "hold", opts.store, environment, dir / "mark"},
      watch);
    REQUIRE(watch.says("\n"));
    // Only the program: its children have process groups of their own.
    ::kill(static_cast<pid_t>(watch.pid()), SIGKILL);
    CHECK(watch.ended().signal == SIGKILL);
    auto out = watch.out();
    return out.substr(0, out.find('\n'));
  }

  std::optional<postgres_database> place;
};

} // namespace

TEST_CASE_METHOD(on_postgres,
                 "engine_postgres: a lease is recorded from its grant to its "
                 "end",
                 "[engine_postgres]") {
  if (!place)
    return;
  auto lease = acquire(add_bubblewrap());
  CHECK(lease.fence > 0);
  CHECK(execute(lease, shell("echo here")).stdout_text == "here\n");
  CHECK(row(lease.id).status == "active");
  auto ended = value_of(running->release(lease));
  CHECK(ended.status == "released");
  CHECK_FALSE(ended.cleanup_owed);
  CHECK(row(lease.id).cleanup == "success");
  CHECK(boxes().empty());
  std::vector<std::string> told;
  for (const auto& line : value_of(running->history(lease.id)))
    told.push_back(line.from + " -> " + line.to);
  CHECK(told
        == std::vector<std::string>{" -> acquiring", "acquiring -> active",
                                    "active -> released"});
}

TEST_CASE_METHOD(on_postgres, "engine_postgres: a local lease works",
                 "[engine_postgres]") {
  if (!place)
    return;
  auto lease = acquire(add_local());
  CHECK(execute(lease, shell("exit 7")).exit_code == 7);
  CHECK(value_of(running->release(lease)).status == "released");
}

TEST_CASE_METHOD(on_postgres,
                 "engine_postgres: the next run finds what the last one left, "
                 "also in the next engine",
                 "[engine_postgres]") {
  if (!place)
    return;
  add_bubblewrap(R"(,"reuseLease":true)");
  auto first = acquire("box", "run-1");
  CHECK(execute(first, shell("echo 1 > left")).exit_code == 0);
  CHECK(value_of(running->release(first)).parked);
  start();
  auto second = acquire("box", "run-2");
  CHECK(second.origin == origin::resumed);
  CHECK(second.resource == first.resource);
  CHECK(execute(second, shell("cat left")).stdout_text == "1\n");
}

TEST_CASE_METHOD(on_postgres,
                 "engine_postgres: many leases are taken and given back at "
                 "once",
                 "[engine_postgres]") {
  if (!place)
    return;
  add_local();
  std::vector<std::future<result<lease>>> asked;
  for (auto i = 0; i < 200; ++i) {
    acquire_request what;
    what.environment = "here";
    what.run = "run-" + std::to_string(i);
    asked.push_back(running->acquire(what));
  }
  std::vector<std::future<result<ended_lease>>> ended;
  for (auto& x : asked)
    ended.push_back(running->release(value_of(std::move(x))));
  for (auto& x : ended)
    CHECK(value_of(std::move(x)).status == "released");
  CHECK(place->number("SELECT count(*) FROM leases "
                      "WHERE status = 'released' AND fence > 0")
        == 200);
  CHECK(place->number("SELECT count(*) FROM lease_events") == 400);
}

TEST_CASE_METHOD(on_postgres,
                 "engine_postgres: the next engine ends the leases of a killed "
                 "one",
                 "[engine_postgres]") {
  if (!place)
    return;
  add_bubblewrap();
  stop();
  auto id = kill_victim("box");
  CHECK(boxes().size() == 1);
  start();
  value_of(running->recovered());
  CHECK(row(id).status == "failed");
  CHECK(row(id).failure_reason == "engine_restart");
  CHECK(row(id).cleanup == "success");
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(on_postgres,
                 "engine_postgres: an engine goes on when its server was "
                 "restarted",
                 "[engine_postgres]") {
  if (!place)
    return;
  auto lease = acquire(add_local());
  postgres_server::shared().crash();
  postgres_server::shared().start();
  CHECK(execute(lease, shell("echo on")).stdout_text == "on\n");
  CHECK(value_of(running->release(lease)).status == "released");
  CHECK(value_of(running->release(acquire("here", "run-2"))).status
        == "released");
}

TEST_CASE_METHOD(on_postgres,
                 "engine_postgres: a store that is away keeps an engine from "
                 "opening",
                 "[engine_postgres]") {
  options away;
  away.store = "postgres://me:hunter2@/db?host=" + (dir / "nothing");
  auto why = engine::open(away).error();
  CHECK(why.code == ec::store_unavailable);
  CHECK((why.message + why.detail).find("hunter2") == std::string::npos);
}
