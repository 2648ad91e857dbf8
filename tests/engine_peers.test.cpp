// Several engines on one PostgreSQL: what dies is adopted once, what waits is
// claimed once, and who was counted as dead finds out.

#include "tests/support/engine_host.hpp"
#include "tests/support/postgres_proxy.hpp"
#include "tests/support/postgres_server.hpp"

#include <csignal>
#include <set>

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// Engines that share a database; `host` has the first one.
struct peers {
  peers() {
    if (postgres_is_missing())
      return;
    place.emplace();
    host.opts.store = place->url();
    host.opts.peer_grace = 1s;
    host.start();
  }

  ~peers() {
    others.clear();
    host.stop();
  }

  /// Another engine on the same database.
  engine& join() {
    auto opts = host.opts;
    opts.log = {};
    return *others.emplace_back(std::make_unique<engine>(std::move(opts)));
  }

  /// A program with an engine that holds a lease of `environment`, and is
  /// killed; answers with the lease.
  std::string kill_victim(const std::string& environment) {
    process_world world;
    child_watch watch;
    auto victim = world.start({LEASEHOLD_ENGINE_VICTIM, "hold", host.opts.store,
                               environment, host.dir / "mark"},
                              watch);
    REQUIRE(watch.says("\n"));
    ::kill(static_cast<pid_t>(watch.pid()), SIGKILL);
    watch.ended();
    auto out = watch.out();
    return out.substr(0, out.find('\n'));
  }

  int64_t ends_of(const std::string& lease) {
    return place->number("SELECT count(*) FROM lease_events e JOIN leases l "
                         "ON l.seq = e.lease_seq WHERE l.id = '"
                         + lease
                         + "' AND e.to_status = 'failed' "
                           "AND e.from_status = 'active'");
  }

  std::optional<postgres_database> place;
  engine_host host;
  std::vector<std::unique_ptr<engine>> others;
};

} // namespace

TEST_CASE_METHOD(peers,
                 "engine_peers: a dead engine's lease is adopted exactly once "
                 "by those that survive it",
                 "[engine_peers][promise-9]") {
  if (!place)
    return;
  host.add_bubblewrap();
  join();
  join();
  for (auto i = 0; i < 3; ++i) {
    auto id = kill_victim("box");
    CHECK(eventually([&] { return host.row(id).cleanup == "success"; }));
    CHECK(host.row(id).failure_reason == "engine_restart");
    CHECK(ends_of(id) == 1);
  }
  CHECK(host.boxes().empty());
}

TEST_CASE_METHOD(peers,
                 "engine_peers: two engines never claim one parked resource",
                 "[engine_peers][promise-1]") {
  if (!place)
    return;
  host.add_bubblewrap(R"(,"reuseLease":true)");
  auto& other = join();
  auto ask = [](engine& whom, const std::string& run) {
    acquire_request what;
    what.environment = "box";
    what.run = run;
    return whom.acquire(what);
  };
  auto resumed = 0;
  for (auto i = 0; i < 20; ++i) {
    // One waits; both want it.
    auto n = std::to_string(i);
    auto first = value_of(ask(*host, "run-" + n));
    value_of(host->release(first));
    auto a = ask(*host, "run-a" + n);
    auto b = ask(other, "run-b" + n);
    auto x = value_of(std::move(a));
    auto y = value_of(std::move(b));
    CHECK(x.resource != y.resource);
    resumed += x.resource == first.resource || y.resource == first.resource;
    value_of(host->destroy(x));
    value_of(other.destroy(y));
  }
  CHECK(resumed > 0);
  CHECK(host.boxes().empty());
}

TEST_CASE_METHOD(peers,
                 "engine_peers: an engine that was cut off for too long finds "
                 "itself counted as dead, and lets go",
                 "[engine_peers]") {
  if (!place)
    return;
  host.add_bubblewrap();
  postgres_proxy between{postgres_server::shared().directory()};
  auto opts = host.opts;
  opts.store = between.url(place->name());
  notes<std::string> said;
  opts.log = [&](log_level, std::string_view x) { said.add(std::string{x}); };
  engine far{std::move(opts)};
  acquire_request what;
  what.environment = "box";
  what.run = "run-far";
  auto lease = value_of(far.acquire(what));
  auto before
    = place->number("SELECT fence FROM leases WHERE id = '" + lease.id + "'");
  between.refuse(true);
  between.cut();
  // It stops serving by itself.
  CHECK(said.wait([](const std::string& x) {
    return x.find("lost touch with its store") != std::string::npos;
  }));
  CHECK(failure_of(far.execute(lease, shell("true"))).code
        == ec::store_unavailable);
  // To the others its process lives, but it does not answer: only its lock
  // tells, and that is gone.
  CHECK(eventually([&] { return host.row(lease.id).cleanup == "success"; }));
  CHECK(host.row(lease.id).failure_reason == "engine_restart");
  CHECK(host.boxes().empty());
  between.refuse(false);
  CHECK(said.wait([](const std::string& x) {
    return x.find("has lost 1 of 1 leases") != std::string::npos;
  }));
  CHECK(failure_of(far.execute(lease, shell("true"))).code == ec::lease_ended);
  auto ended = value_of(far.release(lease));
  CHECK(ended.status == "failed");
  CHECK(ends_of(lease.id) == 1);
  CHECK(place->number("SELECT fence FROM leases WHERE id = '" + lease.id + "'")
        == before);
  // It is an engine like any other again.
  what.run = "run-again";
  auto next = value_of(far.acquire(what));
  CHECK(value_of(far.execute(next, shell("true"))).exit_code == 0);
  value_of(far.release(next));
}

TEST_CASE_METHOD(peers,
                 "engine_peers: an engine that was away for a moment keeps "
                 "what it has",
                 "[engine_peers][promise-4]") {
  if (!place)
    return;
  host.add_local();
  postgres_proxy between{postgres_server::shared().directory()};
  auto opts = host.opts;
  opts.log = {};
  opts.peer_grace = 10s;
  opts.store = between.url(place->name());
  engine far{std::move(opts)};
  acquire_request what;
  what.environment = "here";
  what.run = "run-far";
  auto lease = value_of(far.acquire(what));
  between.cut();
  CHECK(value_of(far.execute(lease, shell("echo on"))).stdout_text == "on\n");
  CHECK(value_of(far.release(lease)).status == "released");
}

TEST_CASE_METHOD(peers, "engine_peers: a run comes back to another engine",
                 "[engine_peers]") {
  if (!place)
    return;
  host.opts.reattach_grace = 60s;
  host.start();
  host.add_bubblewrap();
  postgres_proxy between{postgres_server::shared().directory()};
  auto opts = host.opts;
  opts.log = {};
  opts.store = between.url(place->name());
  engine far{std::move(opts)};
  acquire_request what;
  what.environment = "box";
  what.run = "run-far";
  auto lease = value_of(far.acquire(what));
  CHECK(value_of(far.execute(lease, shell("echo kept > note"))).exit_code == 0);
  // While its engine lives nobody else may have it.
  auto early = value_of(host->reattach("run-far"));
  REQUIRE(early.errors.size() == 1);
  CHECK(early.errors[0].code == ec::held_elsewhere);
  between.refuse(true);
  between.cut();
  std::optional<leasehold::lease> back;
  CHECK(eventually([&] {
    auto how = value_of(host->reattach("run-far"));
    if (!how.leases.empty())
      back = how.leases[0];
    return back.has_value();
  }));
  REQUIRE(back);
  CHECK(back->id == lease.id);
  CHECK(back->fence > lease.fence);
  CHECK(back->resource == lease.resource);
  CHECK(host.execute(*back, shell("cat note")).stdout_text == "kept\n");
  between.refuse(false);
  // What it had is of an earlier grant.
  CHECK(eventually([&] {
    return outcome_of(far.execute(lease, shell("true"))).error().code
           == ec::stale_lease;
  }));
  CHECK(value_of(host->release(*back)).status == "released");
  CHECK(host.boxes().empty());
}
