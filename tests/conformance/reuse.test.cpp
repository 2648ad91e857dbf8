// PB §11.2, reuse: which resource a run gets, and which it does not. The rows
// and what became of each are in README.md.

#include "tests/conformance/conforming.hpp"

using namespace leasehold;
using namespace leasehold::test;
using nlohmann::json;

namespace {

using words = std::vector<std::string>;

json changed(json config, const char* key, json value) {
  config[key] = std::move(value);
  return config;
}

/// A run has come and gone, and left `sandbox-1` behind.
struct reusing : conforming {
  reusing() {
    place("sandbox", reusable);
    answers["environmentResumeLease"] = {{"providerLeaseId", "sandbox-1"}};
  }

  lease_granted earlier_run(const std::string& workspace = {}) {
    auto what = wish("run-0");
    what.workspace = {workspace};
    auto lease = leased(what);
    released(lease);
    calls.clear();
    answers["environmentAcquireLease"] = {{"providerLeaseId", "sandbox-2"}};
    return lease;
  }
};

} // namespace

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: what says nothing does not block matching",
                 "[conformance]") {
  earlier_run();
  // A null, another order of keys, the engine's own keys.
  auto wanted = GENERATE(
    changed(reusable, "snapshot", nullptr),
    json::parse(R"({"timeoutMs":300000,"reuseLease":true,"image":"template-b",
                    "provider":"fake-plugin"})"),
    changed(reusable, "onResumeFailure", "preserve"));
  place("sandbox", wanted);
  CHECK(leased("run-1").resource == resource_id{"sandbox-1"});
}

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: a config that has drifted gets a resource "
                 "of its own",
                 "[conformance]") {
  auto before = earlier_run();
  place("sandbox", changed(reusable, "image", "template-c"));
  CHECK(leased("run-1").resource == resource_id{"sandbox-2"});
  CHECK(methods() == words{"environmentAcquireLease"});
  CHECK(row(before.handle.id).parked);
}

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: the next run resumes, and the row of the "
                 "last one has ended for good",
                 "[conformance]") {
  auto before = earlier_run();
  auto lease = leased("run-1");
  CHECK(lease.origin == lease_origin::resumed);
  CHECK(lease.handle.id != before.handle.id);
  CHECK(methods() == words{"environmentResumeLease"});
  auto old = row(before.handle.id);
  CHECK(old.status == lease_status::released);
  CHECK(old.cleanup == cleanup_status::success);
  CHECK_FALSE(old.parked);
}

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: a run that comes again has its own row "
                 "again",
                 "[conformance]") {
  auto first = leased("run-1");
  auto again = leased("run-1");
  CHECK(again.handle.id == first.handle.id);
  CHECK(again.handle.fence > first.handle.fence);
  CHECK(again.resource == first.resource);
  CHECK(again.provider == "fake-plugin");
  CHECK(rows().size() == 1);
}

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: what another run holds is not touched",
                 "[conformance]") {
  auto held = leased("run-1");
  answers["environmentAcquireLease"] = {{"providerLeaseId", "sandbox-2"}};
  CHECK(leased("run-2").resource == resource_id{"sandbox-2"});
  CHECK(methods()
        == words{"environmentAcquireLease", "environmentAcquireLease"});
  CHECK(row(held.handle.id).status == lease_status::active);
}

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: with `preserve`, a resume that fails is "
                 "refused, and the resource waits on",
                 "[conformance][pb-12.1.11]") {
  // The second is a worker that has dropped the verb meanwhile.
  auto code = GENERATE(-32002, -32601);
  place("sandbox", changed(reusable, "onResumeFailure", "preserve"));
  auto before = earlier_run();
  refused["environmentResumeLease"] = code;
  auto why = refusal(wish("run-1"));
  CHECK(why.message
        == "Reusable sandbox lease \"sandbox-1\" could not be resumed; the "
           "lease was preserved and no replacement was created.");
  CHECK(methods() == words{"environmentResumeLease"});
  CHECK(row(before.handle.id).parked);
}

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: what is gone is replaced, and nothing is "
                 "destroyed",
                 "[conformance]") {
  auto before = earlier_run();
  answers["environmentResumeLease"]
    = {{"providerLeaseId", nullptr}, {"metadata", {{"expired", true}}}};
  auto lease = leased("run-1");
  CHECK(lease.resource == resource_id{"sandbox-2"});
  CHECK(lease.origin == lease_origin::replacement);
  CHECK(lease.origin_note == "sandbox-1 is gone");
  CHECK(methods()
        == words{"environmentResumeLease", "environmentAcquireLease"});
  CHECK(row(before.handle.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(conforming,
                 "conformance 11.2: a provider that does not reuse is asked "
                 "for a new resource each time",
                 "[conformance]") {
  auto how = GENERATE("manifest", "worker");
  auto wanted = reusable;
  if (how == std::string{"manifest"})
    wanted["provider"] = "stubborn";
  else
    supported = {"environmentAcquireLease", "environmentReleaseLease"};
  place("sandbox", wanted);
  auto lease = leased("run-1");
  CHECK(row(lease.handle.id).policy == lease_policy::ephemeral);
  CHECK_FALSE(released(lease).parked);
  // It is not asked to park what nobody will resume.
  CHECK(told("environmentReleaseLease")["config"]["reuseLease"] == false);
  leased("run-2");
  CHECK(methods()
        == words{"environmentAcquireLease", "environmentReleaseLease",
                 "environmentAcquireLease"});
}

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: under `reuse_by_execution_workspace` a "
                 "resource is its workspace's",
                 "[conformance][pb-12.1.8]") {
  place("sandbox",
        changed(reusable, "leasePolicy", "reuse_by_execution_workspace"));
  auto before = earlier_run("workspace-1");
  CHECK(row(before.handle.id).policy
        == lease_policy::reuse_by_execution_workspace);
  auto same = wish("run-1");
  auto workspace = GENERATE("workspace-1", "workspace-2", "");
  same.workspace = {workspace};
  auto lease = leased(same);
  auto fits = workspace == std::string{"workspace-1"};
  CHECK(lease.resource == resource_id{fits ? "sandbox-1" : "sandbox-2"});
  CHECK(row(before.handle.id).parked == !fits);
}

TEST_CASE_METHOD(reusing,
                 "conformance 11.2: another company's resource is never "
                 "resumed",
                 "[conformance]") {
  earlier_run();
  auto other = wish("run-1");
  other.company = {"company-2"};
  CHECK(leased(other).resource == resource_id{"sandbox-2"});
  CHECK(methods() == words{"environmentAcquireLease"});
}

TEST_CASE_METHOD(reusing,
                 "conformance 3.19: an ad-hoc lease resumes nothing and leaves "
                 "nothing",
                 "[conformance]") {
  earlier_run();
  auto lease = leased("");
  CHECK(lease.resource == resource_id{"sandbox-2"});
  CHECK(told("environmentAcquireLease")["runId"] == lease.handle.id.value);
  CHECK(row(lease.handle.id).policy == lease_policy::ephemeral);
  CHECK(row(lease.handle.id).run.empty());
  // No run's release finds it.
  auto ended = ask<run_released>(
    supervisor, release_run{{"run-0"}, release_status::released, {}});
  settle();
  CHECK(ended->value->leases.empty());
  CHECK_FALSE(released(lease).parked);
}
