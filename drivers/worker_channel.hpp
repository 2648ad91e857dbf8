#pragma once

// How drivers reach plugin workers, without knowing who keeps them.

#include "messages/result.hpp"
#include "messages/worker.hpp"

#include <string>

namespace leasehold {

/// The plugin workers of one engine. Thread-safe.
class worker_channel {
public:
  virtual ~worker_channel() = default;

  /// Finds the worker of a sandbox provider and waits for it within the grace
  /// period. Errors carry the texts of PB §3.5: `unknown_provider`,
  /// `plugin_not_ready`, `worker_not_ready`, `worker_broken`.
  virtual void find_provider(const std::string& provider,
                             completion<ready_worker> then)
    = 0;

  /// Finds the worker of an environment driver that this plugin declares, and
  /// waits for it within the grace period. Errors carry the texts of PB §3.17:
  /// `unknown_plugin`, `unknown_driver`, `plugin_not_ready`,
  /// `worker_not_ready`, `worker_broken`.
  virtual void find_driver(const std::string& plugin_key,
                           const std::string& driver_key,
                           completion<ready_worker> then)
    = 0;

  /// Calls a plugin's worker. With `wait`, a worker that is not ready is
  /// waited for within the grace period; without, the call fails at once with
  /// `worker_not_ready`. Errors of the worker itself are `provider_refused`
  /// (or `not_supported` for codes -32601 and -32004), with its words; a lost
  /// worker is `worker_lost`, a late one `call_timed_out`.
  virtual void call(const plugin_id& plugin, worker_call what, bool wait,
                    completion<json_text> then)
    = 0;
};

} // namespace leasehold
