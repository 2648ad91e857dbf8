// Resuming a lease by its id (PB §3.1), on the stage.

#include "tests/conformance/conforming.hpp"

using namespace leasehold;
using namespace leasehold::test;
using nlohmann::json;

namespace {

struct resuming : conforming {
  resuming() {
    place("sandbox", reusable);
    answers["environmentResumeLease"] = {{"providerLeaseId", "sandbox-1"}};
  }

  std::shared_ptr<answer<lease_granted>> resume(const lease_granted& lease,
                                                const std::string& run) {
    auto out = ask<lease_granted>(
      supervisor,
      resume_lease{{"resumed-" + run}, lease.handle.id.value, {run}, {}});
    settle();
    return out;
  }

  /// Ends a lease so that its resource stays for somebody to look at.
  void keep(const lease_granted& lease) {
    ask<lease_ended>(
      supervisor,
      release_lease{lease.handle, release_status::failed, {}, false, true});
    settle();
    REQUIRE(row(lease.handle.id).status == lease_status::retained);
  }
};

} // namespace

TEST_CASE_METHOD(resuming,
                 "conformance 3.1: a lease takes up what another has left, by "
                 "what that one captured",
                 "[conformance]") {
  auto kept_for_a_look = GENERATE(false, true);
  auto before = leased("run-1");
  if (kept_for_a_look)
    keep(before);
  else
    CHECK(released(before).parked);
  // Whatever the environment has become.
  place("local", json::object());
  auto got = resume(before, "run-2");
  REQUIRE(got->value);
  auto lease = *got->value;
  CHECK(lease.resource == resource_id{"sandbox-1"});
  CHECK(lease.origin == lease_origin::resumed);
  CHECK(lease.handle.id != before.handle.id);
  CHECK(lease.handle.fence > before.handle.fence);
  CHECK(lease.driver == "sandbox");
  auto old = row(before.handle.id);
  CHECK_FALSE(old.parked);
  CHECK(old.cleanup == cleanup_status::success);
  CHECK(history(before.handle.id).back().ends_with("claimed by resumed-run-2"));
  auto now = row(lease.handle.id);
  CHECK(now.run == run_id{"run-2"});
  CHECK(now.policy == lease_policy::reuse_by_environment);
  CHECK(now.environment == environment_id{"env-x"});
  auto params = told("environmentResumeLease");
  CHECK(params["providerLeaseId"] == "sandbox-1");
  CHECK(params["config"]["image"] == "template-b");
  CHECK(params["leaseMetadata"]["provider"] == "fake-plugin");
  // It works, and ends as any other.
  execute(lease, "true");
  settle();
  CHECK(methods().back() == "environmentExecute");
  CHECK(released(lease).parked);
}

TEST_CASE_METHOD(resuming,
                 "conformance 3.1: a run resumes the lease that it holds, "
                 "under a new fence",
                 "[conformance]") {
  auto before = leased("run-1");
  auto got = resume(before, "run-1");
  REQUIRE(got->value);
  auto lease = *got->value;
  CHECK(lease.handle.id == before.handle.id);
  CHECK(lease.handle.fence > before.handle.fence);
  CHECK(lease.provider == "fake-plugin");
  CHECK(rows().size() == 1);
  auto late = execute(before, "true");
  settle();
  CHECK(late->error.code == ec::stale_lease);
  CHECK(released(lease).status == lease_status::released);
}

TEST_CASE_METHOD(resuming,
                 "conformance 3.1: what is gone is said to be gone, and "
                 "nothing is made instead",
                 "[conformance]") {
  auto before = leased("run-1");
  auto ended = GENERATE(false, true);
  if (ended)
    released(before);
  calls.clear();
  answers["environmentResumeLease"] = {{"providerLeaseId", nullptr}};
  auto got = resume(before, ended ? "run-2" : "run-1");
  CHECK(got->error.code == ec::resource_gone);
  CHECK(calls.at(0).first == "environmentResumeLease");
  for (const auto& method : methods())
    CHECK(method != "environmentAcquireLease");
  CHECK(has_ended(row(before.handle.id).status));
  CHECK(row(before.handle.id).cleanup == cleanup_status::success);
  for (const auto& x : rows())
    CHECK(has_ended(x.status));
}

TEST_CASE_METHOD(resuming,
                 "conformance 3.1: a resume that fails leaves everything as it "
                 "was",
                 "[conformance]") {
  auto before = leased("run-1");
  auto how = GENERATE("held", "parked", "kept");
  CAPTURE(how);
  if (how == std::string{"parked"})
    released(before);
  if (how == std::string{"kept"})
    keep(before);
  auto then = row(before.handle.id);
  refused["environmentResumeLease"] = -32002;
  auto run = how == std::string{"held"} ? "run-1" : "run-2";
  auto got = resume(before, run);
  CHECK(got->error.code == ec::provider_refused);
  auto now = row(before.handle.id);
  CHECK(now.status == then.status);
  CHECK(now.parked == then.parked);
  CHECK(now.cleanup == then.cleanup);
  CHECK(now.fence == then.fence);
  // And the next try may work.
  refused.clear();
  CHECK(resume(before, std::string{run} + "b")->arrived());
  if (how != std::string{"held"})
    CHECK(rows().back().resource == resource_id{"sandbox-1"});
}

TEST_CASE_METHOD(resuming,
                 "conformance 3.1: a driver that cannot resume says so, and "
                 "the lease goes on",
                 "[conformance]") {
  place("local", json::object());
  auto lease = leased("run-1");
  auto got = resume(lease, "run-1");
  CHECK(got->error.code == ec::not_supported);
  CHECK(got->error.message
        == "Environment driver \"local\" does not support lease resume.");
  CHECK(row(lease.handle.id).fence == lease.handle.fence);
  CHECK(released(lease).status == lease_status::released);
}

TEST_CASE_METHOD(resuming,
                 "conformance 3.1: there are leases that nobody can resume",
                 "[conformance]") {
  auto lease = leased("run-1");
  CHECK(resume(lease, "run-2")->error.code == ec::in_use);
  CHECK(resume(lease, "")->error.code == ec::invalid_request);
  ask<lease_ended>(supervisor, destroy_lease{lease.handle, {}});
  settle();
  CHECK(resume(lease, "run-3")->error.code == ec::resource_gone);
  auto unknown = ask<lease_granted>(
    supervisor, resume_lease{{"w"}, "no-such-lease", {"run-4"}, {}});
  settle();
  CHECK(unknown->error.code == ec::unknown_lease);
  CHECK(methods()
        == std::vector<std::string>{"environmentAcquireLease",
                                    "environmentDestroyLease"});
}
