// Records from the rows of a SQLite store.

#include "storage/sqlite_rows.hpp"

#include <nlohmann/json.hpp>

#include <type_traits>

namespace leasehold {

namespace {

using json = nlohmann::json;

/// Texts that came through a process list or a file need not be UTF-8.
std::string dump(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Throws `json::exception`.
plugin_offer to_offer(const json& x) {
  plugin_offer out;
  x.at("version").get_to(out.version);
  x.at("manifest").get_to(out.manifest.text);
  x.at("command").get_to(out.command);
  x.at("env").get_to(out.env);
  x.at("packageName").get_to(out.package_name);
  x.at("packagePath").get_to(out.package_path);
  x.at("config").get_to(out.config.text);
  return out;
}

/// Reads what `to_json` wrote.
template <class T>
T parse(const std::string& text, const char* column) {
  try {
    auto parsed = json::parse(text);
    if constexpr (std::is_same_v<T, plugin_offer>)
      return to_offer(parsed);
    else
      return parsed.get<T>();
  } catch (const json::exception& e) {
    throw sqlite::error{SQLITE_CORRUPT,
                        std::string{"Column "} + column
                          + " is not the JSON it should be: " + e.what()};
  }
}

} // namespace

lease_row read_lease(const sqlite::rows& found) {
  lease_row x;
  int64_t grace = 0;
  found.read(x.id, x.company, x.environment, x.workspace, x.issue, x.run,
             x.status, x.policy, x.provider, x.resource, x.exclusive, x.fence,
             x.owner, x.parked, x.fingerprint, x.cleanup, x.cleanup_attempts,
             x.next_cleanup_at, x.failure_reason, x.metadata, x.acquired_at,
             x.last_used_at, x.updated_at, x.expires_at, x.deadline_at,
             x.released_at, grace);
  x.reattach_grace = milliseconds{grace};
  return x;
}

environment_row read_environment(const sqlite::rows& found) {
  environment_row x;
  found.read(x.id, x.name, x.description, x.driver, x.status, x.config,
             x.created_at, x.updated_at);
  return x;
}

plugin_row read_plugin(const sqlite::rows& found) {
  plugin_row x;
  std::string command;
  std::string env;
  std::string pending;
  found.read(x.id, x.key, x.version, x.status, x.install_order, x.manifest,
             command, env, x.last_error, x.installed_at, x.updated_at,
             x.package_name, x.package_path, pending, x.config);
  x.command = parse<decltype(x.command)>(command, "plugins.command");
  x.env = parse<decltype(x.env)>(env, "plugins.env");
  if (!pending.empty())
    x.pending = parse<plugin_offer>(pending, "plugins.pending");
  return x;
}

std::string to_json(const std::vector<std::string>& x) {
  return dump(x);
}

std::string to_json(const std::map<std::string, std::string>& x) {
  return dump(x);
}

std::string to_json(const std::optional<plugin_offer>& x) {
  if (!x)
    return {};
  return dump({{"version", x->version},
               {"manifest", x->manifest.text},
               {"command", x->command},
               {"env", x->env},
               {"packageName", x->package_name},
               {"packagePath", x->package_path},
               {"config", x->config.text}});
}

} // namespace leasehold
