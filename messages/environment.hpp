#pragma once

// Environments and plugins as the store keeps them.

#include "messages/enums.hpp"
#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace leasehold {

enum class environment_status : uint8_t { active, archived };

template <>
inline constexpr auto names<environment_status> = named<environment_status>({
  {environment_status::active, "active"},
  {environment_status::archived, "archived"},
});

/// A named, configured place where work can run.
struct environment_row {
  environment_id id = {};
  /// Unique.
  std::string name = {};
  std::string description = {};
  /// `local`, `ssh`, `sandbox` or `plugin`.
  std::string driver = {};
  environment_status status = environment_status::active;
  json_text config = {};
  timestamp created_at = {};
  timestamp updated_at = {};

  friend bool operator==(const environment_row&, const environment_row&)
    = default;
};

enum class plugin_status : uint8_t {
  installed,
  ready,
  disabled,
  error,
  upgrade_pending,
  uninstalled,
};

template <>
inline constexpr auto names<plugin_status> = named<plugin_status>({
  {plugin_status::installed, "installed"},
  {plugin_status::ready, "ready"},
  {plugin_status::disabled, "disabled"},
  {plugin_status::error, "error"},
  {plugin_status::upgrade_pending, "upgrade_pending"},
  {plugin_status::uninstalled, "uninstalled"},
});

/// An installed manifest and the program that serves it.
struct plugin_row {
  plugin_id id = {};
  /// The manifest's `id`; unique.
  std::string key = {};
  std::string version = {};
  plugin_status status = plugin_status::ready;
  /// Earlier plugins win where two declare one driver key.
  int64_t install_order = 0;
  json_text manifest = {};
  /// Program and arguments of the worker.
  std::vector<std::string> command = {};
  /// What the worker finds in its environment beside the usual.
  std::map<std::string, std::string> env = {};
  /// What operators set for the plugin itself. Names secrets, has none in it.
  json_text config = {};
  std::string last_error = {};
  timestamp installed_at = {};
  timestamp updated_at = {};

  friend bool operator==(const plugin_row&, const plugin_row&) = default;
};

/// A running or former engine. It owns the leases that it granted.
struct instance_row {
  instance_id id = {};
  std::string host = {};
  int64_t pid = 0;
  timestamp started_at = {};
};

template <class Inspector>
bool inspect(Inspector& f, environment_row& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("name", x.name),
    f.field("description", x.description), f.field("driver", x.driver),
    f.field("status", x.status), f.field("config", x.config),
    f.field("created_at", x.created_at), f.field("updated_at", x.updated_at));
}

template <class Inspector>
bool inspect(Inspector& f, plugin_row& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("key", x.key), f.field("version", x.version),
    f.field("status", x.status), f.field("install_order", x.install_order),
    f.field("manifest", x.manifest), f.field("command", x.command),
    f.field("env", x.env), f.field("config", x.config),
    f.field("last_error", x.last_error),
    f.field("installed_at", x.installed_at),
    f.field("updated_at", x.updated_at));
}

template <class Inspector>
bool inspect(Inspector& f, instance_row& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("host", x.host),
                            f.field("pid", x.pid),
                            f.field("started_at", x.started_at));
}

} // namespace leasehold
