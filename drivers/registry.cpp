#include "drivers/registry.hpp"

#include "drivers/local_driver.hpp"
#include "drivers/plugin_driver.hpp"
#include "drivers/sandbox_driver.hpp"
#include "drivers/ssh/ssh_driver.hpp"

#include <utility>

namespace leasehold {

void driver_table::add(std::shared_ptr<driver> what) {
  std::string key{what->key()};
  drivers_.insert_or_assign(std::move(key), std::move(what));
}

driver* driver_table::find(std::string_view key) const {
  auto pos = drivers_.find(key);
  return pos == drivers_.end() ? nullptr : pos->second.get();
}

driver* driver_table::of_provider(std::string_view provider) const {
  // Drivers without providers leave their own key in the row.
  if (auto* own = find(provider))
    return own;
  if (provider.starts_with("plugin:"))
    return find("plugin");
  return find("sandbox");
}

std::string driver_table::keys() const {
  std::string out;
  for (const auto& [key, unused] : drivers_)
    out += (out.empty() ? "" : ", ") + key;
  return out;
}

driver_table make_drivers(const driver_services& services) {
  driver_table out;
  out.add(std::make_shared<local_driver>(services.launcher, services.loop,
                                         services.guard, this_host()));
  worker_driver_options calls{services.late, services.call_timeout,
                              services.secrets, services.acquire_margin};
  out.add(std::make_shared<sandbox_driver>(services.workers, calls,
                                           services.allow_fake));
  out.add(std::make_shared<plugin_driver>(services.workers, calls));
  out.add(std::make_shared<ssh_driver>(
    services.launcher, services.loop, services.secrets,
    ssh_driver_options{client_setup_of(this_host().env), {}}));
  return out;
}

} // namespace leasehold
