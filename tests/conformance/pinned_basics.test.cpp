// PB §11.1, cases 1 to 7: matching, and drivers that make little or nothing.

#include "actors/parking.hpp"
#include "drivers/sandbox_config.hpp"
#include "tests/conformance/conforming.hpp"
#include "tests/support/engine_host.hpp"
#include "tests/support/ssh_server.hpp"

using namespace leasehold;
using namespace leasehold::test;
using nlohmann::json;

namespace {

std::string fingerprint(const json& config) {
  json_text stored{config.dump()};
  return sandbox::fingerprint_of(sandbox::parse_settings(stored).value(),
                                 stored);
}

/// Which of these resources serves a config: parked in this order, each under
/// its own config.
std::string matched(const json& wanted,
                    const std::vector<std::pair<std::string, json>>& waiting) {
  parking all;
  for (const auto& [name, config] : waiting)
    all.park({{"of " + name}, {name}, {"c"}, {}, fingerprint(config), {}});
  auto found = all.choose(
    {{"c"}, {}, lease_policy::reuse_by_environment, fingerprint(wanted)});
  return found ? found->resource.value : "nothing";
}

json but(json config, const char* key, json value) {
  config[key] = std::move(value);
  return config;
}

const json fake{
  {"provider", "fake"}, {"image", "ubuntu:24.04"}, {"reuseLease", true}};

} // namespace

TEST_CASE("conformance 1: a plugin provider's resource matches the config that "
          "it was made for",
          "[conformance]") {
  auto other = but(reusable, "image", "template-a");
  CHECK(
    matched(reusable, {{"sandbox-template-b", reusable}, {"sandbox-a", other}})
    == "sandbox-template-b");
  CHECK(matched(reusable, {{"sandbox-a", other}}) == "nothing");
}

TEST_CASE_METHOD(conforming,
                 "conformance 1: the run gets the resource that matches",
                 "[conformance]") {
  place("sandbox", but(reusable, "image", "template-a"));
  released(leased("run-a"));
  answers["environmentAcquireLease"] = {{"providerLeaseId", "sandbox-2"}};
  place("sandbox", reusable);
  released(leased("run-b"));
  answers["environmentResumeLease"] = {{"providerLeaseId", "sandbox-2"}};
  CHECK(leased("run-c").resource == resource_id{"sandbox-2"});
  CHECK(told("environmentResumeLease")["providerLeaseId"] == "sandbox-2");
}

TEST_CASE("conformance 2: the built-in fake's resource matches its image",
          "[conformance]") {
  CHECK(matched(fake, {{"sandbox-image-b", fake},
                       {"sandbox-image-a", but(fake, "image", "debian:12")}})
        == "sandbox-image-b");
}

TEST_CASE_METHOD(conforming,
                 "conformance 3: a local lease is acquired and "
                 "released",
                 "[conformance]") {
  place("local", json::object());
  auto lease = leased();
  auto before = row(lease.handle.id);
  CHECK(before.status == lease_status::active);
  CHECK(before.issue.empty());
  CHECK(before.provider == "local");
  CHECK(before.resource.empty());
  CHECK(before.policy == lease_policy::ephemeral);
  CHECK(kept(lease)
        == json{{"driver", "local"}, {"executionWorkspaceMode", nullptr}});
  auto ended = ask<run_released>(
    supervisor, release_run{{"run-1"}, release_status::released, {}});
  settle();
  REQUIRE(ended->value);
  REQUIRE(ended->value->leases.size() == 1);
  CHECK(ended->value->leases[0].status == lease_status::released);
  CHECK(row(lease.handle.id).status == lease_status::released);
  CHECK(calls.empty());
}

TEST_CASE_METHOD(conforming,
                 "conformance 4: a run without a project has no execution "
                 "workspace",
                 "[conformance]") {
  auto driver = GENERATE("local", "sandbox");
  place(driver, {{"provider", "fake-plugin"}});
  auto lease = leased();
  CHECK(row(lease.handle.id).workspace.empty());
  CHECK(kept(lease)["executionWorkspaceMode"] == nullptr);
}

TEST_CASE_METHOD(conforming,
                 "conformance 4: a run with one has it in its row and tells "
                 "the provider",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  auto what = wish("run-1");
  what.workspace = {"workspace-1"};
  what.workspace_mode = "shared_workspace";
  what.issue = {"issue-1"};
  auto lease = leased(what);
  CHECK(row(lease.handle.id).workspace == workspace_id{"workspace-1"});
  CHECK(row(lease.handle.id).issue == issue_id{"issue-1"});
  CHECK(kept(lease)["executionWorkspaceMode"] == "shared_workspace");
  auto params = told("environmentAcquireLease");
  CHECK(params["executionWorkspaceId"] == "workspace-1");
  CHECK(params["workspaceMode"] == "shared_workspace");
  CHECK(params["issueId"] == "issue-1");
  released(lease);
  CHECK(told("environmentReleaseLease")["issueId"] == "issue-1");
}

TEST_CASE_METHOD(conforming,
                 "conformance 5: a driver that is not registered is named, and "
                 "leaves no row",
                 "[conformance]") {
  place("ssh", {{"host", "box"}});
  CHECK(refusal(wish("run-1")).message
        == "Environment driver \"ssh\" is not registered in the environment "
           "runtime yet.");
  CHECK(rows().empty());
}

TEST_CASE("conformance 6: an ssh lease is a workspace on a real server",
          "[conformance]") {
  if (!ssh_server::available())
    return;
  suite_store place;
  ssh_server server;
  engine_host host;
  host.opts.store = place.url();
  host.opts.master_key_file = host.dir / "master.key";
  host.start();
  auto work = host.dir / "work";
  host.add("box", "ssh",
           json{{"host", "127.0.0.1"},
                {"port", server.port()},
                {"username", server.user()},
                {"remoteWorkspacePath", work},
                {"privateKey", server.key()},
                {"knownHosts", server.known_hosts()}}
             .dump());
  auto lease = host.acquire("box");
  auto address
    = "ssh://" + server.user() + "@127.0.0.1:" + std::to_string(server.port());
  CHECK(lease.resource.starts_with(address));
  CHECK(host.row(lease.id).status == "active");
  auto kept = json::parse(lease.metadata);
  CHECK(kept["driver"] == "ssh");
  CHECK(kept["host"] == "127.0.0.1");
  CHECK(kept["port"] == server.port());
  CHECK(kept["username"] == server.user());
  CHECK(kept["remoteWorkspacePath"] == work);
  CHECK(kept["remoteCwd"] == work);
  CHECK(value_of(host->release(lease)).status == "released");
  CHECK(host.row(lease.id).status == "released");
  // Its store goes last.
  host.stop();
}

TEST_CASE_METHOD(conforming,
                 "conformance 7: the built-in fake has one resource per "
                 "environment if it is reused",
                 "[conformance]") {
  place("sandbox", fake);
  auto lease = leased();
  CHECK(lease.resource == resource_id{"sandbox://fake/env-x"});
  auto noted = kept(lease);
  CHECK(noted["driver"] == "sandbox");
  CHECK(noted["provider"] == "fake");
  CHECK(noted["image"] == "ubuntu:24.04");
  CHECK(noted["reuseLease"] == true);
  CHECK(released(lease).status == lease_status::released);
  // Otherwise each lease has its own.
  place("sandbox", but(fake, "reuseLease", false));
  auto own = leased("run-7");
  CHECK(own.resource.value.starts_with("sandbox://fake/run-7/"));
}
