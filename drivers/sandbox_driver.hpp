#pragma once

// Sandboxes: the built-in `fake`, and every provider that a plugin's worker
// serves (PB §2.3, §3.5 to §3.16).

#include "drivers/worker_driver.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

/// What a lease needs is planned here; the calls are `worker_driver`'s.
class sandbox_driver : public worker_driver {
public:
  /// `workers` must outlive the driver. `allow_fake`: whether environments of
  /// the built-in `fake` may be saved.
  sandbox_driver(worker_channel& workers, worker_driver_options options,
                 bool allow_fake);

  [[nodiscard]] std::string_view key() const noexcept override;

  void validate(const environment_context& place,
                completion<json_text> then) override;

  void secret_paths(const environment_context& place,
                    completion<std::vector<std::string>> then) override;

  void probe(const environment_context& place,
             completion<probe_report> then) override;

  void plan(const plan_lease& what, completion<lease_plan> then) override;

  void realize(place_workspace what,
               completion<workspace_realized> then) override;

protected:
  [[nodiscard]] milliseconds
  verb_timeout(const json_text& config) const override;

  [[nodiscard]] workspace_realized
  told_of(const place_workspace& what,
          workspace_realized by_worker) const override;

private:
  /// What the plugin says about this provider.
  std::shared_ptr<const known_driver> declaration(const ready_worker& worker,
                                                  const std::string& provider);

  /// Asks the worker about a config that its schema accepts.
  void validate_by(const ready_worker& worker, const json_text& config,
                   completion<json_text> then);

  void probe_by(const ready_worker& worker, const environment_context& place,
                const std::string& provider, completion<probe_report> then);

  bool allow_fake_;
};

} // namespace leasehold
