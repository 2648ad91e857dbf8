#pragma once

// Environments and plugins as the store keeps them.

#include "messages/enums.hpp"
#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <map>
#include <optional>
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

/// A manifest and the program that serves it, as somebody offers them.
struct plugin_offer {
  std::string version = {};
  json_text manifest = {};
  /// Program and arguments of the worker.
  std::vector<std::string> command = {};
  /// What the worker finds in its environment beside the usual.
  std::map<std::string, std::string> env = {};
  /// The npm package that it came in, and the folder with it; empty if it came
  /// in none.
  std::string package_name = {};
  std::string package_path = {};
  /// What operators set for the plugin itself. Names secrets, has none in it.
  /// An empty text stands for what it is set to already.
  json_text config = {};

  friend bool operator==(const plugin_offer&, const plugin_offer&) = default;
};

/// An installed plugin, and what of it is in use.
struct plugin_row : plugin_offer {
  plugin_id id = {};
  /// The manifest's `id`; unique.
  std::string key = {};
  plugin_status status = plugin_status::ready;
  /// Earlier plugins win where two declare one driver key.
  int64_t install_order = 0;
  /// The upgrade that waits for an operator's consent; only while
  /// `upgrade_pending`.
  std::optional<plugin_offer> pending = {};
  std::string last_error = {};
  timestamp installed_at = {};
  /// Later with every change: whoever saw this one saw the last one.
  timestamp updated_at = {};

  friend bool operator==(const plugin_row&, const plugin_row&) = default;
};

/// A plugin as somebody saw it last.
struct plugin_stamp {
  plugin_id id = {};
  /// When it was last changed by then.
  timestamp updated_at = {};

  friend bool operator==(const plugin_stamp&, const plugin_stamp&) = default;
};

/// A running or former engine. It owns the leases that it granted.
struct instance_row {
  instance_id id = {};
  std::string host = {};
  int64_t pid = 0;
  timestamp started_at = {};
  /// Whether it lives, as far as anybody knows; not stored.
  bool alive = true;
  /// How many live leases it owns; not stored.
  uint64_t leases = 0;
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
bool inspect(Inspector& f, plugin_offer& x) {
  return f.object(x).fields(
    f.field("version", x.version), f.field("manifest", x.manifest),
    f.field("command", x.command), f.field("env", x.env),
    f.field("package_name", x.package_name),
    f.field("package_path", x.package_path), f.field("config", x.config));
}

template <class Inspector>
bool inspect(Inspector& f, plugin_row& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("key", x.key), f.field("status", x.status),
    f.field("install_order", x.install_order), f.field("version", x.version),
    f.field("manifest", x.manifest), f.field("command", x.command),
    f.field("env", x.env), f.field("package_name", x.package_name),
    f.field("package_path", x.package_path), f.field("config", x.config),
    f.field("pending", x.pending), f.field("last_error", x.last_error),
    f.field("installed_at", x.installed_at),
    f.field("updated_at", x.updated_at));
}

template <class Inspector>
bool inspect(Inspector& f, instance_row& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("host", x.host), f.field("pid", x.pid),
    f.field("started_at", x.started_at), f.field("alive", x.alive),
    f.field("leases", x.leases));
}

} // namespace leasehold
