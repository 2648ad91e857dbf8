#include "actors/provider_choice.hpp"

#include "drivers/manifest.hpp"

#include <utility>

namespace leasehold {

namespace {

std::string installed_via(const std::string& provider,
                          const plugin_row& plugin) {
  return "Sandbox provider \"" + provider + "\" is installed via plugin \""
         + plugin.key + "\", but ";
}

/// `Plugin environment driver "acme.tools:vm"`.
std::string words_for(const worker_wish& what) {
  return "Plugin environment driver \"" + what.plugin_key + ":"
         + what.driver_key + "\"";
}

bool declares(const plugin_row& plugin, const worker_wish& what) {
  auto manifest = parse_manifest(plugin.manifest);
  if (!manifest)
    return false;
  // An environment driver is whatever its plugin calls one (PB §1.3).
  if (!what.plugin_key.empty())
    return find_driver(*manifest, what.driver_key);
  return find_driver(*manifest, what.driver_key, "sandbox_provider");
}

/// The plugin that is named, if it is ready and has such a driver (PB §3.17).
result<std::vector<plugin_row>>
pick_named(const std::vector<plugin_row>& plugins, const worker_wish& what) {
  for (const auto& plugin : plugins) {
    if (plugin.key != what.plugin_key
        || plugin.status == plugin_status::uninstalled)
      continue;
    if (plugin.status != plugin_status::ready)
      return failure{ec::plugin_not_ready, words_for(what) + " is not ready.",
                     "The plugin is " + to_string(plugin.status) + "."};
    if (!declares(plugin, what))
      return failure{ec::unknown_driver,
                     "Plugin \"" + plugin.key
                       + "\" does not declare environment driver \""
                       + what.driver_key + "\"."};
    return std::vector{plugin};
  }
  return failure{ec::unknown_plugin, words_for(what) + " is not ready.",
                 "There is no plugin \"" + what.plugin_key + "\"."};
}

/// The plugins that declare the provider; ready ones before all others
/// (PB §3.5).
result<std::vector<plugin_row>>
pick_providers(const std::vector<plugin_row>& plugins,
               const worker_wish& what) {
  const plugin_row* installed = nullptr;
  std::vector<plugin_row> ready;
  for (const auto& plugin : plugins) {
    if (plugin.status == plugin_status::uninstalled || !declares(plugin, what))
      continue;
    if (plugin.status == plugin_status::ready)
      ready.push_back(plugin);
    if (!installed)
      installed = &plugin;
  }
  if (!ready.empty())
    return ready;
  if (!installed)
    return failure{ec::unknown_provider,
                   "Sandbox provider \"" + what.driver_key
                     + "\" is not registered as a built-in provider and no "
                       "matching plugin is available."};
  return failure{ec::plugin_not_ready,
                 installed_via(what.driver_key, *installed)
                   + "that plugin is currently " + to_string(installed->status)
                   + ".",
                 installed->last_error};
}

} // namespace

result<std::vector<plugin_row>>
candidates_for(const std::vector<plugin_row>& plugins,
               const worker_wish& what) {
  return what.plugin_key.empty() ? pick_providers(plugins, what)
                                 : pick_named(plugins, what);
}

std::string no_worker_text(const worker_wish& what, const plugin_row& plugin) {
  return what.plugin_key.empty() ? installed_via(what.driver_key, plugin)
                                     + "its worker is not running."
                                 : words_for(what) + " has no running worker.";
}

std::vector<surveyed_driver>
declared_drivers(const std::vector<plugin_row>& plugins) {
  std::vector<surveyed_driver> out;
  for (const auto& plugin : plugins) {
    auto manifest = parse_manifest(plugin.manifest);
    if (!manifest || plugin.status == plugin_status::uninstalled)
      continue;
    for (auto& driver : manifest->drivers) {
      surveyed_driver x;
      x.plugin = plugin.id;
      x.plugin_key = plugin.key;
      x.status = plugin.status;
      x.key = std::move(driver.key);
      x.kind = std::move(driver.kind);
      x.display_name = std::move(driver.display_name);
      x.description = std::move(driver.description);
      x.config_schema = std::move(driver.config_schema);
      x.reusable_leases = driver.reusable_leases;
      out.push_back(std::move(x));
    }
  }
  return out;
}

} // namespace leasehold
