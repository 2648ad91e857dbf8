// Records from the rows of a PostgreSQL store.

#include "storage/postgres_rows.hpp"

#include <nlohmann/json.hpp>

namespace leasehold::pg {

namespace {

using json = nlohmann::json;

/// Texts that came through a process list or a file need not be UTF-8.
std::string dump(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Reads what `to_json` wrote.
template <class T>
T parse(const std::string& text, const char* column) {
  try {
    return json::parse(text).get<T>();
  } catch (const json::exception& e) {
    throw postgres::error{postgres::corrupt, false,
                          std::string{"Column "} + column
                            + " is not the JSON it should be: " + e.what()};
  }
}

} // namespace

lease_row read_lease(const postgres::rows& found) {
  lease_row x;
  found.read(x.id, x.company, x.environment, x.workspace, x.issue, x.run,
             x.status, x.policy, x.provider, x.resource, x.exclusive, x.fence,
             x.owner, x.parked, x.fingerprint, x.cleanup, x.cleanup_attempts,
             x.next_cleanup_at, x.failure_reason, x.metadata, x.acquired_at,
             x.last_used_at, x.updated_at, x.expires_at, x.deadline_at,
             x.released_at);
  return x;
}

environment_row read_environment(const postgres::rows& found) {
  environment_row x;
  found.read(x.id, x.name, x.description, x.driver, x.status, x.config,
             x.created_at, x.updated_at);
  return x;
}

plugin_row read_plugin(const postgres::rows& found) {
  plugin_row x;
  std::string command;
  std::string env;
  found.read(x.id, x.key, x.version, x.status, x.install_order, x.manifest,
             command, env, x.config, x.last_error, x.installed_at,
             x.updated_at);
  x.command = parse<decltype(x.command)>(command, "plugins.command");
  x.env = parse<decltype(x.env)>(env, "plugins.env");
  return x;
}

std::string to_json(const std::vector<std::string>& x) {
  return dump(x);
}

std::string to_json(const std::map<std::string, std::string>& x) {
  return dump(x);
}

bool names_plugin(const std::string& metadata, const plugin_id& who) {
  auto parsed = json::parse(metadata, nullptr, false);
  return parsed.is_object() && parsed.contains("pluginId")
         && parsed["pluginId"] == who.value;
}

} // namespace leasehold::pg
