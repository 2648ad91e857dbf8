#include "drivers/bubblewrap/bubblewrap_manifest.hpp"

#include "drivers/bubblewrap/box_config.hpp"

namespace leasehold::bubblewrap {

namespace {

using nlohmann::json;

json property(const char* type, const char* title, const char* description,
              json more) {
  more["type"] = type;
  more["title"] = title;
  more["description"] = description;
  return more;
}

json properties() {
  json out;
  out["network"] = property("boolean", "Network",
                            "Whether commands reach the host's network.",
                            {{"default", false}});
  out["reuseLease"] = property("boolean", "Keep for the next run",
                               "Whether a released box is parked instead of "
                               "removed.",
                               {{"default", false}});
  out["timeoutMs"]
    = property("integer", "Time limit",
               "Milliseconds a command may take if the call "
               "does not say.",
               {{"minimum", timeout_min}, {"maximum", timeout_max}});
  out["workspaceMode"]
    = property("string", "Workspace",
               "Whether a workspace folder is copied into "
               "the box or bound into it, so that commands "
               "change the original.",
               {{"enum", {"copy", "bind"}}, {"default", "copy"}});
  out["readOnlyPaths"]
    = property("array", "Host paths to show",
               "Absolute host paths that commands may read, where they are.",
               {{"items", {{"type", "string"}, {"pattern", "^/"}}},
                {"maxItems", read_only_paths_max},
                {"default", json::array()}});
  out["env"] = property("object", "Environment variables",
                        "Set for every command; the call's own win.",
                        {{"additionalProperties", {{"type", "string"}}},
                         {"default", json::object()}});
  out["hostname"] = property("string", "Host name",
                             "What commands see as host name; the box's name "
                             "if absent.",
                             {{"pattern", "^[a-z0-9-]{1,63}$"}});
  out["outputLimitBytes"]
    = property("integer", "Output kept",
               "How much of each output stream a result holds; all of it is "
               "streamed.",
               {{"minimum", output_limit_min},
                {"maximum", output_limit_max},
                {"default", output_limit_default}});
  return out;
}

json config_schema() {
  return {{"$schema", "http://json-schema.org/draft-07/schema#"},
          {"type", "object"},
          {"additionalProperties", false},
          {"properties", properties()}};
}

json sandbox_capabilities() {
  return {{"reusableLeases", true},
          {"nativeSyncIn", false},
          {"nativeSyncOut", false},
          {"persistentProcessSessions", false},
          {"independentControlCommands", true},
          {"incrementalSessionOutput", true},
          {"concurrentSyncOperations", false},
          {"duplexCommandStream", false},
          {"runnerWebSocketIngress", false}};
}

} // namespace

json manifest() {
  json driver{{"driverKey", "bubblewrap"},
              {"kind", "sandbox_provider"},
              {"displayName", "Bubblewrap sandbox"},
              {"description", "A private file system, process tree and network "
                              "on this Linux host; no daemon."},
              {"configSchema", config_schema()},
              {"supportsReusableLeases", true},
              {"sandboxCapabilities", sandbox_capabilities()}};
  return {{"id", "leasehold.bubblewrap"},
          {"apiVersion", 1},
          {"version", LEASEHOLD_VERSION},
          {"displayName", "Bubblewrap"},
          {"description", "Sandboxes on this host, made with bubblewrap."},
          {"author", "Leasehold"},
          {"categories", {"workspace"}},
          {"capabilities", {"environment.drivers.register"}},
          {"entrypoints", {{"worker", "leasehold-bubblewrap"}}},
          {"environmentDrivers", {driver}}};
}

} // namespace leasehold::bubblewrap
