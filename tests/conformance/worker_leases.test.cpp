// Behaviours of the environment runtime that Leasehold re-implements, in the
// order and under the names of PB 11.1. What workers were told is judged from
// outside, on a recording: nothing that fails can be swallowed (PB 12.1.17).

#include "tests/support/stage.hpp"

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;
using test::fake_process;
using test::stage;

namespace {

constexpr const char* secret_1 = "11111111-2222-4333-8444-555555555555";

constexpr const char* manifest = R"({
  "id": "boxes.plugin", "apiVersion": 1, "version": "1.0.0",
  "displayName": "Boxes", "capabilities": ["environment.drivers.register"],
  "environmentDrivers": [
    {"driverKey": "fake-plugin", "kind": "sandbox_provider",
     "configSchema": {"type": "object", "properties": {
       "apiKey": {"type": "string", "format": "secret-ref"}}}},
    {"driverKey": "fake-driver"}]})";

/// A worker that answers as a test says, and whose calls are kept.
struct recording {
  void answer_call(fake_process& process, const json& request) {
    auto method = request.value("method", "");
    if (method == "initialize")
      return process.reply(request, {{"ok", true}});
    if (method == "shutdown")
      return process.exit(0);
    calls.emplace_back(method, request.value("params", json::object()));
    if (silent.contains(method))
      return;
    if (refused.contains(method))
      return process.say(
        json{{"jsonrpc", "2.0"},
             {"id", request.at("id")},
             {"error", {{"code", -32002}, {"message", "No such thing."}}}}
          .dump());
    process.reply(request,
                  answers.contains(method) ? answers[method] : json::object());
  }

  /// The parameters of the last call of this method.
  json told(const std::string& method) const {
    for (auto i = calls.rbegin(); i != calls.rend(); ++i)
      if (i->first == method)
        return i->second;
    return {};
  }

  std::vector<std::string> methods() const {
    std::vector<std::string> out;
    for (const auto& [method, params] : calls)
      out.push_back(method);
    return out;
  }

  std::vector<std::pair<std::string, json>> calls;
  std::map<std::string, json> answers{
    {"environmentAcquireLease", {{"providerLeaseId", "sandbox-1"}}}};
  std::set<std::string> refused;
  std::set<std::string> silent;
};

/// A stage with such a worker. The recording outlives the stage, whose end is
/// recorded, too.
struct conforming : recording, stage {
  conforming() {
    auto found = database->read(get_plugin{"plugin-1"}).value();
    auto row = std::get<plugin_rows>(found).rows.front();
    row.manifest = json_text{manifest};
    write(put_plugin{row});
    processes.on_request = [this](fake_process& process, const json& request) {
      answer_call(process, request);
    };
  }

  void place(const std::string& driver, const json& setup) {
    environment_row row;
    row.id = {"env-x"};
    row.name = "x";
    row.driver = driver;
    row.config = json_text{setup.dump()};
    write(put_environment{row});
    ask(supervisor, environment_changed{row.id, row.name});
  }

  lease_granted leased(const std::string& run = "run-1") {
    auto got = acquire(run, "x");
    settle();
    INFO(got->error.message);
    REQUIRE(got->value);
    return *got->value;
  }

  lease_row released(const lease_granted& lease,
                     release_status how = release_status::released) {
    release(lease, how);
    settle();
    return row(lease.handle.id);
  }
};

const json reusable{{"provider", "fake-plugin"},
                    {"image", "template-b"},
                    {"timeoutMs", 300'000},
                    {"reuseLease", true}};

using words = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(conforming,
                 "conformance 1: a plugin provider's resource is reused by a "
                 "config that matches",
                 "[conformance]") {
  auto other = reusable;
  other["image"] = "template-a";
  place("sandbox", other);
  released(leased("run-a"));
  answers["environmentAcquireLease"] = {{"providerLeaseId", "sandbox-2"}};
  place("sandbox", reusable);
  released(leased("run-b"));
  answers["environmentResumeLease"] = {{"providerLeaseId", "sandbox-2"}};
  CHECK(leased("run-c").resource == resource_id{"sandbox-2"});
  CHECK(told("environmentResumeLease")["providerLeaseId"] == "sandbox-2");
}

TEST_CASE_METHOD(conforming,
                 "conformance 7: the built-in fake has one resource per "
                 "environment if it is reused",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake"}, {"reuseLease", true}});
  auto lease = leased();
  CHECK(lease.resource == resource_id{"sandbox://fake/env-x"});
  auto kept = json::parse(row(lease.handle.id).metadata.text);
  CHECK(kept["driver"] == "sandbox");
  CHECK(kept["provider"] == "fake");
  CHECK(kept["image"] == "ubuntu:24.04");
  CHECK(kept["reuseLease"] == true);
  CHECK(released(lease).status == lease_status::released);
}

TEST_CASE_METHOD(conforming,
                 "conformance 8: execute and release of a plugin-backed "
                 "sandbox, after its environment has changed",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"},
                    {"image", "x"},
                    {"timeoutMs", 1234},
                    {"reuseLease", false}});
  answers["environmentAcquireLease"]
    = {{"providerLeaseId", "sandbox-1"}, {"metadata", {{"remoteCwd", "/w"}}}};
  answers["environmentExecute"]
    = {{"exitCode", 0}, {"stdout", "ok\n"}, {"stderr", ""}};
  auto lease = leased();
  auto done = execute(lease, "printf ok");
  settle();
  REQUIRE(done->value);
  CHECK(done->value->stdout_text == "ok\n");
  place("local", json::object());
  CHECK(released(lease).status == lease_status::released);
  json told_config{{"image", "x"}, {"timeoutMs", 1234}, {"reuseLease", false}};
  for (const auto* method : {"environmentAcquireLease", "environmentExecute",
                             "environmentReleaseLease"})
    CHECK(told(method)["config"] == told_config);
}

TEST_CASE_METHOD(conforming,
                 "conformance 9: secrets are spelled out in calls and named in "
                 "rows, whatever the provider echoes",
                 "[conformance]") {
  secrets.values[secret_1] = "resolved-provider-key";
  place("sandbox", {{"provider", "fake-plugin"}, {"apiKey", secret_1}});
  answers["environmentAcquireLease"]
    = {{"providerLeaseId", "sandbox-1"},
       {"metadata",
        {{"apiKey", "resolved-provider-key"},
         {"note", "logged in with resolved-provider-key"}}}};
  auto lease = leased();
  execute(lease, "true");
  settle();
  place("local", json::object());
  auto ended = released(lease);
  CHECK(ended.status == lease_status::released);
  for (const auto* method : {"environmentAcquireLease", "environmentExecute",
                             "environmentReleaseLease"})
    CHECK(told(method)["config"]["apiKey"] == "resolved-provider-key");
  CHECK(ended.metadata.text.find("resolved") == std::string::npos);
  auto kept = json::parse(ended.metadata.text);
  CHECK(kept["config"]["apiKey"] == secret_1);
  CHECK(kept["providerMetadata"]["note"] == "logged in with ***");
  for (const auto& x : secrets.asked) {
    CHECK(x.path == "apiKey");
    CHECK(x.environment == environment_id{"env-x"});
  }
}

TEST_CASE_METHOD(conforming,
                 "conformance 9: a secret that cannot be had refuses the "
                 "lease, and nothing is recorded",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}, {"apiKey", secret_1}});
  auto got = acquire("run-1", "x");
  settle();
  CHECK(got->error.message == "Secret not found");
  CHECK(rows().empty());
  CHECK(calls.empty());
}

TEST_CASE_METHOD(conforming,
                 "conformance 11: a lease call has the longer of the config's "
                 "times, and 30 s",
                 "[conformance]") {
  auto bridge = GENERATE(0, 40'000);
  auto limit = bridge == 0 ? 31'234ms : 70'000ms;
  json setup{
    {"provider", "fake-plugin"}, {"timeoutMs", 1234}, {"reuseLease", false}};
  if (bridge > 0)
    setup["bridgeRequestTimeoutMs"] = bridge;
  place("sandbox", setup);
  silent.insert("environmentAcquireLease");
  auto got = acquire("run-1", "x");
  pass(limit - 1ms);
  CHECK_FALSE(got->arrived());
  pass(2ms);
  CHECK(got->error.code == ec::call_timed_out);
  CHECK(got->error.message
        == "RPC call \"environmentAcquireLease\" timed out after "
             + std::to_string(limit.count()) + "ms");
}

TEST_CASE_METHOD(conforming,
                 "conformance 12: a resume that fails falls back to an acquire",
                 "[conformance]") {
  place("sandbox", reusable);
  answers["environmentAcquireLease"] = {{"providerLeaseId", "stale"}};
  released(leased("run-a"));
  calls.clear();
  refused.insert("environmentResumeLease");
  answers["environmentAcquireLease"] = {{"providerLeaseId", "fresh"}};
  auto lease = leased("run-b");
  CHECK(lease.resource == resource_id{"fresh"});
  CHECK(calls.at(0).first == "environmentResumeLease");
  CHECK(calls.at(0).second["providerLeaseId"] == "stale");
  CHECK(calls.at(1).first == "environmentAcquireLease");
  CHECK(calls.at(1).second["runId"] == "run-b");
}

TEST_CASE_METHOD(conforming,
                 "conformance 13: a fake lease is released after its "
                 "environment has changed",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake"}});
  auto lease = leased();
  place("local", json::object());
  CHECK(released(lease).status == lease_status::released);
}

TEST_CASE_METHOD(conforming,
                 "conformance 14: the plugin driver delegates, and its own "
                 "keys win over the provider's",
                 "[conformance]") {
  place("plugin", {{"pluginKey", "boxes.plugin"},
                   {"driverKey", "fake-driver"},
                   {"driverConfig", {{"template", "base"}}}});
  answers["environmentAcquireLease"]
    = {{"providerLeaseId", "vm-1"},
       {"expiresAt", "2026-05-11T08:30:00.250Z"},
       {"metadata", {{"driver", "local"}, {"pluginId", "evil"}}}};
  auto lease = leased();
  auto params = told("environmentAcquireLease");
  CHECK(params.erase("leaseId") == 1);
  CHECK(params.erase("leaseFence") == 1);
  CHECK(params
        == json{{"driverKey", "fake-driver"},
                {"companyId", "company-1"},
                {"environmentId", "env-x"},
                {"issueId", nullptr},
                {"config", {{"template", "base"}}},
                {"runId", "run-1"}});
  auto before = row(lease.handle.id);
  CHECK(before.provider == "plugin:boxes.plugin:fake-driver");
  CHECK(before.policy == lease_policy::ephemeral);
  CHECK(before.expires_at == timestamp{1'778'488'200'250});
  auto kept = json::parse(before.metadata.text);
  CHECK(kept["driver"] == "plugin");
  CHECK(kept["pluginId"] == "plugin-1");
  CHECK(kept["driverKey"] == "fake-driver");
  CHECK(kept["executionWorkspaceMode"] == nullptr);
  CHECK(kept["providerMetadata"]["driver"] == "local");
  place("local", json::object());
  CHECK(released(lease).status == lease_status::released);
  params = told("environmentReleaseLease");
  CHECK(params["providerLeaseId"] == "vm-1");
  CHECK(params["leaseMetadata"]["driver"] == "plugin");
  CHECK(params["leaseMetadata"]["providerMetadata"]["pluginId"] == "evil");
  // Repaired: what the lease was taken under, not what the environment became.
  CHECK(params["config"] == json{{"template", "base"}});
}

TEST_CASE_METHOD(conforming,
                 "conformance 15: realize, execute and destroy through the "
                 "plugin driver",
                 "[conformance]") {
  place("plugin",
        {{"pluginKey", "boxes.plugin"}, {"driverKey", "fake-driver"}});
  answers["environmentRealizeWorkspace"]
    = {{"cwd", "/workspace/project"}, {"metadata", {{"realized", true}}}};
  answers["environmentExecute"]
    = {{"exitCode", 0}, {"stdout", ""}, {"stderr", ""}};
  auto lease = leased();
  auto where = ask<workspace_realized>(
    supervisor, realize_workspace{lease.handle, "/src", {}, {}, {}});
  settle();
  REQUIRE(where->value);
  CHECK(where->value->cwd == "/workspace/project");
  auto kept = json::parse(row(lease.handle.id).metadata.text);
  CHECK(kept["workspaceRealization"]
        == json{{"cwd", "/workspace/project"}, {"realized", true}});
  execute(lease, "true");
  settle();
  CHECK(told("environmentExecute")["cwd"] == "/workspace/project");
  ask<lease_ended>(supervisor, destroy_lease{lease.handle, {}});
  settle();
  CHECK(row(lease.handle.id).status == lease_status::failed);
  CHECK(row(lease.handle.id).cleanup == cleanup_status::success);
  CHECK(methods().back() == "environmentDestroyLease");
}

TEST_CASE_METHOD(conforming,
                 "conformance 3.17: a plugin driver that cannot serve says "
                 "which way",
                 "[conformance]") {
  auto refusal = [this](const char* plugin, const char* driver) {
    place("plugin", {{"pluginKey", plugin}, {"driverKey", driver}});
    auto got = acquire("run-1", "x");
    settle();
    return got->error.message;
  };
  CHECK(refusal("nobody", "vm")
        == "Plugin environment driver \"nobody:vm\" is not ready.");
  CHECK(refusal("boxes.plugin", "vm")
        == "Plugin \"boxes.plugin\" does not declare environment driver "
           "\"vm\".");
  CHECK(rows().empty());
}

TEST_CASE_METHOD(conforming,
                 "conformance 6: a driver's own realization record is kept as "
                 "it is",
                 "[conformance]") {
  place("plugin",
        {{"pluginKey", "boxes.plugin"}, {"driverKey", "fake-driver"}});
  answers["environmentRealizeWorkspace"] = {
    {"cwd", "/w"}, {"metadata", {{"workspaceRealization", {{"version", 1}}}}}};
  auto lease = leased();
  ask<workspace_realized>(supervisor,
                          realize_workspace{lease.handle, "/src", {}, {}, {}});
  settle();
  auto kept = json::parse(row(lease.handle.id).metadata.text);
  CHECK(kept["workspaceRealization"] == json{{"version", 1}});
}
