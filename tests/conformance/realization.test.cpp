// PB §6: where a workspace was placed, and from what; PB §11.2: realize.

#include "tests/conformance/conforming.hpp"

using namespace leasehold;
using namespace leasehold::test;
using nlohmann::json;

namespace {

/// What a scheduler asks for that knows its sources (PB §6.1).
const json request{
  {"version", 1},
  {"adapterType", "codex_local"},
  {"companyId", "company-1"},
  {"environmentId", "env-x"},
  {"heartbeatRunId", "run-1"},
  {"source",
   {{"kind", "project_primary"},
    {"localPath", "/src"},
    {"repoUrl", "https://example.com/a.git"},
    {"strategy", "git_worktree"}}},
  {"additionalSources", {{{"localPath", "/more"}, {"repoRef", "main"}}}},
  {"runtimeOverlay", {{"provisionCommand", "make deps"}}}};

json metadata_of(const json& wish) {
  return {{"workspaceRealizationRequest", wish}};
}

} // namespace

TEST_CASE_METHOD(conforming,
                 "conformance 6: a sandbox's workspace is where its worker "
                 "says, and the lease has a record of it",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  answers["environmentRealizeWorkspace"]
    = {{"cwd", "/w/project"},
       {"metadata", {{"remoteCwd", "/w"}, {"sandboxId", "s-1"}}}};
  auto lease = leased();
  auto where = realize(lease, "/src", metadata_of(request));
  REQUIRE(where->value);
  CHECK(where->value->cwd == "/w/project");
  auto said = json::parse(where->value->metadata.text);
  CHECK(said["sandboxId"] == "s-1");
  auto record = kept(lease)["workspaceRealization"];
  CHECK(said["workspaceRealization"] == record);
  CHECK(record["version"] == 1);
  CHECK(record["transport"] == "sandbox");
  CHECK(record["provider"] == "fake-plugin");
  CHECK(record["leaseId"] == lease.handle.id.value);
  CHECK(record["providerLeaseId"] == "sandbox-1");
  CHECK(record["local"]["path"] == "/src");
  CHECK(record["local"]["repoUrl"] == "https://example.com/a.git");
  CHECK(record["additional"][0]["path"] == "/more");
  CHECK(record["remote"] == json{{"path", "/w"}, {"sandboxId", "s-1"}});
  CHECK(record["bootstrap"]["command"] == "make deps");
  CHECK(record["summary"] == "Sandbox workspace realized at /w in s-1.");
  CHECK(told("environmentRealizeWorkspace")["workspace"]
        == json{{"localPath", "/src"}, {"metadata", metadata_of(request)}});
}

TEST_CASE_METHOD(conforming,
                 "conformance 6.1: a scheduler that says little is spoken for",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  answers["environmentRealizeWorkspace"] = {{"cwd", "/w"}};
  auto what = wish("run-1");
  what.issue = {"issue-1"};
  auto lease = leased(what);
  realize(lease, "/src");
  auto sent
    = told("environmentRealizeWorkspace")["workspace"]["metadata"]
                                         ["workspaceRealizationRequest"];
  CHECK(sent["version"] == 1);
  CHECK(sent["adapterType"] == "unknown");
  CHECK(sent["companyId"] == "company-1");
  CHECK(sent["environmentId"] == "env-x");
  CHECK(sent["issueId"] == "issue-1");
  CHECK(sent["heartbeatRunId"] == "run-1");
  CHECK(sent["source"]["localPath"] == "/src");
  CHECK(kept(lease)["workspaceRealization"]["local"]["path"] == "/src");
}

TEST_CASE_METHOD(conforming,
                 "conformance 6: the record of a workspace that is used in "
                 "place",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake-plugin"}});
  answers["environmentRealizeWorkspace"]
    = {{"cwd", "/w"},
       {"metadata",
        {{"remoteCwd", "/w"},
         {"workspaceRealization",
          {{"mode", "in_place"},
           {"pathAliases", {{{"path", "/src"}, {"target", "/w"}}}}}}}}};
  auto lease = leased();
  realize(lease, "/src");
  auto record = kept(lease)["workspaceRealization"];
  CHECK(record["mode"] == "in_place");
  CHECK(record["authoritativeRoot"] == "/w");
  CHECK(record["pathAliases"][0]["target"] == "/w");
}

TEST_CASE_METHOD(conforming,
                 "conformance 6: the built-in fake places nothing and keeps a "
                 "record",
                 "[conformance]") {
  place("sandbox", {{"provider", "fake"}});
  auto lease = leased();
  auto where = realize(lease, "/src", metadata_of(request));
  REQUIRE(where->value);
  CHECK(where->value->cwd == "/src");
  auto record = kept(lease)["workspaceRealization"];
  CHECK(record["provider"] == "fake");
  CHECK(record["additional"][0]["path"] == "/more");
  CHECK(record["summary"] == "Sandbox workspace realized at /.");
}

TEST_CASE_METHOD(conforming,
                 "conformance 6: a local workspace is used where it is, and "
                 "recorded",
                 "[conformance]") {
  place("local", json::object());
  auto lease = leased();
  auto here = folder.path().string();
  auto where = realize(lease, here);
  REQUIRE(where->value);
  CHECK(where->value->cwd == here);
  auto record = kept(lease)["workspaceRealization"];
  CHECK(json::parse(where->value->metadata.text)
        == json{{"workspaceRealization", record}});
  CHECK(record["transport"] == "local");
  CHECK(record["provider"] == "local");
  CHECK(record["local"]["path"] == here);
  CHECK(record["remote"]["path"] == nullptr);
  CHECK(record["summary"] == "Local workspace realized at " + here + ".");
}

TEST_CASE_METHOD(conforming,
                 "conformance 6: the plugin driver passes on the worker's "
                 "words, and the lease has a record",
                 "[conformance]") {
  place("plugin",
        {{"pluginKey", "boxes.plugin"}, {"driverKey", "fake-driver"}});
  json words{{"realized", true}};
  answers["environmentRealizeWorkspace"] = {{"cwd", "/w"}, {"metadata", words}};
  auto lease = leased();
  auto where = realize(lease, "/src");
  REQUIRE(where->value);
  CHECK(json::parse(where->value->metadata.text) == words);
  auto record = kept(lease)["workspaceRealization"];
  CHECK(record["transport"] == "plugin");
  CHECK(record["provider"] == "plugin:boxes.plugin:fake-driver");
  CHECK(record["summary"] == "Plugin workspace realized at /w.");
  CHECK(record["rebuild"]["metadata"]["providerMetadata"] == words);
}
