#include "drivers/plugin_config.hpp"

#include "drivers/json_value.hpp"
#include "drivers/manifest.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace leasehold {

namespace {

using nlohmann::json;

failure bad_config(std::string why) {
  return {ec::invalid_config, std::move(why)};
}

} // namespace

result<plugin_settings> parse_plugin_settings(const json_text& config) {
  auto x = json::parse(config.text, nullptr, false);
  if (!x.is_object())
    x = json::object();
  plugin_settings out;
  out.plugin_key = text_of(x, "pluginKey");
  if (out.plugin_key.empty())
    return bad_config("Plugin environments require a pluginKey.");
  out.driver_key = text_of(x, "driverKey");
  if (!is_driver_key(out.driver_key))
    return bad_config(
      "Environment driver key must start with a lowercase "
      "alphanumeric and contain only lowercase letters, digits, dots, "
      "hyphens, or underscores");
  auto own = x.value("driverConfig", json::object());
  if (!own.is_object())
    return bad_config("driverConfig must be an object.");
  for (const auto& [key, unused] : x.items())
    if (key != "pluginKey" && key != "driverKey" && key != "driverConfig")
      return bad_config(
        "Unrecognized key \"" + key
        + "\" in a plugin environment's config; the driver's own keys "
          "belong into driverConfig.");
  out.driver_config = pack(own);
  return out;
}

json_text to_config(const plugin_settings& x) {
  return pack({{"pluginKey", x.plugin_key},
               {"driverKey", x.driver_key},
               {"driverConfig", json::parse(x.driver_config.text)}});
}

json_text plugin_lease_metadata(const plan_lease& what,
                                const plugin_settings& config,
                                const plugin_row& plugin,
                                const std::vector<std::string>& secret_paths) {
  json out{{"driver", "plugin"},
           {"pluginId", plugin.id.value},
           {"pluginKey", plugin.key},
           {"driverKey", config.driver_key},
           {"config", json::parse(config.driver_config.text)}};
  auto& mode = out["executionWorkspaceMode"];
  if (!what.workspace_mode.empty())
    mode = what.workspace_mode;
  if (!secret_paths.empty())
    out["secretPaths"] = secret_paths;
  return pack(out);
}

} // namespace leasehold
