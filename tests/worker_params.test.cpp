// What the sandbox driver tells a provider's worker (PB 3.9, 3.10, 5.6).

#include "drivers/worker_params.hpp"

#include "drivers/sandbox_config.hpp"
#include "drivers/worker_results.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace leasehold;
using namespace leasehold::sandbox;
using namespace leasehold::wire;
using namespace std::literals;
using nlohmann::json;

namespace {

json parse(const json_text& x) {
  return json::parse(x.text);
}

json_text pack(const json& x) {
  return json_text{x.dump()};
}

settings settings_of(const json& config) {
  return parse_settings(pack(config)).value();
}

std::string why_not(const json& config) {
  auto out = parse_settings(pack(config));
  return out ? "nothing is wrong" : out.error().message;
}

const json config = json::parse(R"({
  "provider": "boxes", "reuseLease": true, "timeoutMs": 60000, "image": "x",
  "onResumeFailure": "preserve"})");

/// The config as workers see it.
const json worker_config
  = json::parse(R"({"reuseLease": true, "timeoutMs": 60000, "image": "x"})");

plan_lease plan() {
  plan_lease out;
  out.place = {{"company-1"}, {"env-1"}, "sandbox", pack(config)};
  out.lease = {"lease-1"};
  out.run = {"run-1"};
  return out;
}

plugin_row plugin() {
  plugin_row out;
  out.id = {"plugin-1"};
  out.key = "acme.boxes";
  return out;
}

json_text own_metadata() {
  return plan_metadata(plan(), settings_of(config),
                       lease_policy::reuse_by_environment, plugin(), {});
}

/// A lease on box-1 whose provider has told this about it.
lease_context lease(const json& provider_metadata = json::object()) {
  lease_context out;
  out.place = plan().place;
  // The environment was changed since.
  out.place.config = json_text{R"({"provider":"other"})"};
  out.lease = {"lease-1"};
  out.fence = 7;
  out.run = {"run-1"};
  out.issue = {"issue-1"};
  out.resource = {"box-1"};
  out.metadata = parse_ready(pack({{"providerLeaseId", "box-1"},
                                   {"metadata", provider_metadata}}),
                             own_metadata())
                   .value()
                   .metadata;
  return out;
}

/// What every call on that lease has.
json base() {
  json out{{"driverKey", "boxes"}, {"companyId", "company-1"}};
  out["environmentId"] = "env-1";
  out["issueId"] = "issue-1";
  out["config"] = worker_config;
  out["leaseId"] = "lease-1";
  out["leaseFence"] = 7;
  return out;
}

/// The lease's metadata as workers see it, if the provider told nothing.
json flat() {
  auto out = worker_config;
  out["driver"] = "sandbox";
  out["executionWorkspaceMode"] = nullptr;
  out["pluginId"] = "plugin-1";
  out["pluginKey"] = "acme.boxes";
  out["provider"] = "boxes";
  out["sandboxProviderPlugin"] = true;
  return out;
}

} // namespace

// -- settings (PB 2.3) --------------------------------------------------------

TEST_CASE("worker_params: a config without a provider is the fake's",
          "[worker_params]") {
  CHECK(settings_of(json::object()).provider == "fake");
  CHECK(settings_of({{"provider", ""}}).provider == "fake");
  CHECK(settings_of({{"provider", " \t\n"}}).provider == "fake");
  CHECK(settings_of({{"provider", nullptr}}).provider == "fake");
  CHECK(settings_of({{"provider", " boxes "}}).provider == "boxes");
}

TEST_CASE("worker_params: a provider is a key", "[worker_params]") {
  for (const auto* name : {"Boxes", "-boxes", "my boxes", "ä"})
    CHECK(why_not({{"provider", name}})
          == "Sandbox provider key must start with a lowercase alphanumeric "
             "and contain only lowercase letters, digits, dots, hyphens, or "
             "underscores");
}

TEST_CASE("worker_params: settings are off unless they are on",
          "[worker_params]") {
  auto plain = settings_of({{"provider", "boxes"}});
  CHECK_FALSE(plain.reuse_lease);
  CHECK_FALSE(plain.preserve_on_resume_failure);
  CHECK(plain.timeout == 0s);
  auto full = settings_of(config);
  CHECK(full.reuse_lease);
  CHECK(full.preserve_on_resume_failure);
  CHECK(full.timeout == 60s);
}

TEST_CASE("worker_params: a setting that is wrong is named",
          "[worker_params]") {
  for (const auto& time : {json(0), json(-5), json(86'400'001), json("soon")})
    CHECK(why_not({{"timeoutMs", time}})
          == "timeoutMs must be between 1 and 86400000.");
  CHECK(why_not({{"timeoutMs", 86'400'000}}) == "nothing is wrong");
  CHECK(why_not({{"timeoutMs", nullptr}}) == "nothing is wrong");
  CHECK(why_not({{"reuseLease", "yes"}})
        == "reuseLease must be true or false.");
  CHECK(why_not({{"onResumeFailure", "panic"}})
        == "onResumeFailure must be \"acquire\" or \"preserve\".");
}

// -- time-outs (PB 3.10) ------------------------------------------------------

TEST_CASE("worker_params: a lease call has the config's time and 30 s",
          "[worker_params]") {
  CHECK(verb_timeout(settings_of({{"timeoutMs", 1234}})) == 31'234ms);
  CHECK(verb_timeout(settings_of(
          {{"timeoutMs", 1234}, {"bridgeRequestTimeoutMs", 40'000}}))
        == 70'000ms);
  CHECK(verb_timeout(settings_of({{"bridgeRequestTimeoutMs", 40'000}}))
        == 70'000ms);
  CHECK(verb_timeout(settings_of(
          {{"timeoutMs", 50'000}, {"bridgeRequestTimeoutMs", 40'000}}))
        == 80'000ms);
}

TEST_CASE("worker_params: without a time the channel's own counts",
          "[worker_params]") {
  CHECK(verb_timeout(settings_of(json::object())) == 0ms);
  CHECK(execute_timeout(json_text{"{}"}, 0ms) == 0ms);
  for (const auto& time : {json(0), json(-1), json("40000"), json(nullptr)})
    CHECK(verb_timeout(settings_of({{"bridgeRequestTimeoutMs", time}})) == 0ms);
}

TEST_CASE("worker_params: times are truncated to milliseconds",
          "[worker_params]") {
  CHECK(verb_timeout(settings_of({{"timeoutMs", 1234.9}})) == 31'234ms);
  CHECK(verb_timeout(settings_of({{"bridgeRequestTimeoutMs", 1e300}}))
        == milliseconds{2'147'483'647} + 30s);
}

TEST_CASE("worker_params: a command has the time it asks for and 30 s",
          "[worker_params]") {
  CHECK(execute_timeout(json_text{"{}"}, 1'000ms) == 31'000ms);
  CHECK(execute_timeout(pack(config), 1'000ms) == 31'000ms);
  CHECK(execute_timeout(pack(config), 0ms) == 90'000ms);
  CHECK(execute_timeout(pack({{"bridgeRequestTimeoutMs", 9}}), 0ms) == 0ms);
}

// -- metadata (PB 3.9) --------------------------------------------------------

TEST_CASE("worker_params: a lease's metadata captures its place",
          "[worker_params]") {
  auto out = parse(own_metadata());
  CHECK(out["driver"] == "sandbox");
  CHECK(out["provider"] == "boxes");
  CHECK(out["pluginId"] == "plugin-1");
  CHECK(out["config"] == config);
  auto captured = parse_captured(own_metadata());
  CHECK(captured.driver_key == "boxes");
  CHECK(captured.plugin == plugin_id{"plugin-1"});
  CHECK(parse(captured.config) == config);
}

TEST_CASE("worker_params: null says as little as nothing to the fake",
          "[worker_params]") {
  json_text nulls{R"({"provider":"fake","image":null,"reuseLease":null})"};
  CHECK(sandbox::normalize(nulls)->text
        == R"({"image":"ubuntu:24.04","provider":"fake","reuseLease":false})");
  CHECK(sandbox::fake_image(nulls) == "ubuntu:24.04");
  CHECK(sandbox::fake_image(json_text{R"({"image":7})"}) == "ubuntu:24.04");
}

TEST_CASE("worker_params: the fake's metadata names its image",
          "[worker_params]") {
  auto what = plan();
  what.workspace_mode = "shared";
  what.place.config = json_text{"{}"};
  CHECK(parse(fake_metadata(what, settings{}))
        == json::parse(R"({"driver":"sandbox","provider":"fake",
             "executionWorkspaceMode":"shared","reuseLease":false,
             "image":"ubuntu:24.04"})"));
}

TEST_CASE("worker_params: provider metadata is kept beside the engine's keys "
          "(PB 12.1.12)",
          "[worker_params][pb-12.1.12]") {
  json hostile{{"driver", "local"},
               {"provider", "evil"},
               {"pluginId", "plugin-9"},
               {"config", {{"image", "evil"}}},
               {"providerMetadata", "nested"}};
  auto stored = parse(lease(hostile).metadata);
  CHECK(stored["driver"] == "sandbox");
  CHECK(stored["providerMetadata"] == hostile);
  auto captured = parse_captured(lease(hostile).metadata);
  CHECK(captured.driver_key == "boxes");
  CHECK(captured.plugin == plugin_id{"plugin-1"});
  CHECK(parse(captured.config) == config);
}

TEST_CASE("worker_params: workers see one flat object in which the engine's "
          "keys win",
          "[worker_params]") {
  json told{{"sandboxId", "s-1"},
            {"driver", "local"},
            {"provider", "evil"},
            {"pluginId", "plugin-9"},
            {"reuseLease", false}};
  auto seen = parse(end_params(lease(told), pack(config)))["leaseMetadata"];
  auto expected = flat();
  expected["sandboxId"] = "s-1";
  CHECK(seen == expected);
}

TEST_CASE("worker_params: what a provider made of a config value is what it "
          "sees again",
          "[worker_params]") {
  auto params
    = parse(end_params(lease({{"image", "x@sha256:1"}}), pack(config)));
  CHECK(params["leaseMetadata"]["image"] == "x@sha256:1");
  CHECK(params["config"]["image"] == "x");
}

TEST_CASE("worker_params: provider facts never become config",
          "[worker_params][pb-12.1.12]") {
  auto params = parse(end_params(lease({{"sandboxId", "s-1"}}), pack(config)));
  CHECK(params["config"] == worker_config);
}

// -- parameters (PB 5.6) ------------------------------------------------------

TEST_CASE("worker_params: config and place, without the envelope",
          "[worker_params]") {
  CHECK(parse(validate_params("boxes", without_envelope(pack(config))))
        == json{{"driverKey", "boxes"}, {"config", worker_config}});
  CHECK(
    parse(place_params("boxes", plan().place, without_envelope(pack(config))))
    == json{{"driverKey", "boxes"},
            {"companyId", "company-1"},
            {"environmentId", "env-1"},
            {"config", worker_config}});
}

TEST_CASE("worker_params: acquire", "[worker_params]") {
  acquire_resource what{lease(), "shared", timestamp{1'778'488'200'250}};
  what.lease.metadata = own_metadata();
  auto expected = base();
  expected["runId"] = "run-1";
  expected["workspaceMode"] = "shared";
  expected["requestedExpiresAt"] = "2026-05-11T08:30:00.250Z";
  CHECK(parse(acquire_params(what, pack(config))) == expected);
}

TEST_CASE("worker_params: acquire always has a run id, and leaves out what is "
          "not known",
          "[worker_params]") {
  acquire_resource what{lease(), {}, {}};
  what.lease.run = {};
  what.lease.issue = {};
  auto expected = base();
  expected["runId"] = "lease-1";
  expected["issueId"] = nullptr;
  CHECK(parse(acquire_params(what, pack(config))) == expected);
}

TEST_CASE("worker_params: resume brings the earlier lease's metadata",
          "[worker_params]") {
  auto earlier = lease({{"sandboxId", "s-1"}});
  resume_resource what{lease(), earlier.metadata};
  what.lease.metadata = own_metadata();
  auto expected = base();
  expected["providerLeaseId"] = "box-1";
  expected["leaseMetadata"] = flat();
  expected["leaseMetadata"]["sandboxId"] = "s-1";
  CHECK(parse(resume_params(what, pack(config))) == expected);
}

TEST_CASE("worker_params: release and destroy", "[worker_params]") {
  auto expected = base();
  expected["providerLeaseId"] = "box-1";
  expected["leaseMetadata"] = flat();
  CHECK(parse(end_params(lease(), pack(config))) == expected);
}

TEST_CASE("worker_params: a resource without a name is null",
          "[worker_params]") {
  auto what = lease();
  what.resource = {};
  CHECK(parse(end_params(what, pack(config)))["providerLeaseId"] == nullptr);
}

TEST_CASE("worker_params: realize", "[worker_params]") {
  place_workspace what{lease(), "/home/me", "/work", "copy", {}};
  what.lease.expires_at = timestamp{1'778'488'200'250};
  auto expected = base();
  expected["lease"] = {{"providerLeaseId", "box-1"},
                       {"metadata", flat()},
                       {"expiresAt", "2026-05-11T08:30:00.250Z"}};
  expected["workspace"]
    = {{"localPath", "/home/me"}, {"remotePath", "/work"}, {"mode", "copy"}};
  CHECK(parse(realize_params(what, pack(config))) == expected);
  what = {lease(), {}, {}, {}, json_text{R"({"a":1})"}};
  expected["lease"]["expiresAt"] = nullptr;
  expected["workspace"] = {{"metadata", {{"a", 1}}}};
  CHECK(parse(realize_params(what, pack(config))) == expected);
}

TEST_CASE("worker_params: execute", "[worker_params]") {
  run_command what{lease(), {"execution-1"}, {}};
  what.spec.command = "make";
  auto expected = base();
  expected["lease"] = {
    {"providerLeaseId", "box-1"}, {"metadata", flat()}, {"expiresAt", nullptr}};
  expected["command"] = "make";
  expected["args"] = json::array();
  expected["executionId"] = "execution-1";
  expected["env"]
    = {{"LEASEHOLD_LEASE_ID", "lease-1"}, {"LEASEHOLD_LEASE_FENCE", "7"}};
  CHECK(parse(execute_params(what, pack(config))) == expected);
  what.spec.args = {"test", "a b"};
  what.spec.cwd = "/work";
  what.spec.env = {{"A", "b"}, {"LEASEHOLD_LEASE_FENCE", "99"}};
  what.spec.stdin_text = "in";
  what.spec.timeout = 5s;
  expected["args"] = {"test", "a b"};
  expected["cwd"] = "/work";
  expected["env"]["A"] = "b";
  expected["stdin"] = "in";
  expected["timeoutMs"] = 5000;
  CHECK(parse(execute_params(what, pack(config))) == expected);
}

TEST_CASE("worker_params: list and cancel", "[worker_params]") {
  CHECK(parse(list_params(lease(), pack(config)))
        == json{{"driverKey", "boxes"},
                {"companyId", "company-1"},
                {"environmentId", "env-1"},
                {"config", worker_config}});
  auto expected = base();
  expected["providerLeaseId"] = "box-1";
  expected["executionId"] = "execution-1";
  CHECK(parse(cancel_params(lease(), {"execution-1"}, pack(config)))
        == expected);
}
