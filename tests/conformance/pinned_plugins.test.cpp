// PB §11.1, cases 14 to 16, and PB §3.17: drivers of plugins, and the driver
// that a lease has captured.

#include "tests/conformance/conforming.hpp"

#include <algorithm>

using namespace leasehold;
using namespace leasehold::test;
using nlohmann::json;

namespace {

struct delegating : conforming {
  delegating() {
    place("plugin", {{"pluginKey", "boxes.plugin"},
                     {"driverKey", "fake-driver"},
                     {"driverConfig", {{"template", "base"}}}});
    answers["environmentAcquireLease"]
      = {{"providerLeaseId", "vm-1"},
         {"expiresAt", "2026-05-11T08:30:00.250Z"},
         {"metadata", {{"driver", "local"}, {"pluginId", "evil"}}}};
  }

  /// What every call on the lease is told, and its own fields.
  json params(const std::string& method) {
    auto out = told(method);
    CHECK(out.erase("leaseId") == 1);
    CHECK(out.erase("leaseFence") == 1);
    return out;
  }
};

/// What all calls on a lease of that environment have in common.
json base() {
  return {{"driverKey", "fake-driver"},
          {"companyId", "company-1"},
          {"environmentId", "env-x"},
          {"issueId", nullptr},
          {"config", {{"template", "base"}}}};
}

} // namespace

TEST_CASE_METHOD(delegating,
                 "conformance 14: the plugin driver delegates, and its own "
                 "keys win over the provider's",
                 "[conformance]") {
  auto lease = leased();
  auto wanted = base();
  wanted["runId"] = "run-1";
  CHECK(params("environmentAcquireLease") == wanted);
  auto before = row(lease.handle.id);
  CHECK(before.provider == "plugin:boxes.plugin:fake-driver");
  CHECK(before.policy == lease_policy::ephemeral);
  CHECK(before.expires_at == timestamp{1'778'488'200'250});
  auto noted = kept(lease);
  CHECK(noted["driver"] == "plugin");
  CHECK(noted["pluginId"] == "plugin-1");
  CHECK(noted["driverKey"] == "fake-driver");
  CHECK(noted["executionWorkspaceMode"] == nullptr);
  CHECK(noted["providerMetadata"]["driver"] == "local");
  place("local", json::object());
  CHECK(released(lease).status == lease_status::released);
  auto end = told("environmentReleaseLease");
  CHECK(end["providerLeaseId"] == "vm-1");
  CHECK(end["leaseMetadata"]["driver"] == "plugin");
  CHECK(end["leaseMetadata"]["providerMetadata"]["pluginId"] == "evil");
  // Repaired: what the lease was taken under, not what the environment became.
  CHECK(end["config"] == json{{"template", "base"}});
}

TEST_CASE_METHOD(delegating,
                 "conformance 15: resume, realize, execute and destroy through "
                 "the plugin driver",
                 "[conformance][pb-12.1.16]") {
  answers["environmentResumeLease"] = {{"providerLeaseId", "vm-1"}};
  answers["environmentRealizeWorkspace"]
    = {{"cwd", "/workspace/project"}, {"metadata", {{"realized", true}}}};
  answers["environmentExecute"]
    = {{"exitCode", 0}, {"stdout", ""}, {"stderr", ""}};
  auto lease = leased();
  auto again = ask<lease_granted>(
    supervisor, resume_lease{{"wish-r"}, lease.handle.id.value, {"run-1"}});
  settle();
  REQUIRE(again->value);
  CHECK(again->value->resource == resource_id{"vm-1"});
  auto resumed = params("environmentResumeLease");
  CHECK(resumed.erase("leaseMetadata") == 1);
  auto wanted = base();
  wanted["providerLeaseId"] = "vm-1";
  CHECK(resumed == wanted);
  lease = *again->value;
  auto where = realize(lease, "/src");
  REQUIRE(where->value);
  CHECK(where->value->cwd == "/workspace/project");
  CHECK(json::parse(where->value->metadata.text) == json{{"realized", true}});
  execute(lease, "true");
  settle();
  CHECK(told("environmentExecute")["cwd"] == "/workspace/project");
  ask<lease_ended>(supervisor, destroy_lease{lease.handle, {}});
  settle();
  CHECK(row(lease.handle.id).status == lease_status::failed);
  CHECK(row(lease.handle.id).cleanup == cleanup_status::success);
  CHECK(methods().back() == "environmentDestroyLease");
  auto destroyed = params("environmentDestroyLease");
  CHECK(destroyed.erase("leaseMetadata") == 1);
  CHECK(destroyed == wanted);
}

TEST_CASE_METHOD(conforming,
                 "conformance 16: a lease is released by the driver that it "
                 "captured",
                 "[conformance]") {
  place("scripted", json::object());
  auto lease = leased();
  place("spy", json::object());
  CHECK(released(lease).status == lease_status::released);
  CHECK(std::count(script.calls.begin(), script.calls.end(),
                   "release res-1, released")
        == 1);
  CHECK(spied.calls.empty());
}

TEST_CASE_METHOD(conforming,
                 "conformance 3.17: a plugin driver that cannot serve says "
                 "which way",
                 "[conformance]") {
  auto told_why = [this](const char* plugin, const char* driver) {
    place("plugin", {{"pluginKey", plugin}, {"driverKey", driver}});
    return refusal(wish("run-1")).message;
  };
  CHECK(told_why("nobody", "vm")
        == "Plugin environment driver \"nobody:vm\" is not ready.");
  CHECK(told_why("boxes.plugin", "vm")
        == "Plugin \"boxes.plugin\" does not declare environment driver "
           "\"vm\".");
  CHECK(rows().empty());
}
