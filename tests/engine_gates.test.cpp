// The whole engine: fences down to real sandboxes, limits and queues, breakers.

#include "tests/support/engine_host.hpp"

#include <stop_token>

using namespace leasehold;
using namespace leasehold::test;

namespace {

struct gates : engine_host {
  gates() {
    start();
  }

  acquire_request wish(const std::string& environment,
                       const std::string& run) const {
    acquire_request out;
    out.environment = environment;
    out.run = run;
    return out;
  }

  /// What every verb answers to a handle that is not the last one.
  void check_stale(const lease& old) {
    CHECK(failure_of(running->execute(old, shell("true"))).code
          == ec::stale_lease);
    CHECK(failure_of(running->realize(old, {})).code == ec::stale_lease);
    CHECK(failure_of(running->renew(old, 1s)).code == ec::stale_lease);
    CHECK(failure_of(running->release(old)).code == ec::stale_lease);
    CHECK(failure_of(running->destroy(old)).code == ec::stale_lease);
  }

  bool is_queued(const std::string& run) {
    return events.wait([&](const event& x) { return x.to == "queued"; })
           && value_of(running->queue("box")).waiting.at(0).run == run;
  }
};

} // namespace

// -- fences -------------------------------------------------------------------

TEST_CASE_METHOD(gates, "engine: a stale handle has no effect on a sandbox",
                 "[engine][fencing]") {
  auto box = add_bubblewrap(R"(,"reuseLease":true)");
  auto first = acquire(box, "run-1");
  auto second = acquire(box, "run-1");
  REQUIRE(second.id == first.id);
  check_stale(first);
  CHECK(execute(second, shell("true")).exit_code == 0);
  value_of(running->release(second));
  // Where only the row is left, it is the same.
  check_stale(first);
  CHECK(boxes().size() == 1);
}

TEST_CASE_METHOD(gates, "engine: commands know lease and fence",
                 "[engine][fencing]") {
  auto name = GENERATE(std::string{"bubblewrap"}, std::string{"local"});
  auto lease
    = acquire(name == "local" ? add_local() : add_bubblewrap(), "run-1");
  auto told = shell("echo $LEASEHOLD_LEASE_ID $LEASEHOLD_LEASE_FENCE");
  told.env = {{"LEASEHOLD_LEASE_FENCE", "999"}};
  CHECK(execute(lease, told).stdout_text
        == lease.id + " " + std::to_string(lease.fence) + "\n");
}

TEST_CASE_METHOD(gates,
                 "engine: a sandbox that has seen a later fence refuses, and "
                 "the caller hears so",
                 "[engine][fencing]") {
  auto lease = acquire(add_bubblewrap(), "run-1");
  // As if another engine had taken it over behind our back.
  auto path = state() + "/boxes/" + lease.resource + "/box.json";
  auto record = read_text(path);
  auto key = std::string{"\"leaseFence\": "};
  auto pos = record.find(key + std::to_string(lease.fence));
  REQUIRE(pos != std::string::npos);
  record.insert(pos + key.size(), "9");
  write_text(path, record);
  auto why = failure_of(running->execute(lease, shell("true")));
  CHECK(why.code == ec::stale_lease);
  CHECK(why.message.starts_with("stale fence "));
}

// -- the door -----------------------------------------------------------------

TEST_CASE_METHOD(gates, "engine: runs wait for their turn, and see it",
                 "[engine][door]") {
  auto box = add_bubblewrap(R"(,"admission":{"maxLeases":1})");
  auto first = acquire(box, "run-1");
  auto second = running->acquire(wish(box, "run-2"));
  REQUIRE(is_queued("run-2"));
  auto seen = value_of(running->queue(box));
  CHECK(seen.leases_max == 1);
  CHECK(seen.live == 1);
  REQUIRE(seen.waiting.size() == 1);
  CHECK(seen.waiting[0].position == 1);
  CHECK(seen.waiting[0].company == "default");
  CHECK(seen.waiting[0].left <= 60s);
  value_of(running->release(first));
  auto granted = value_of(std::move(second));
  CHECK(execute(granted, shell("true")).exit_code == 0);
  CHECK(value_of(running->queue(box)).waiting.empty());
}

TEST_CASE_METHOD(gates, "engine: a request that waits can be taken back",
                 "[engine][door]") {
  auto box = add_bubblewrap(R"(,"admission":{"maxLeases":1})");
  auto first = acquire(box, "run-1");
  std::stop_source stop;
  auto what = wish(box, "run-2");
  what.stop = stop.get_token();
  SECTION("while it waits") {
    auto second = running->acquire(what);
    REQUIRE(is_queued("run-2"));
    stop.request_stop();
    CHECK(failure_of(std::move(second)).code == ec::cancelled);
  }
  SECTION("before it was made") {
    stop.request_stop();
    CHECK(failure_of(running->acquire(what)).code == ec::cancelled);
  }
  CHECK(value_of(running->queue(box)).waiting.empty());
  CHECK(boxes().size() == 1);
}

TEST_CASE_METHOD(gates, "engine: too many acquires are refused at once",
                 "[engine]") {
  opts.environment_leases_max = 1;
  opts.acquires_max = 1;
  start();
  auto box = add_bubblewrap();
  auto first = acquire(box, "run-1");
  auto second = running->acquire(wish(box, "run-2"));
  REQUIRE(is_queued("run-2"));
  auto why = failure_of(running->acquire(wish(box, "run-3")));
  CHECK(why.code == ec::overloaded);
  CHECK(why.message
        == "This engine has 1 acquires under way, and takes no more at a time; "
           "try again later.");
  CHECK(failure_of(running->resume({.lease = first.id, .run = "run-1"})).code
        == ec::overloaded);
  value_of(running->release(first));
  value_of(running->release(value_of(std::move(second))));
  value_of(running->release(acquire(box, "run-4")));
}

TEST_CASE_METHOD(gates, "engine: whoever waits hears that the engine stops",
                 "[engine][door]") {
  auto box = add_bubblewrap(R"(,"admission":{"maxLeases":1})");
  auto first = acquire(box, "run-1");
  auto second = running->acquire(wish(box, "run-2"));
  REQUIRE(is_queued("run-2"));
  stop();
  CHECK(failure_of(std::move(second)).code == ec::shutting_down);
}

TEST_CASE_METHOD(gates, "engine: a config that limits nonsense is refused",
                 "[engine][door]") {
  environment_info what;
  what.name = "here";
  what.driver = "local";
  what.config = R"({"admission":{"maxLeases":"many"}})";
  auto why = failure_of(running->put_environment(what));
  CHECK(why.code == ec::invalid_config);
  CHECK(why.message
        == "admission.maxLeases must be a whole number of at least 0.");
  what.config = R"({"admission":{"maxLeases":3}})";
  CHECK(value_of(running->put_environment(what)).config
        == R"({"admission":{"maxLeases":3}})");
  CHECK(value_of(running->probe("here")).ok);
  CHECK(execute(acquire("here"), shell("true")).exit_code == 0);
}

// -- breakers -----------------------------------------------------------------

namespace {

struct broken : engine_host {
  broken() {
    opts.breaker_failures_max = 2;
    opts.breaker_pause = 1h;
    opts.breaker_pause_max = 1h;
    opts.worker_call_timeout = 100ms;
    start();
  }

  failure refused(const std::string& den) {
    acquire_request what;
    what.environment = den;
    what.run = "run-1";
    return failure_of(running->acquire(what));
  }
};

} // namespace

TEST_CASE_METHOD(broken,
                 "engine: a provider that does not answer is left alone until "
                 "an operator says so, in every process",
                 "[engine][breakers]") {
  auto den = add_rogue("late-acquire");
  CHECK(refused(den).code == ec::call_timed_out);
  CHECK(refused(den).code == ec::call_timed_out);
  auto why = refused(den);
  CHECK(why.code == ec::circuit_open);
  CHECK(why.message.find("RPC call \"environmentAcquireLease\" timed out")
        != std::string::npos);
  start();
  CHECK(refused(den).code == ec::circuit_open);
  auto open = value_of(running->breakers());
  REQUIRE(open.size() == 2);
  CHECK(open[0].kind == "environment");
  CHECK(open[0].failures == 2);
  CHECK(open[0].code == "call_timed_out");
  CHECK(open[1].kind == "plugin");
  // Others are not concerned.
  CHECK(execute(acquire(add_local()), shell("true")).exit_code == 0);
  value_of(running->reset_environment(den));
  CHECK(refused(den).message.starts_with("Plugin \"rogue.plugin\" is left"));
  value_of(running->reset_plugin("rogue.plugin"));
  CHECK(value_of(running->breakers()).empty());
  CHECK(refused(den).code == ec::call_timed_out);
  CHECK(failure_of(running->reset_environment("none")).code
        == ec::unknown_environment);
  CHECK(failure_of(running->reset_plugin("none")).code == ec::unknown_plugin);
}
