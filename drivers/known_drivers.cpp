#include "drivers/known_drivers.hpp"

#include "drivers/manifest.hpp"
#include "drivers/secret_refs.hpp"

#include <utility>

namespace leasehold {

namespace {

known_driver read(const plugin_row& plugin, const std::string& key,
                  const std::string& kind) {
  known_driver out;
  auto manifest = parse_manifest(plugin.manifest);
  if (!manifest)
    return out;
  const auto* found = kind.empty() ? find_driver(*manifest, key)
                                   : find_driver(*manifest, key, kind);
  if (!found)
    return out;
  out.declared = true;
  out.schema = found->config_schema;
  out.secret_paths = secret_paths(found->config_schema);
  out.reusable_leases = found->reusable_leases;
  return out;
}

} // namespace

std::shared_ptr<const known_driver>
known_drivers::find(const plugin_row& plugin, const std::string& key,
                    const std::string& kind) {
  std::lock_guard guard{mutex_};
  auto& known = entries_[place{plugin.id, key, kind}];
  if (!known.driver || known.manifest != plugin.manifest) {
    known.manifest = plugin.manifest;
    known.driver
      = std::make_shared<const known_driver>(read(plugin, key, kind));
  }
  return known.driver;
}

} // namespace leasehold
