#include "drivers/workspace_record.hpp"

#include "drivers/json_value.hpp"
#include "messages/json.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace leasehold {

namespace {

using nlohmann::json;

constexpr auto white_space = " \t\r\n\v\f";

json parse_object(const json_text& text) {
  auto out = json::parse(text.text, nullptr, false);
  return out.is_object() ? out : json::object();
}

/// The member of that name; null if there is none.
const json& member(const json& object, std::string_view name) {
  static const json null;
  auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? null : *found;
}

/// The trimmed text of a member; null for blank ones and other values.
json text_or_null(const json& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_string())
    return nullptr;
  const auto& text = value.get_ref<const std::string&>();
  auto begin = text.find_first_not_of(white_space);
  if (begin == std::string::npos)
    return nullptr;
  auto end = text.find_last_not_of(white_space);
  return text.substr(begin, end - begin + 1);
}

json or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(text);
}

/// The first that is not null.
template <class... Ts>
json first_of(json x, Ts... more) {
  if constexpr (sizeof...(more) == 0)
    return x;
  else
    return x.is_null() ? first_of(std::move(more)...) : x;
}

std::string text(const json& value, const char* otherwise = "") {
  return value.is_string() ? value.get<std::string>() : otherwise;
}

json object_or_null(const json& object, std::string_view name) {
  const auto& value = member(object, name);
  return value.is_object() && !value.empty() ? value : json(nullptr);
}

json array_or_empty(const json& value) {
  return value.is_array() ? value : json::array();
}

// -- the request --------------------------------------------------------------

/// The fields of PB §6.1 that every source has.
json repository_of(const json& source) {
  json out;
  for (auto* name : {"projectId", "projectWorkspaceId", "repoUrl", "repoRef"})
    out[name] = text_or_null(source, name);
  return out;
}

json source_of(const json& source) {
  constexpr std::array kinds{"project_primary", "task_session", "agent_home"};
  auto out = repository_of(source);
  out["kind"] = kinds[0];
  for (auto* kind : kinds)
    if (member(source, "kind") == kind)
      out["kind"] = kind;
  out["strategy"] = member(source, "strategy") == "git_worktree"
                      ? "git_worktree"
                      : "project_primary";
  for (auto* name : {"localPath", "branchName", "worktreePath"})
    out[name] = text_or_null(source, name);
  return out;
}

json overlay_of(const json& overlay) {
  json out;
  for (auto* name : {"provisionCommand", "runtimeProvisionCommand",
                     "teardownCommand", "cleanupCommand"})
    out[name] = text_or_null(overlay, name);
  out["workspaceRuntime"] = object_or_null(overlay, "workspaceRuntime");
  return out;
}

/// A request in its normal form; null if it is none.
json read_request(const json& given) {
  if (!given.is_object() || member(given, "version") != 1)
    return nullptr;
  json out;
  for (auto* name :
       {"companyId", "environmentId", "heartbeatRunId", "adapterType"}) {
    out[name] = text_or_null(given, name);
    if (out[name].is_null())
      return nullptr;
  }
  out["source"] = source_of(member(given, "source"));
  if (out["source"]["localPath"].is_null())
    return nullptr;
  for (auto* name : {"executionWorkspaceId", "issueId", "requestedMode"})
    out[name] = text_or_null(given, name);
  out["additional"] = json::array();
  for (const auto& entry : array_or_empty(member(given, "additionalSources"))) {
    auto one = repository_of(entry);
    one["path"] = text_or_null(entry, "localPath");
    if (!one["path"].is_null())
      out["additional"].push_back(std::move(one));
  }
  out["runtimeOverlay"] = overlay_of(member(given, "runtimeOverlay"));
  return out;
}

/// What PB §6.2 makes up for callers that send no request.
json synthesise(const realization& what) {
  const auto& asked = what.asked;
  json source{{"kind", "task_session"}, {"strategy", "project_primary"}};
  source["localPath"] = first_of(or_null(asked.local_path), or_null(what.cwd),
                                 or_null(asked.remote_path), json("/"));
  json out;
  out["source"] = source_of(source);
  out["requestedMode"] = or_null(asked.mode);
  out["executionWorkspaceId"] = or_null(asked.lease.workspace.value);
  out["additional"] = json::array();
  out["runtimeOverlay"] = overlay_of({});
  return out;
}

/// The caller's request; null if there is none that can be read.
json given_request(const json& metadata) {
  for (auto* name : {"workspaceRealizationRequest", "request"})
    if (auto out = read_request(member(metadata, name)); !out.is_null())
      return out;
  return nullptr;
}

json request_of(const realization& what) {
  auto out = given_request(parse_object(what.asked.metadata));
  return out.is_null() ? synthesise(what) : out;
}

// -- the record ---------------------------------------------------------------

/// Adds a member that is known.
void add_known(json& to, const char* name, json value) {
  if (!value.is_null())
    to[name] = std::move(value);
}

json remote_of(const json& lease, const json& provided) {
  json out{{"path", first_of(text_or_null(provided, "remoteCwd"),
                             text_or_null(lease, "remoteCwd"),
                             text_or_null(provided, "remotePath"))}};
  add_known(out, "host", text_or_null(lease, "host"));
  if (member(lease, "port").is_number())
    out["port"] = member(lease, "port");
  add_known(out, "username", text_or_null(lease, "username"));
  add_known(out, "sandboxId",
            first_of(text_or_null(lease, "sandboxId"),
                     text_or_null(provided, "sandboxId")));
  return out;
}

/// What lease and provider say about how the workspace is used.
json usage_of(const json& lease, const json& provided) {
  auto out = json::object();
  for (const auto* part :
       {&member(lease, "workspaceRealization"),
        &member(provided, "workspaceRealization"), &provided})
    if (part->is_object())
      out.update(*part);
  return out;
}

json aliases_of(const json& usage) {
  auto out = json::array();
  const auto& given = member(usage, "pathAliases");
  for (const auto& entry : array_or_empty(
         given.is_array() ? given : member(usage, "workspaceAliases"))) {
    json alias{{"path", text_or_null(entry, "path")},
               {"target", text_or_null(entry, "target")}};
    if (!alias["path"].is_null() && !alias["target"].is_null())
      out.push_back(std::move(alias));
  }
  return out;
}

json restore_paths_of(const json& usage) {
  auto out = json::array();
  for (const auto& path : array_or_empty(member(usage, "outboundRestorePaths")))
    if (path.is_string())
      out.push_back(path);
  return out;
}

std::string summary_of(const realization& what, const json& local,
                       const json& remote) {
  auto here = text(local["path"]);
  auto there = text(remote["path"]);
  if (what.driver == "ssh") {
    auto port = member(remote, "port");
    return "SSH workspace realized at "
           + text(member(remote, "username"), "user") + "@"
           + text(member(remote, "host"), "host") + ":"
           + (port.is_null() ? "22" : port.dump()) + ":"
           + (there.empty() ? here : there) + ".";
  }
  if (what.driver == "sandbox") {
    auto sandbox = text(member(remote, "sandboxId"));
    return "Sandbox workspace realized at " + (there.empty() ? "/" : there)
           + (sandbox.empty() ? "" : " in " + sandbox) + ".";
  }
  if (what.driver == "plugin")
    return "Plugin workspace realized at "
           + (!what.cwd.empty() ? what.cwd
              : there.empty()   ? here
                                : there)
           + ".";
  return "Local workspace realized at " + here + ".";
}

json rebuild_of(const json& request, const json& record,
                const realization& what, const json& provided) {
  const auto& source = request["source"];
  return {{"executionWorkspaceId", request["executionWorkspaceId"]},
          {"mode", request["requestedMode"]},
          {"repoUrl", source["repoUrl"]},
          {"repoRef", source["repoRef"]},
          {"localPath", record["local"]["path"]},
          {"remotePath", record["remote"]["path"]},
          {"providerLeaseId", record["providerLeaseId"]},
          {"metadata",
           {{"source", source},
            {"runtimeOverlay", request["runtimeOverlay"]},
            {"environmentDriver", what.driver},
            {"provider", record["provider"]},
            {"providerMetadata", provided}}}};
}

json local_of(const json& source) {
  auto out = repository_of(source);
  out["path"] = source["localPath"];
  out["source"] = source["kind"];
  out["strategy"] = source["strategy"];
  out["branchName"] = source["branchName"];
  out["worktreePath"] = source["worktreePath"];
  return out;
}

} // namespace

workspace_record build_workspace_record(const realization& what) {
  const auto& lease = what.asked.lease;
  auto request = request_of(what);
  auto kept = parse_object(lease.metadata);
  auto provided = parse_object(what.provider_metadata);
  auto usage = usage_of(kept, provided);
  workspace_record out;
  out.in_place = member(usage, "mode") == "in_place"
                 || member(usage, "realizationMode") == "in_place";
  json record{{"version", 1}, {"transport", what.driver}};
  record["mode"] = out.in_place ? "in_place" : "copy";
  record["local"] = local_of(request["source"]);
  record["remote"] = remote_of(kept, provided);
  auto own = what.driver == "ssh" || what.driver == "local" ? what.driver : "";
  record["provider"] = or_null(what.provider.empty() ? own : what.provider);
  record["environmentId"] = or_null(lease.place.environment.value);
  record["leaseId"] = or_null(lease.lease.value);
  record["providerLeaseId"] = or_null(lease.resource.value);
  record["authoritativeRoot"]
    = first_of(text_or_null(usage, "authoritativeRoot"),
               out.in_place ? record["remote"]["path"] : json(nullptr),
               record["local"]["path"]);
  record["pathAliases"] = aliases_of(usage);
  record["outboundRestorePaths"] = restore_paths_of(usage);
  record["additional"] = request["additional"];
  record["bootstrap"]
    = {{"command", request["runtimeOverlay"]["provisionCommand"]}};
  record["rebuild"] = rebuild_of(request, record, what, provided);
  out.summary = summary_of(what, record["local"], record["remote"]);
  record["summary"] = out.summary;
  out.path = text(first_of(record["remote"]["path"], record["local"]["path"]));
  out.record = pack(record);
  return out;
}

workspace_realized realized_by(const workspace_record& what,
                               const json_text& provider_metadata,
                               std::string cwd) {
  if (cwd.empty())
    cwd = what.path;
  return {std::move(cwd),
          with_member(provider_metadata, "workspaceRealization", what.record),
          what.record};
}

json_text with_request(const place_workspace& what) {
  auto metadata = parse_object(what.metadata);
  if (!given_request(metadata).is_null())
    return what.metadata;
  const auto& lease = what.lease;
  auto made_up = synthesise({.driver = lease.place.driver, .asked = what});
  json request{{"version", 1}, {"adapterType", "unknown"}};
  request["companyId"] = or_null(lease.place.company.value);
  request["environmentId"] = or_null(lease.place.environment.value);
  request["executionWorkspaceId"] = made_up["executionWorkspaceId"];
  request["issueId"] = or_null(lease.issue.value);
  request["heartbeatRunId"] = lease.run.empty() ? "unknown" : lease.run.value;
  request["requestedMode"] = made_up["requestedMode"];
  request["source"] = made_up["source"];
  request["additionalSources"] = json::array();
  request["runtimeOverlay"] = made_up["runtimeOverlay"];
  return with_member(what.metadata, "workspaceRealizationRequest",
                     pack(request));
}

} // namespace leasehold
