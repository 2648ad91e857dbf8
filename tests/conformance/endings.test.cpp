// PB §3.11 and §11.2, release, destroy and what is owed afterwards; deadlines.
// The rows and what became of each are in README.md.

#include "tests/conformance/conforming.hpp"
#include "tests/support/test_sink.hpp"

using namespace leasehold;
using namespace leasehold::test;
using namespace std::literals;
using nlohmann::json;

namespace {

constexpr const char* secret_1 = "11111111-2222-4333-8444-555555555555";

/// One way for a lease to end.
struct ending {
  /// The config's `leasePolicy`.
  const char* policy;
  release_status how;
  bool provider_works;
  /// What the row says then: status, reason, cleanup, and whether it waits.
  lease_status status;
  const char* reason;
  cleanup_status cleanup;
  bool parked;
};

using asked = release_status;
using status = lease_status;
using cleanup = cleanup_status;

constexpr auto run_failed = "adapter_or_run_failure";

const std::vector<ending> endings{
  {"ephemeral", asked::released, true, status::released, "", cleanup::success,
   false},
  {"ephemeral", asked::released, false, status::released, "", cleanup::failed,
   false},
  {"ephemeral", asked::expired, true, status::expired, "", cleanup::success,
   false},
  {"ephemeral", asked::expired, false, status::expired, "", cleanup::failed,
   false},
  {"ephemeral", asked::failed, true, status::failed, run_failed,
   cleanup::success, false},
  {"ephemeral", asked::failed, false, status::failed, run_failed,
   cleanup::failed, false},
  {"retain_on_failure", asked::released, true, status::released, "",
   cleanup::success, false},
  {"retain_on_failure", asked::expired, true, status::expired, "",
   cleanup::success, false},
  {"retain_on_failure", asked::failed, true, status::retained, run_failed,
   cleanup::success, false},
  {"retain_on_failure", asked::failed, false, status::retained, run_failed,
   cleanup::failed, false},
  {"reuse_by_environment", asked::released, true, status::released, "",
   cleanup::none, true},
  {"reuse_by_environment", asked::failed, true, status::failed, run_failed,
   cleanup::none, true},
  {"reuse_by_environment", asked::failed, false, status::failed, run_failed,
   cleanup::failed, false},
  {"reuse_by_environment", asked::expired, true, status::expired, "",
   cleanup::success, false},
  {"reuse_by_environment", asked::expired, false, status::expired, "",
   cleanup::failed, false},
};

json config_of(const ending& x) {
  json out{{"provider", "fake-plugin"}, {"leasePolicy", x.policy}};
  out["reuseLease"] = std::string_view{x.policy}.starts_with("reuse");
  return out;
}

} // namespace

TEST_CASE_METHOD(conforming,
                 "conformance 3.11: how a lease ends, by policy, status and "
                 "the provider's answer",
                 "[conformance]") {
  auto number = 0;
  for (const auto& x : endings) {
    auto run = "run-" + std::to_string(++number);
    CAPTURE(x.policy, to_string(x.how), x.provider_works);
    answers["environmentAcquireLease"] = {{"providerLeaseId", run}};
    // The second code is a worker that does not list the verb any more.
    refused.clear();
    place("sandbox", config_of(x));
    auto what = wish(run);
    // Nobody resumes what the rows before have left.
    what.company = {"company of " + run};
    auto lease = leased(what);
    if (!x.provider_works)
      refused = {{"environmentReleaseLease", number % 2 ? -32002 : -32601},
                 {"environmentDestroyLease", -32002}};
    auto ended = released(lease, x.how);
    CHECK(ended.status == x.status);
    CHECK(ended.failure_reason == x.reason);
    CHECK(ended.cleanup == x.cleanup);
    CHECK(ended.parked == x.parked);
    CHECK(ended.next_cleanup_at.has_value() == (x.cleanup == cleanup::failed));
    // What expires is removed: nobody comes back for it (PB §11.2).
    auto removed = std::string_view{x.policy}.starts_with("reuse")
                   && x.how == asked::expired;
    CHECK(told(removed ? "environmentDestroyLease"
                       : "environmentReleaseLease")["providerLeaseId"]
          == run);
  }
  refused.clear();
}

TEST_CASE_METHOD(conforming,
                 "conformance 11.2: what is kept is kept without a call",
                 "[conformance]") {
  place("sandbox", reusable);
  auto lease = leased();
  calls.clear();
  ask<lease_ended>(
    supervisor,
    release_lease{lease.handle, release_status::failed, {}, false, true});
  settle();
  CHECK(row(lease.handle.id).status == lease_status::retained);
  CHECK(calls.empty());
}

TEST_CASE_METHOD(conforming,
                 "conformance 11.2: one lease whose release fails stops no "
                 "other of its run",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  auto first = leased();
  place("scripted", json::object());
  auto second = leased();
  refused["environmentReleaseLease"] = -32002;
  auto ended = ask<run_released>(
    supervisor, release_run{{"run-1"}, release_status::released, {}});
  settle();
  REQUIRE(ended->value);
  CHECK(ended->value->leases.size() == 2);
  CHECK(row(first.handle.id).status == lease_status::released);
  CHECK(history(first.handle.id).at(2)
        == "active -> released: cleanup owed: No such thing.");
  // What was owed, the janitor has done at once.
  CHECK(told("environmentDestroyLease")["providerLeaseId"] == "sandbox-1");
  CHECK(row(first.handle.id).cleanup == cleanup_status::success);
  CHECK(row(second.handle.id).status == lease_status::released);
  CHECK(row(second.handle.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(conforming,
                 "conformance 11.2: a release waits for no worker, and what it "
                 "owes is done when there is one again",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  auto lease = leased();
  calls.clear();
  processes.starts = false;
  processes.current().exit(1);
  settle();
  auto ended = released(lease);
  CHECK(ended.status == lease_status::released);
  CHECK(ended.cleanup == cleanup_status::failed);
  CHECK(calls.empty());
  processes.starts = true;
  processes.current().start();
  pass(10s);
  CHECK(told("environmentDestroyLease")["providerLeaseId"] == "sandbox-1");
  CHECK(row(lease.handle.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(conforming,
                 "conformance 11.2: what is owed is done by what the lease "
                 "captured, and with secrets that are bound no more",
                 "[conformance]") {
  secrets.values[secret_1] = "resolved-provider-key";
  place("sandbox",
        {{"provider", "fake-plugin"}, {"image", "old"}, {"apiKey", secret_1}});
  auto lease = leased();
  refused["environmentReleaseLease"] = -32002;
  refused["environmentDestroyLease"] = -32002;
  place("sandbox", {{"provider", "fake-plugin"}, {"image", "new"}});
  CHECK(released(lease).cleanup == cleanup_status::failed);
  refused.clear();
  secrets.asked.clear();
  pass(30s);
  auto params = told("environmentDestroyLease");
  CHECK(params["config"]["image"] == "old");
  CHECK(params["config"]["apiKey"] == "resolved-provider-key");
  CHECK(row(lease.handle.id).cleanup == cleanup_status::success);
  REQUIRE_FALSE(secrets.asked.empty());
  CHECK_FALSE(secrets.asked.back().needs_binding);
}

TEST_CASE_METHOD(conforming,
                 "conformance 11.2: output is streamed to whoever asked for it",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  answers["environmentExecute"]
    = {{"exitCode", 0}, {"stdout", "one\ntwo\n"}, {"stderr", ""}};
  chatter = {"one\n", "two\n"};
  auto lease = leased();
  auto sink = std::make_shared<test_sink>();
  execute_command what;
  what.lease = lease.handle;
  what.execution = {"execution-x"};
  what.spec.command = "count";
  what.output = sink;
  auto done = ask<command_result>(supervisor, what);
  settle();
  REQUIRE(done->value);
  CHECK(done->value->stdout_text == "one\ntwo\n");
  CHECK(sink->out == "one\ntwo\n");
}

// -- deadlines ----------------------------------------------------------------

TEST_CASE_METHOD(conforming,
                 "conformance 11.2: a requested end reaches the provider, and "
                 "the earlier of both ends holds",
                 "[conformance]") {
  struct deadline {
    const char* provider;
    milliseconds expected;
  };
  // Repaired: what the provider allows beyond the run's own end is not taken.
  auto x = GENERATE(values<deadline>({{"", 60s},
                                      {"1970-01-01T00:00:30.000Z", 30s},
                                      {"1970-01-01T01:00:00.000Z", 60s}}));
  CAPTURE(x.provider);
  auto from = GENERATE("sandbox", "plugin");
  if (from == "plugin"s)
    place("plugin",
          {{"pluginKey", "boxes.plugin"}, {"driverKey", "fake-driver"}});
  else
    place("sandbox", {{"provider", "fake-plugin"}});
  if (*x.provider)
    answers["environmentAcquireLease"]["expiresAt"] = x.provider;
  auto what = wish("run-1");
  what.ttl = 60s;
  auto lease = leased(what);
  CHECK(told("environmentAcquireLease")["requestedExpiresAt"]
        == "1970-01-01T00:01:00.000Z");
  CHECK(lease.expires_at == timestamp{x.expected.count()});
  CHECK(row(lease.handle.id).expires_at == lease.expires_at);
  pass(x.expected - 20ms);
  CHECK(row(lease.handle.id).status == lease_status::active);
  pass(120ms);
  CHECK(row(lease.handle.id).status == lease_status::expired);
  CHECK(told("environmentReleaseLease")["providerLeaseId"] == "sandbox-1");
}

TEST_CASE_METHOD(conforming,
                 "conformance 11.2: nobody makes up an end that nobody asked "
                 "for",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  auto lease = leased();
  CHECK_FALSE(told("environmentAcquireLease").contains("requestedExpiresAt"));
  CHECK_FALSE(row(lease.handle.id).expires_at);
}
