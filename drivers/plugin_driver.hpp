#pragma once

// Environments whose driver a plugin declares (PB §2.4, §3.17).

#include "drivers/plugin_config.hpp"
#include "drivers/worker_driver.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace leasehold {

/// What a lease needs is planned here; the calls are `worker_driver`'s. Its
/// leases are never parked, and each has a resource of its own.
class plugin_driver : public worker_driver {
public:
  using worker_driver::worker_driver;

  [[nodiscard]] std::string_view key() const noexcept override;

  void validate(const environment_context& place,
                completion<json_text> then) override;

  void secret_paths(const environment_context& place,
                    completion<std::vector<std::string>> then) override;

  void probe(const environment_context& place,
             completion<probe_report> then) override;

  void plan(const plan_lease& what, completion<lease_plan> then) override;

protected:
  [[nodiscard]] milliseconds
  verb_timeout(const json_text& config) const override;

  [[nodiscard]] workspace_realized
  told_of(const place_workspace& what,
          workspace_realized by_worker) const override;

private:
  /// What the plugin says about the driver.
  std::shared_ptr<const known_driver>
  declaration(const ready_worker& worker, const plugin_settings& config);

  void validate_by(const ready_worker& worker, const plugin_settings& config,
                   completion<json_text> then);

  void probe_by(const ready_worker& worker, const environment_context& place,
                const plugin_settings& config, completion<probe_report> then);
};

} // namespace leasehold
