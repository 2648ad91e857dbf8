// The record of where a workspace was placed (PB §6).

#include "drivers/workspace_record.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace leasehold;
using nlohmann::json;

namespace {

realization about(std::string driver) {
  realization out;
  out.driver = std::move(driver);
  out.asked.lease.lease.value = "lease-1";
  out.asked.lease.resource.value = "resource-1";
  out.asked.lease.place.environment.value = "env-1";
  out.asked.local_path = "/home/me/project";
  return out;
}

json record_of(const realization& what) {
  return json::parse(build_workspace_record(what).record.text);
}

constexpr auto request = R"({"workspaceRealizationRequest":{
  "version":1,"adapterType":"a","companyId":"c","environmentId":"e",
  "heartbeatRunId":"r","executionWorkspaceId":"w","requestedMode":"shared",
  "source":{"kind":"agent_home","localPath":" /src ","projectId":"p",
    "repoUrl":"url","repoRef":" ","strategy":"git_worktree",
    "branchName":"b","worktreePath":"/wt"},
  "additionalSources":[{"localPath":"/more","repoUrl":"u2"},{"projectId":"x"}],
  "runtimeOverlay":{"provisionCommand":"make","workspaceRuntime":{}}}})";

} // namespace

TEST_CASE("workspace_record: local, without a request", "[workspace_record]") {
  auto what = about("local");
  what.asked.mode = "shared_workspace";
  auto built = build_workspace_record(what);
  CHECK(built.path == "/home/me/project");
  CHECK(built.summary == "Local workspace realized at /home/me/project.");
  CHECK_FALSE(built.in_place);
  auto record = json::parse(built.record.text);
  CHECK(record["version"] == 1);
  CHECK(record["mode"] == "copy");
  CHECK(record["transport"] == "local");
  CHECK(record["provider"] == "local");
  CHECK(record["environmentId"] == "env-1");
  CHECK(record["leaseId"] == "lease-1");
  CHECK(record["providerLeaseId"] == "resource-1");
  CHECK(record["authoritativeRoot"] == "/home/me/project");
  CHECK(record["local"]["path"] == "/home/me/project");
  CHECK(record["local"]["source"] == "task_session");
  CHECK(record["local"]["strategy"] == "project_primary");
  CHECK(record["remote"] == json{{"path", nullptr}});
  CHECK(record["bootstrap"] == json{{"command", nullptr}});
  CHECK(record["pathAliases"] == json::array());
  CHECK(record["additional"] == json::array());
  CHECK(record["rebuild"]["mode"] == "shared_workspace");
  CHECK(record["rebuild"]["metadata"]["environmentDriver"] == "local");
  CHECK(record["summary"] == built.summary);
  auto told = realized_by(built, json_text{R"({"a":1})"});
  CHECK(told.cwd == built.path);
  CHECK(json::parse(told.metadata.text)
        == json{{"a", 1}, {"workspaceRealization", record}});
  CHECK(told.record == built.record);
}

TEST_CASE("workspace_record: the local path falls back as PB §6.2 says",
          "[workspace_record]") {
  auto what = about("local");
  what.asked.local_path.clear();
  CHECK(build_workspace_record(what).path == "/");
  what.asked.remote_path = "/remote";
  CHECK(build_workspace_record(what).path == "/remote");
  what.cwd = "/cwd";
  CHECK(build_workspace_record(what).path == "/cwd");
}

TEST_CASE("workspace_record: ssh", "[workspace_record]") {
  auto what = about("ssh");
  CHECK(build_workspace_record(what).summary
        == "SSH workspace realized at user@host:22:/home/me/project.");
  what.asked.lease.metadata.text
    = R"({"host":"box","port":2222,"username":"me","remoteCwd":" /srv/w "})";
  auto built = build_workspace_record(what);
  CHECK(built.summary == "SSH workspace realized at me@box:2222:/srv/w.");
  CHECK(built.path == "/srv/w");
  auto record = json::parse(built.record.text);
  CHECK(record["provider"] == "ssh");
  CHECK(
    record["remote"]
    == json{
      {"path", "/srv/w"}, {"host", "box"}, {"port", 2222}, {"username", "me"}});
  CHECK(record["rebuild"]["remotePath"] == "/srv/w");
  CHECK(record["authoritativeRoot"] == "/home/me/project");
}

TEST_CASE("workspace_record: sandbox and plugin", "[workspace_record]") {
  auto what = about("sandbox");
  CHECK(build_workspace_record(what).summary
        == "Sandbox workspace realized at /.");
  CHECK(record_of(what)["provider"] == nullptr);
  what.provider = "e2b";
  what.asked.lease.metadata.text = R"({"remoteCwd":"/old"})";
  what.provider_metadata.text = R"({"remoteCwd":"/box","sandboxId":"s1"})";
  auto built = build_workspace_record(what);
  CHECK(built.summary == "Sandbox workspace realized at /box in s1.");
  CHECK(built.path == "/box");
  auto record = json::parse(built.record.text);
  CHECK(record["provider"] == "e2b");
  CHECK(record["rebuild"]["metadata"]["providerMetadata"]["sandboxId"] == "s1");
  what.asked.lease.metadata.text = R"({"sandboxId":"s0"})";
  CHECK(build_workspace_record(what).summary
        == "Sandbox workspace realized at /box in s0.");
  auto plugin = about("plugin");
  CHECK(build_workspace_record(plugin).summary
        == "Plugin workspace realized at /home/me/project.");
  plugin.provider_metadata.text = R"({"remotePath":"/there"})";
  CHECK(build_workspace_record(plugin).summary
        == "Plugin workspace realized at /there.");
  plugin.cwd = "/cwd";
  CHECK(build_workspace_record(plugin).summary
        == "Plugin workspace realized at /cwd.");
}

TEST_CASE("workspace_record: a request is taken over, in its normal form",
          "[workspace_record]") {
  auto what = about("ssh");
  what.asked.metadata.text = request;
  auto record = record_of(what);
  CHECK(record["local"]
        == json{{"path", "/src"},
                {"source", "agent_home"},
                {"strategy", "git_worktree"},
                {"projectId", "p"},
                {"projectWorkspaceId", nullptr},
                {"repoUrl", "url"},
                {"repoRef", nullptr},
                {"branchName", "b"},
                {"worktreePath", "/wt"}});
  CHECK(record["additional"]
        == json::array({{{"path", "/more"},
                         {"projectId", nullptr},
                         {"projectWorkspaceId", nullptr},
                         {"repoUrl", "u2"},
                         {"repoRef", nullptr}}}));
  CHECK(record["bootstrap"]["command"] == "make");
  CHECK(record["rebuild"]["executionWorkspaceId"] == "w");
  CHECK(record["rebuild"]["mode"] == "shared");
  CHECK(record["rebuild"]["metadata"]["runtimeOverlay"]["workspaceRuntime"]
        == nullptr);
}

TEST_CASE("workspace_record: a request that is incomplete is ignored",
          "[workspace_record]") {
  auto with = [](const std::string& path, json value) {
    auto metadata = json::parse(request);
    metadata[json::json_pointer{"/workspaceRealizationRequest" + path}]
      = std::move(value);
    auto what = about("local");
    what.asked.metadata.text = metadata.dump();
    return record_of(what)["local"]["source"];
  };
  CHECK(with("/version", 2) == "task_session");
  CHECK(with("/source/localPath", " ") == "task_session");
  CHECK(with("/adapterType", "") == "task_session");
  CHECK(with("/companyId", 7) == "task_session");
  CHECK(with("/source/kind", "unheard of") == "project_primary");
}

TEST_CASE("workspace_record: a workspace may be used in place",
          "[workspace_record]") {
  auto what = about("sandbox");
  what.provider_metadata.text = R"({"remoteCwd":"/box",
    "realizationMode":"in_place",
    "workspaceAliases":[{"path":"/a","target":"/b"},{"path":"/c"}],
    "outboundRestorePaths":["/x",7]})";
  auto built = build_workspace_record(what);
  CHECK(built.in_place);
  auto record = json::parse(built.record.text);
  CHECK(record["mode"] == "in_place");
  CHECK(record["authoritativeRoot"] == "/box");
  CHECK(record["pathAliases"]
        == json::array({{{"path", "/a"}, {"target", "/b"}}}));
  CHECK(record["outboundRestorePaths"] == json::array({"/x"}));
  // What the lease said before, unless the provider says otherwise.
  auto kept = about("sandbox");
  kept.asked.lease.metadata.text
    = R"({"workspaceRealization":{"mode":"in_place",)"
      R"("authoritativeRoot":"/r"}})";
  CHECK(record_of(kept)["authoritativeRoot"] == "/r");
  kept.provider_metadata.text = R"({"workspaceRealization":{"mode":"copy"}})";
  CHECK(record_of(kept)["mode"] == "copy");
}

TEST_CASE("workspace_record: metadata that is none does no harm",
          "[workspace_record]") {
  auto what = about("ssh");
  for (auto* text : {"", "[]", "7", "{", R"({"source":7,"request":[]})"}) {
    INFO(text);
    what.asked.metadata.text = text;
    what.asked.lease.metadata.text = text;
    what.provider_metadata.text = text;
    CHECK(build_workspace_record(what).path == "/home/me/project");
  }
}

TEST_CASE("workspace_record: a caller without a request gets one",
          "[workspace_record]") {
  auto what = about("sandbox");
  what.asked.lease.place.company = {"company-1"};
  what.asked.lease.run = {"run-1"};
  auto made = json::parse(with_request(what.asked).text);
  const auto& sent = made["workspaceRealizationRequest"];
  CHECK(sent["version"] == 1);
  CHECK(sent["adapterType"] == "unknown");
  CHECK(sent["companyId"] == "company-1");
  CHECK(sent["environmentId"] == "env-1");
  CHECK(sent["heartbeatRunId"] == "run-1");
  CHECK(sent["source"]["kind"] == "task_session");
  CHECK(sent["source"]["localPath"] == what.asked.local_path);
  // One that can be read is left alone.
  what.asked.metadata = json_text{made.dump()};
  CHECK(with_request(what.asked) == what.asked.metadata);
  // The record is the same either way.
  CHECK(build_workspace_record(what).record
        == build_workspace_record(about("sandbox")).record);
}
