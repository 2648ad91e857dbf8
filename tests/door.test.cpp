// The door of an environment, with the shipped actors: limits, the queue in
// front, and whoever leaves it.

#include "tests/support/stage.hpp"

using namespace leasehold;
using namespace std::chrono_literals;
using leasehold::test::answer;
using leasehold::test::stage;

namespace {

using texts = std::vector<std::string>;

supervisor_options with_limit(uint32_t leases) {
  supervisor_options out;
  out.environment.limits.leases_max = leases;
  out.environment.limits.queue_max = 3;
  out.environment.limits.queue_timeout = 30s;
  return out;
}

struct narrow : stage {
  narrow() : stage{with_limit(1)} {
    // nop
  }

  using granted = std::shared_ptr<answer<lease_granted>>;

  /// Asks for a lease that has this id.
  granted come(const std::string& id, const std::string& run,
               milliseconds patience = 0ms) {
    acquire_lease what;
    what.id = {id};
    what.company = {"company-1"};
    what.environment = "box";
    what.run = {run};
    what.queue_timeout = patience;
    return ask<lease_granted>(supervisor, what);
  }

  texts waiting() {
    auto shown = ask<queue_shown>(supervisor, show_queue{"box"});
    REQUIRE(shown->value);
    texts out;
    for (const auto& x : shown->value->waiting)
      out.push_back(x.lease.value);
    return out;
  }

  size_t live() {
    size_t out = 0;
    for (const auto& row : rows())
      out += has_ended(row.status) ? 0 : 1;
    return out;
  }
};

} // namespace

TEST_CASE_METHOD(narrow, "door: at the limit a run waits for a lease to end",
                 "[door]") {
  auto first = come("l-1", "run-1");
  REQUIRE(first->value);
  auto second = come("l-2", "run-2");
  CHECK_FALSE(second->arrived());
  CHECK(waiting() == texts{"l-2"});
  CHECK(live() == 1);
  CHECK(log.back() == "l-2: fresh -> queued");
  SECTION("that is released") {
    release(*first->value);
  }
  SECTION("that is destroyed") {
    ask<lease_ended>(supervisor, destroy_lease{first->value->handle, {}});
  }
  CHECK(second->value);
  CHECK(waiting().empty());
  CHECK(live() == 1);
}

TEST_CASE_METHOD(narrow, "door: a place that an acquire fails to use is free",
                 "[door]") {
  script.acquire_error = {ec::provider_refused, "No.", {}};
  script.held_back = {"acquire"};
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  script.held_back.clear();
  script.acquire_error = {};
  script.let_go("acquire");
  pass(10ms);
  CHECK(first->error.code == ec::provider_refused);
  CHECK(second->value);
}

TEST_CASE_METHOD(narrow, "door: a full queue refuses at once", "[door]") {
  come("l-1", "run-1");
  for (auto* id : {"l-2", "l-3", "l-4"})
    CHECK_FALSE(come(id, id)->arrived());
  CHECK(come("l-5", "run-5")->error.code == ec::overloaded);
  CHECK(live() == 1);
}

TEST_CASE_METHOD(narrow, "door: nobody waits longer than he said", "[door]") {
  auto first = come("l-1", "run-1");
  auto patient = come("l-2", "run-2");
  auto hasty = come("l-3", "run-3", 2s);
  pass(2s);
  CHECK(hasty->error.code == ec::queue_timed_out);
  CHECK(hasty->error.message
        == "Environment \"box\": No lease of the environment became free in "
           "2000 ms.");
  CHECK_FALSE(patient->arrived());
  pass(28s);
  CHECK(patient->error.code == ec::queue_timed_out);
  release(*first->value);
  CHECK(come("l-4", "run-4")->value);
}

TEST_CASE_METHOD(narrow, "door: who waits may leave", "[door]") {
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  auto third = come("l-3", "run-3");
  SECTION("because the request was taken back") {
    ask<done>(supervisor, cancel_acquire{{"l-2"}});
  }
  SECTION("because its run was released") {
    ask<run_released>(supervisor,
                      release_run{{"run-2"}, release_status::failed, {}});
  }
  CHECK(second->error.code == ec::cancelled);
  CHECK(waiting() == texts{"l-3"});
  release(*first->value);
  CHECK(third->value);
}

TEST_CASE_METHOD(narrow, "door: a request that has gone too far is ended",
                 "[door]") {
  script.held_back = {"acquire"};
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  ask<done>(supervisor, cancel_acquire{{"l-1"}});
  script.let_go("acquire");
  script.held_back.clear();
  pass(1s);
  CHECK(first->error.code == ec::cancelled);
  CHECK(row({"l-1"}).cleanup == cleanup_status::success);
  // Its place is free all the same.
  script.let_go("acquire");
  pass(1s);
  CHECK(second->value);
  // Once it is granted it is a lease like any other.
  ask<done>(supervisor, cancel_acquire{{"l-2"}});
  CHECK(row({"l-2"}).status == lease_status::active);
}

TEST_CASE_METHOD(narrow, "door: a run that takes its own again does not wait",
                 "[door]") {
  script.plan.policy = lease_policy::reuse_by_environment;
  script.plan.fingerprint = "same";
  auto first = come("l-1", "run-1");
  auto again = come("l-2", "run-1");
  REQUIRE(again->value);
  CHECK(again->value->handle.id == first->value->handle.id);
  auto other = come("l-3", "run-2");
  CHECK_FALSE(other->arrived());
  release(*again->value);
  CHECK(other->value);
}

TEST_CASE_METHOD(narrow, "door: whoever waits is told when the engine stops",
                 "[door]") {
  come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  ask<done>(supervisor, shut_down{});
  CHECK(second->error.code == ec::shutting_down);
}

TEST_CASE_METHOD(narrow, "door: a config changes the limit of its environment",
                 "[door]") {
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  CHECK_FALSE(second->arrived());
  environment_row changed;
  changed.id = {"env-box"};
  changed.name = "box";
  changed.driver = "scripted";
  SECTION("a higher one lets in who waits") {
    changed.config = json_text{R"({"admission":{"maxLeases":2}})"};
    write(put_environment{changed});
    say(supervisor, environment_changed{changed.id, "box"});
    CHECK(second->value);
    CHECK_FALSE(come("l-3", "run-3")->arrived());
  }
  SECTION("archived, it lets in nobody") {
    changed.config = json_text{"{}"};
    changed.status = environment_status::archived;
    write(put_environment{changed});
    say(supervisor, environment_changed{changed.id, "box"});
    CHECK(second->error.code == ec::environment_inactive);
  }
}

TEST_CASE_METHOD(stage, "door: leases that lived before a limit are counted",
                 "[door]") {
  auto first = acquire("run-1");
  auto second = acquire("run-2");
  environment_row changed;
  changed.id = {"env-box"};
  changed.name = "box";
  changed.driver = "scripted";
  changed.config = json_text{R"({"admission":{"maxLeases":2}})"};
  write(put_environment{changed});
  say(supervisor, environment_changed{changed.id, "box"});
  auto third = acquire("run-3");
  CHECK_FALSE(third->arrived());
  release(*first->value);
  CHECK(third->value);
  pass(10min);
  // The actor has not gone idle and forgotten them.
  auto fourth = acquire("run-4");
  CHECK_FALSE(fourth->arrived());
  release(*second->value);
  CHECK(fourth->value);
}
