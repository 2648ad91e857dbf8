// PB §11.1, cases 8 to 13: sandboxes of a plugin.

#include "tests/conformance/conforming.hpp"

using namespace leasehold;
using namespace leasehold::test;
using namespace std::literals;
using nlohmann::json;

namespace {

constexpr const char* pinned_secret = "11111111-2222-4333-8444-555555555555";

const auto lease_calls = {"environmentAcquireLease", "environmentExecute",
                          "environmentReleaseLease"};

} // namespace

TEST_CASE_METHOD(conforming,
                 "conformance 8: execute and release of a plugin-backed "
                 "sandbox, after its environment has changed",
                 "[conformance][pb-12.1.17]") {
  place("sandbox", {{"provider", "fake-plugin"},
                    {"image", "x"},
                    {"timeoutMs", 1234},
                    {"reuseLease", false}});
  answers["environmentAcquireLease"]
    = {{"providerLeaseId", "sandbox-1"}, {"metadata", {{"remoteCwd", "/w"}}}};
  answers["environmentExecute"]
    = {{"exitCode", 0}, {"stdout", "ok\n"}, {"stderr", ""}};
  auto lease = leased();
  CHECK(kept(lease)["providerMetadata"]["remoteCwd"] == "/w");
  auto done = execute(lease, "printf ok");
  settle();
  REQUIRE(done->value);
  CHECK(done->value->stdout_text == "ok\n");
  place("local", json::object());
  CHECK(released(lease).status == lease_status::released);
  CHECK(rows().size() == 1);
  // Enforced, where Paperclip's own test swallows it: none of the host's keys.
  json told_config{{"image", "x"}, {"timeoutMs", 1234}, {"reuseLease", false}};
  for (const auto* method : lease_calls)
    CHECK(told(method)["config"] == told_config);
}

TEST_CASE_METHOD(conforming,
                 "conformance 9: secrets are spelled out in calls and named in "
                 "rows, whatever the provider echoes",
                 "[conformance]") {
  secrets.values[pinned_secret] = "resolved-provider-key";
  place("sandbox", {{"provider", "fake-plugin"}, {"apiKey", pinned_secret}});
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
  for (const auto* method : lease_calls)
    CHECK(told(method)["config"]["apiKey"] == "resolved-provider-key");
  CHECK(ended.metadata.text.find("resolved") == std::string::npos);
  CHECK(kept(lease)["config"]["apiKey"] == pinned_secret);
  CHECK(kept(lease)["providerMetadata"]["note"] == "logged in with ***");
  for (const auto& x : secrets.asked) {
    CHECK(x.path == "apiKey");
    CHECK(x.environment == environment_id{"env-x"});
  }
}

TEST_CASE_METHOD(conforming,
                 "conformance 9: a secret that cannot be had refuses the "
                 "lease, and nothing is recorded",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}, {"apiKey", pinned_secret}});
  CHECK(refusal(wish("run-1")).message == "Secret not found");
  CHECK(rows().empty());
  CHECK(calls.empty());
}

TEST_CASE_METHOD(conforming,
                 "conformance 9: an acquire is one access to its secrets",
                 "[conformance]") {
  secrets.values[pinned_secret] = "resolved-provider-key";
  auto nested = GENERATE(false, true);
  if (nested)
    place("plugin", {{"pluginKey", "boxes.plugin"},
                     {"driverKey", "fake-plugin"},
                     {"driverConfig", {{"apiKey", pinned_secret}}}});
  else
    place("sandbox", {{"provider", "fake-plugin"}, {"apiKey", pinned_secret}});
  leased();
  CHECK(secrets.checked == 1);
  REQUIRE(secrets.asked.size() == 1);
  CHECK(secrets.asked[0].path == (nested ? "driverConfig.apiKey" : "apiKey"));
}

TEST_CASE_METHOD(conforming,
                 "conformance 10: an acquire waits for a worker that becomes "
                 "ready within the grace period",
                 "[conformance]") {
  // Where Paperclip polls, the news of the worker is what wakes the acquire.
  auto ready_after = GENERATE(0ms, 25ms, 4'999ms);
  CAPTURE(ready_after.count());
  place("sandbox", {{"provider", "fake-plugin"}, {"timeoutMs", 1234}});
  processes.starts = ready_after == 0ms;
  auto got = ask<lease_granted>(supervisor, wish("run-1"));
  pass(ready_after);
  if (!processes.starts) {
    CHECK_FALSE(got->arrived());
    CHECK(rows().empty());
    processes.current().start();
    settle();
  }
  REQUIRE(got->value);
  CHECK(methods() == std::vector<std::string>{"environmentAcquireLease"});
}

TEST_CASE_METHOD(conforming,
                 "conformance 10: an acquire gives up on a worker that is "
                 "never ready",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  processes.starts = false;
  auto got = ask<lease_granted>(supervisor, wish("run-1"));
  pass(5s);
  CHECK(got->error.code == ec::worker_not_ready);
  CHECK(got->error.message
        == "Sandbox provider \"fake-plugin\" is installed via plugin "
           "\"boxes.plugin\", but its worker is not running.");
  CHECK(rows().empty());
  processes.current().start();
  settle();
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
  auto got = ask<lease_granted>(supervisor, wish("run-1"));
  setup.erase("provider");
  CHECK(told("environmentAcquireLease")["config"] == setup);
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
                 "[conformance][pb-12.1.10]") {
  place("sandbox", reusable);
  answers["environmentAcquireLease"] = {{"providerLeaseId", "stale"}};
  // What the run finds stale is another run's, or its own of earlier.
  auto before = leased("run-a");
  auto run = GENERATE("run-a", "run-b");
  if (run == "run-b"s)
    released(before);
  calls.clear();
  refused["environmentResumeLease"] = -32002;
  answers["environmentAcquireLease"] = {{"providerLeaseId", "fresh"}};
  auto lease = leased(run);
  CHECK(lease.resource == resource_id{"fresh"});
  CHECK(lease.origin == lease_origin::replacement);
  CHECK(calls.at(0).first == "environmentResumeLease");
  CHECK(calls.at(0).second["providerLeaseId"] == "stale");
  auto params = told("environmentAcquireLease");
  CHECK(params["runId"] == run);
  CHECK(params["config"]
        == json{{"image", "template-b"},
                {"timeoutMs", 300'000},
                {"reuseLease", true}});
  // Repaired: what did not come back is not left behind.
  pass(1s);
  CHECK(told("environmentDestroyLease")["providerLeaseId"] == "stale");
  CHECK(row(before.handle.id).cleanup == cleanup_status::success);
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
