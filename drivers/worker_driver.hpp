#pragma once

// What the sandbox driver and the plugin driver have in common: every verb on a
// lease is a call to the worker of the plugin that the lease captured.

#include "drivers/driver.hpp"
#include "drivers/known_drivers.hpp"
#include "drivers/scrubber.hpp"
#include "drivers/secret_refs.hpp"
#include "drivers/worker_channel.hpp"
#include "drivers/worker_params.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace leasehold {

class secret_source;

/// PB §3.10: how long a worker may take to probe.
constexpr milliseconds worker_probe_timeout{120'000};

struct worker_driver_options {
  /// Takes resources that came up after their acquire had timed out.
  std::function<void(late_resource)> late;
  /// How long a worker's answer is waited for where nobody says otherwise.
  milliseconds call_timeout{30'000};
  /// Values of secrets; null only where no config has any.
  secret_source* secrets = nullptr;
  /// How much longer than its call an acquire is waited for.
  milliseconds acquire_margin{5'000};
};

/// Calls workers by what leases captured: the environment may have become
/// something else since. Secrets are spelled out for one call, in memory, and
/// nothing of a worker's answer that is kept has them in it. What a verb needs
/// travels in its arguments; only what manifests say is remembered.
class worker_driver : public driver {
public:
  /// `workers` must outlive the driver.
  worker_driver(worker_channel& workers, worker_driver_options options);

  void acquire(acquire_resource what, completion<resource_ready> then) override;

  void resume(resume_resource what, completion<resource_ready> then) override;

  void release(release_resource what, completion<> then) override;

  void destroy(destroy_resource what, completion<> then) override;

  void realize(place_workspace what,
               completion<workspace_realized> then) override;

  void execute(run_command what, std::shared_ptr<output_sink> output,
               completion<command_result> then) override;

  void cancel(const lease_context& lease,
              const execution_id& execution) override;

  void list(const lease_context& lease,
            completion<std::vector<listed_resource>> then) override;

protected:
  /// Time for a lease call, by the captured config; zero: the channel's
  /// default.
  [[nodiscard]] virtual milliseconds
  verb_timeout(const json_text& config) const = 0;

  /// What callers are told of a workspace that the worker has placed.
  [[nodiscard]] virtual workspace_realized
  told_of(const place_workspace& what, workspace_realized by_worker) const = 0;

  /// A config with its secrets spelled out, and what hides them again.
  struct opened_config {
    json_text config;
    /// Null if there are none.
    std::shared_ptr<const std::vector<std::string>> values;
    std::shared_ptr<const scrubber> hide;
  };

  /// Spells out the secrets of a config for one call. `place.path` goes before
  /// each path, where secrets are bound to paths of a larger config.
  void open_secrets(const json_text& config,
                    const std::vector<std::string>& paths,
                    const secret_request& place,
                    completion<opened_config> then);

  /// Completes once it is known that these secrets can be had; `open_secrets`
  /// is for the call that uses them.
  void check_secrets(const json_text& config,
                     const std::vector<std::string>& paths,
                     const secret_request& place, completion<> then);

  /// A call that is not about a lease; neither answer nor error has secrets in
  /// it.
  void call_plugin(const plugin_id& plugin, worker_call what,
                   const opened_config& opened, completion<json_text> then);

  worker_channel& workers_;
  worker_driver_options options_;
  known_drivers declared_;

private:
  /// One verb on a lease.
  struct verb {
    std::string method;
    /// Makes the parameters out of the config with its secrets.
    std::function<json_text(const json_text& config)> params = {};
    /// Its time, by the captured config; none: as every lease call.
    std::function<milliseconds(const json_text& config)> timeout = {};
    /// What is said if the lease has no worker.
    std::string without_worker = {};
    /// Whether a worker that is not ready is waited for.
    bool wait = true;
    /// Whether secrets must still be bound; what only ends a lease need not.
    bool needs_binding = true;
    std::shared_ptr<output_sink> output = {};
    std::function<void(json_text)> late = {};
  };

  struct answered {
    json_text result;
    std::shared_ptr<const wire::captured> own;
    std::shared_ptr<const scrubber> hide;
  };

  void call(const lease_context& lease, verb what, completion<answered> then);

  /// For release and destroy.
  void end(lease_context lease, verb call, completion<> then);
};

} // namespace leasehold
