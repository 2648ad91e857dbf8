#pragma once

// Sandboxes: the built-in `fake`, and every provider that a plugin's worker
// serves (PB §2.3, §3.5 to §3.16).

#include "drivers/driver.hpp"
#include "drivers/worker_channel.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace leasehold {

struct sandbox_driver_options {
  /// Whether environments of the built-in `fake` may be saved.
  bool allow_fake = false;
  /// Takes resources that came up after their acquire had timed out.
  std::function<void(late_resource)> late;
  /// How long a worker's answer is waited for where nobody says otherwise.
  milliseconds call_timeout{30'000};
};

/// Stateless: what a verb needs travels in its arguments.
class sandbox_driver : public driver {
public:
  /// `workers` must outlive the driver.
  sandbox_driver(worker_channel& workers, sandbox_driver_options options);

  [[nodiscard]] std::string_view key() const noexcept override;

  void validate(const environment_context& place,
                completion<json_text> then) override;

  void probe(const environment_context& place,
             completion<probe_report> then) override;

  void plan(const plan_lease& what, completion<lease_plan> then) override;

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

private:
  /// Calls the worker that serves `lease`.
  void call(const lease_context& lease, worker_call what, bool wait,
            completion<json_text> then);

  worker_channel& workers_;
  sandbox_driver_options options_;
};

} // namespace leasehold
