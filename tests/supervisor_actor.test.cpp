// What a scheduler may count on, with the shipped actors, a driver that does as
// it is told, and time that passes when told to.

#include "tests/support/stage.hpp"

using namespace leasehold;
using namespace std::literals;
using test::stage;

namespace {

using calls = std::vector<std::string>;

/// A stage whose environment parks its resources.
struct reusing : stage {
  reusing() {
    script.plan.policy = lease_policy::reuse_by_environment;
    script.plan.fingerprint = "scripted:{}";
  }

  /// A run that came, left its resource behind, and went.
  lease_granted earlier_run() {
    auto lease = acquire("run-0");
    REQUIRE(lease->value);
    REQUIRE(release(*lease->value)->value);
    return *lease->value;
  }
};

} // namespace

TEST_CASE_METHOD(stage, "supervisor: a run gets a resource of its own",
                 "[actors]") {
  auto lease = acquire("run-1");
  REQUIRE(lease->value);
  CHECK(lease->value->resource == resource_id{"res-1"});
  CHECK(lease->value->origin == lease_origin::fresh);
  CHECK(row(lease->value->handle.id).status == lease_status::active);
  CHECK(script.calls == calls{"plan", "acquire for run-1"});
}

TEST_CASE_METHOD(stage,
                 "supervisor: the intent is on disk before the driver is "
                 "called, the grant before the run is told",
                 "[actors][promise-3]") {
  script.held_back = {"acquire"};
  auto lease = acquire("run-1");
  CHECK_FALSE(lease->arrived());
  REQUIRE(rows().size() == 1);
  CHECK(rows()[0].status == lease_status::acquiring);
  CHECK(rows()[0].deadline_at);
  script.let_go("acquire");
  settle();
  REQUIRE(lease->value);
  CHECK(rows()[0].status == lease_status::active);
  CHECK(rows()[0].fence == lease->value->handle.fence);
}

TEST_CASE_METHOD(stage, "supervisor: later grants have larger fences",
                 "[actors]") {
  auto first = acquire("run-1");
  auto second = acquire("run-2");
  CHECK(second->value->handle.fence > first->value->handle.fence);
}

TEST_CASE_METHOD(stage, "supervisor: an unknown environment is named",
                 "[actors]") {
  auto lease = acquire("run-1", "nowhere");
  CHECK(lease->error.code == ec::unknown_environment);
  CHECK(lease->error.message == "Environment \"nowhere\" not found.");
}

TEST_CASE_METHOD(stage, "supervisor: an archived environment takes no leases",
                 "[actors]") {
  environment_row closed;
  closed.id = {"env-closed"};
  closed.name = "closed";
  closed.driver = "scripted";
  closed.status = environment_status::archived;
  write(put_environment{closed});
  auto lease = acquire("run-1", "closed");
  CHECK(lease->error.code == ec::environment_inactive);
  CHECK(lease->error.message == "Environment \"closed\" is not active.");
  CHECK(rows().empty());
}

TEST_CASE_METHOD(stage,
                 "supervisor: a refused acquire fails the row and owes nothing",
                 "[actors]") {
  script.acquire_error = {ec::provider_refused, "No room today.", {}};
  auto lease = acquire("run-1");
  CHECK(lease->error.message == "No room today.");
  CHECK(rows()[0].status == lease_status::failed);
  CHECK(rows()[0].cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(stage,
                 "supervisor: a resource whose acquire got lost is found by "
                 "its lease id and removed",
                 "[actors][pb-12.1.4][promise-3]") {
  script.acquire_error = {ec::worker_lost, "The worker died.", {}};
  script.holds = {{{"res-x"}, {"lease-1"}}, {{"res-y"}, {"lease-9"}}};
  auto lease = acquire("run-1");
  CHECK(lease->error.code == ec::worker_lost);
  pass(1s);
  CHECK(rows()[0].status == lease_status::failed);
  CHECK(script.calls
        == calls{"plan", "acquire for run-1", "list", "destroy res-x"});
  // The acquire may still be under way, and this may be what it asked back.
  CHECK(rows()[0].cleanup == cleanup_status::failed);
  script.holds = {{{"res-z"}, {"lease-1"}}};
  pass(5min);
  CHECK(rows()[0].cleanup == cleanup_status::success);
  CHECK(script.calls.back() == "destroy res-z");
}

TEST_CASE_METHOD(stage,
                 "supervisor: a resource that comes up after its time is "
                 "removed",
                 "[actors][pb-12.1.4]") {
  script.plan.acquire_timeout = 10s;
  script.held_back = {"acquire"};
  auto lease = acquire("run-1");
  pass(10s);
  CHECK(lease->error.code == ec::call_timed_out);
  CHECK(rows()[0].cleanup == cleanup_status::failed);
  script.let_go("acquire");
  pass(6s);
  CHECK(script.calls.back() != "acquire for run-1");
  CHECK(std::count(script.calls.begin(), script.calls.end(), "destroy res-1")
        >= 1);
  CHECK(rows()[0].cleanup == cleanup_status::success);
}

// -- resume, else acquire -----------------------------------------------------

TEST_CASE_METHOD(reusing, "supervisor: the next run resumes what was parked",
                 "[actors]") {
  auto before = earlier_run();
  CHECK(row(before.handle.id).parked);
  auto lease = acquire("run-1");
  REQUIRE(lease->value);
  CHECK(lease->value->resource == before.resource);
  CHECK(lease->value->origin == lease_origin::resumed);
  CHECK_FALSE(row(before.handle.id).parked);
  CHECK(script.calls.back() == "resume res-1");
}

TEST_CASE_METHOD(reusing,
                 "supervisor: a parked resource that is gone is replaced, and "
                 "nothing is owed for it",
                 "[actors]") {
  auto before = earlier_run();
  script.resume_error = {ec::resource_gone, "Gone.", {}};
  auto lease = acquire("run-1");
  REQUIRE(lease->value);
  CHECK(lease->value->origin == lease_origin::replacement);
  CHECK(lease->value->origin_note == "res-1 is gone");
  CHECK(lease->value->resource == resource_id{"res-2"});
  CHECK(row(before.handle.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(reusing,
                 "supervisor: a parked resource that does not resume is "
                 "replaced and destroyed",
                 "[actors]") {
  auto before = earlier_run();
  script.resume_error = {ec::provider_refused, "It will not boot.", {}};
  auto lease = acquire("run-1");
  REQUIRE(lease->value);
  CHECK(lease->value->resource == resource_id{"res-2"});
  pass(1s);
  CHECK(script.calls.back() == "destroy res-1");
  CHECK(row(before.handle.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(reusing,
                 "supervisor: with `preserve`, a resource that does not "
                 "resume waits on and the run is refused",
                 "[actors]") {
  auto before = earlier_run();
  script.plan.preserve_on_resume_failure = true;
  script.resume_error = {ec::provider_refused, "It will not boot.", {}};
  auto lease = acquire("run-1");
  CHECK(lease->error.message
        == "Reusable sandbox lease \"res-1\" could not be resumed; the lease "
           "was preserved and no replacement was created.");
  CHECK(row(before.handle.id).parked);
  script.resume_error = {};
  auto again = acquire("run-2");
  REQUIRE(again->value);
  CHECK(again->value->resource == resource_id{"res-1"});
}

TEST_CASE_METHOD(reusing, "supervisor: two runs never resume the same resource",
                 "[actors][pb-12.1.1][promise-1]") {
  earlier_run();
  script.held_back = {"resume"};
  auto one = acquire("run-1");
  auto two = acquire("run-2");
  script.let_go("resume");
  settle();
  REQUIRE(one->value);
  REQUIRE(two->value);
  CHECK(one->value->resource != two->value->resource);
}

TEST_CASE_METHOD(reusing, "supervisor: another company's resource is not ours",
                 "[actors]") {
  earlier_run();
  acquire_lease what;
  what.id = {"lease-x"};
  what.company = {"company-2"};
  what.environment = "box";
  what.run = {"run-1"};
  auto lease = ask<lease_granted>(supervisor, what);
  REQUIRE(lease->value);
  CHECK(lease->value->origin == lease_origin::fresh);
}

TEST_CASE_METHOD(reusing,
                 "supervisor: a run that asks again gets its own lease under "
                 "a new fence",
                 "[actors]") {
  auto first = acquire("run-1");
  REQUIRE(first->value);
  auto again = acquire("run-1");
  INFO(again->error.message);
  REQUIRE(again->value);
  CHECK(again->value->handle.id == first->value->handle.id);
  CHECK(again->value->handle.fence > first->value->handle.fence);
  CHECK(again->value->origin == lease_origin::resumed);
  CHECK(script.calls.back() == "resume res-1");
  CHECK(rows().size() == 1);
  CHECK(release(*first->value)->error.code == ec::stale_lease);
  CHECK(release(*again->value)->value);
}

TEST_CASE_METHOD(reusing,
                 "supervisor: a run whose own resource does not resume gets a "
                 "new one, and the old one is destroyed",
                 "[actors]") {
  auto first = acquire("run-1");
  script.resume_error = {ec::resource_gone, "Gone.", {}};
  auto again = acquire("run-1");
  REQUIRE(again->value);
  CHECK(again->value->handle.id != first->value->handle.id);
  CHECK(again->value->origin == lease_origin::replacement);
  CHECK(again->value->resource == resource_id{"res-2"});
  CHECK(row(first->value->handle.id).status == lease_status::failed);
  CHECK(row(first->value->handle.id).cleanup == cleanup_status::success);
}

// -- the end of a lease -------------------------------------------------------

TEST_CASE_METHOD(stage, "supervisor: the run's outcome reaches the driver",
                 "[actors]") {
  auto lease = acquire("run-1");
  auto ended = release(*lease->value, release_status::failed);
  REQUIRE(ended->value);
  CHECK(ended->value->status == lease_status::failed);
  CHECK(ended->value->failure_reason == "adapter_or_run_failure");
  CHECK(script.calls.back() == "release res-1, failed");
}

TEST_CASE_METHOD(stage,
                 "supervisor: a release that the provider cannot carry out "
                 "ends the tenancy and owes the cleanup",
                 "[actors][promise-6]") {
  auto lease = acquire("run-1");
  script.release_error = {ec::worker_not_ready, "No worker.", {}};
  script.held_back = {"destroy"};
  auto ended = release(*lease->value, release_status::failed);
  REQUIRE(ended->value);
  CHECK(ended->value->status == lease_status::failed);
  CHECK(ended->value->cleanup == cleanup_status::failed);
  CHECK(ended->value->cleanup_error == "No worker.");
  script.let_go("destroy");
  pass(1s);
  CHECK(row(lease->value->handle.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(stage, "supervisor: a cleanup that fails is tried again",
                 "[actors][pb-12.1.6]") {
  auto lease = acquire("run-1");
  script.release_error = {ec::worker_not_ready, "No worker.", {}};
  script.destroy_error = {ec::provider_refused, "Busy.", {}};
  release(*lease->value);
  pass(4s);
  auto now = row(lease->value->handle.id);
  CHECK(now.cleanup == cleanup_status::failed);
  CHECK(now.cleanup_attempts == 1);
  script.destroy_error = {};
  pass(2s);
  CHECK(row(lease->value->handle.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(stage,
                 "supervisor: a release that is repeated is told the "
                 "same again",
                 "[actors]") {
  auto lease = acquire("run-1");
  release(*lease->value);
  auto again = release(*lease->value, release_status::failed);
  REQUIRE(again->value);
  CHECK(again->value->status == lease_status::released);
}

TEST_CASE_METHOD(stage, "supervisor: every verb refuses a stale fence",
                 "[actors][pb-12.1.2][trap-3][trap-14][promise-2]") {
  auto lease = *acquire("run-1")->value;
  lease.handle.fence += 1;
  CHECK(release(lease)->error.code == ec::stale_lease);
  CHECK(execute(lease, "make")->error.code == ec::stale_lease);
  CHECK(
    ask<lease_ended>(supervisor, destroy_lease{lease.handle, {}})->error.code
    == ec::stale_lease);
  CHECK(
    ask<lease_renewed>(supervisor, renew_lease{lease.handle, 1s})->error.code
    == ec::stale_lease);
  CHECK(script.calls == calls{"plan", "acquire for run-1"});
}

TEST_CASE_METHOD(stage,
                 "supervisor: one lease that fails to be released "
                 "stops no other of its run",
                 "[actors][pb-12.1.5]") {
  auto one = acquire("run-1");
  auto two = acquire("run-1");
  auto other = acquire("run-2");
  script.release_error = {ec::provider_refused, "Stuck.", {}};
  auto ended = ask<run_released>(
    supervisor, release_run{{"run-1"}, release_status::released, {}});
  REQUIRE(ended->value);
  CHECK(ended->value->leases.size() == 2);
  CHECK(has_ended(row(one->value->handle.id).status));
  CHECK(has_ended(row(two->value->handle.id).status));
  CHECK(row(other->value->handle.id).status == lease_status::active);
}

TEST_CASE_METHOD(stage,
                 "supervisor: a run that is released while it still waits "
                 "gets no lease and leaves nothing behind",
                 "[actors]") {
  script.held_back = {"acquire"};
  auto lease = acquire("run-1");
  ask<run_released>(supervisor,
                    release_run{{"run-1"}, release_status::expired, {}});
  script.let_go("acquire");
  pass(1s);
  CHECK(lease->error.code == ec::cancelled);
  CHECK(rows()[0].status == lease_status::failed);
  CHECK(rows()[0].cleanup == cleanup_status::success);
  CHECK(script.calls.back() == "destroy res-1");
}

TEST_CASE_METHOD(stage, "supervisor: a destroy is accepted in every state",
                 "[actors][trap-15][promise-8]") {
  auto destroy = [this](const lease_id& id) {
    auto gone
      = ask<lease_ended>(supervisor, destroy_lease{{id, 0}, "operator"});
    pass(1s);
    return gone;
  };
  SECTION("while it is being acquired") {
    script.held_back = {"acquire"};
    auto lease = acquire("run-1");
    auto id = rows()[0].id;
    destroy(id);
    CHECK(row(id).status == lease_status::failed);
    script.let_go("acquire");
    pass(1s);
    CHECK(lease->error.code == ec::lease_ended);
    CHECK(script.calls.back() == "destroy res-1");
  }
  SECTION("active") {
    auto lease = acquire("run-1");
    auto gone = destroy(lease->value->handle.id);
    REQUIRE(gone->value);
    CHECK(gone->value->status == lease_status::failed);
    CHECK(script.calls.back() == "destroy res-1");
  }
  SECTION("released") {
    auto lease = acquire("run-1");
    release(*lease->value);
    auto gone = destroy(lease->value->handle.id);
    REQUIRE(gone->value);
    CHECK(gone->value->status == lease_status::released);
  }
  SECTION("kept") {
    auto lease = acquire("run-1");
    ask<lease_ended>(
      supervisor,
      release_lease{
        lease->value->handle, release_status::released, {}, false, true});
    CHECK(row(lease->value->handle.id).status == lease_status::retained);
    auto gone = destroy(lease->value->handle.id);
    REQUIRE(gone->value);
    CHECK(gone->value->cleanup == cleanup_status::success);
    CHECK(script.calls.back() == "destroy res-1");
  }
}

TEST_CASE_METHOD(reusing, "supervisor: what was parked can be destroyed",
                 "[actors][pb-12.1.8]") {
  auto before = earlier_run();
  auto gone
    = ask<lease_ended>(supervisor, destroy_lease{before.handle, "operator"});
  pass(1s);
  REQUIRE(gone->value);
  CHECK(script.calls.back() == "destroy res-1");
  auto lease = acquire("run-1");
  REQUIRE(lease->value);
  CHECK(lease->value->resource == resource_id{"res-2"});
}

TEST_CASE_METHOD(stage,
                 "supervisor: leases are released before the engine "
                 "stops",
                 "[actors][trap-9]") {
  auto lease = acquire("run-1");
  auto stopped = ask(supervisor, shut_down{});
  CHECK(stopped->value);
  auto now = row(lease->value->handle.id);
  CHECK(now.status == lease_status::failed);
  CHECK(now.failure_reason == "engine_stopped");
  CHECK(now.cleanup == cleanup_status::success);
  CHECK(acquire("run-2")->error.code != ec::none);
}

TEST_CASE_METHOD(reusing,
                 "supervisor: an environment that nobody needs "
                 "leaves, and what was parked is found again",
                 "[actors][trap-1]") {
  auto before = earlier_run();
  pass(200s);
  auto lease = acquire("run-1");
  REQUIRE(lease->value);
  CHECK(lease->value->resource == before.resource);
}

TEST_CASE_METHOD(stage,
                 "supervisor: a config that was changed is used within "
                 "a second",
                 "[actors]") {
  acquire("run-1");
  environment_row closed;
  closed.id = {"env-box"};
  closed.name = "box";
  closed.driver = "scripted";
  closed.status = environment_status::archived;
  write(put_environment{closed});
  pass(1'100ms);
  CHECK(acquire("run-2")->error.code == ec::environment_inactive);
}

TEST_CASE_METHOD(reusing,
                 "supervisor: a release that crosses a run's asking again "
                 "leaves no lease that nobody minds",
                 "[actors][pb-12.1.2]") {
  auto first = acquire("run-1");
  script.held_back = {"release"};
  auto ended = release(*first->value);
  auto again = acquire("run-1");
  script.held_back.clear();
  script.let_go("release");
  pass(1s);
  CHECK(ended->value);
  REQUIRE(again->value);
  CHECK(release(*again->value)->value);
  for (const auto& left : rows())
    CHECK(has_ended(left.status));
}
