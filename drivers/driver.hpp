#pragma once

// What a driver must do. Every driver passes tests/driver_contract.hpp.

#include "messages/driver.hpp"
#include "messages/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

/// Makes, resumes, uses and removes resources of one kind.
///
/// Every verb may be called from any thread and returns at once. Its completion
/// is called exactly once, from any thread, possibly before the verb returns.
/// Nothing throws. A verb that a driver does not override completes with
/// `not_supported` and the text of PB §3.1.
class driver {
public:
  virtual ~driver() = default;

  /// The driver key, such as `local`.
  [[nodiscard]] virtual std::string_view key() const noexcept = 0;

  /// Checks a config and completes with the one to store, defaults filled in.
  virtual void validate(const environment_context& place,
                        completion<json_text> then)
    = 0;

  /// Completes with the dot paths in the config that hold secrets. The engine
  /// stores ids there, never values. None, unless a driver says otherwise.
  virtual void secret_paths(const environment_context& place,
                            completion<std::vector<std::string>> then);

  /// The keys of a config that hold a secret, or a reference to one. The engine
  /// makes secrets of values before it asks `validate`. None, unless a driver
  /// says otherwise.
  [[nodiscard]] virtual std::vector<secret_field> secret_fields() const;

  /// Tests an environment for an operator. An environment that does not work
  /// is a report, not an error.
  virtual void probe(const environment_context& place,
                     completion<probe_report> then)
    = 0;

  /// Says what a lease would be, or why there can be none now. Waits for a
  /// worker that is getting ready.
  virtual void plan(const plan_lease& what, completion<lease_plan> then) = 0;

  /// Whether a provider that refuses to make a resource would refuse everybody:
  /// what is wrong is the place, not the request. A breaker counts it then.
  [[nodiscard]] virtual bool refusal_is_outage() const noexcept {
    return false;
  }

  /// Makes a resource. Only called if the plan says so.
  virtual void acquire(acquire_resource what, completion<resource_ready> then);

  /// Brings a resource back. `resource_gone`: there is no such thing any more.
  virtual void resume(resume_resource what, completion<resource_ready> then);

  /// Parks or removes a resource, as its config says. Idempotent. Never waits
  /// for a worker that is not ready.
  virtual void release(release_resource what, completion<> then);

  /// Removes a resource and ends whatever runs in it. Idempotent.
  virtual void destroy(destroy_resource what, completion<> then);

  /// Brings a folder in; completes with where commands find it.
  virtual void realize(place_workspace what,
                       completion<workspace_realized> then);

  /// Runs a command to its end. `output` may be null.
  virtual void execute(run_command what, std::shared_ptr<output_sink> output,
                       completion<command_result> then);

  /// Ends a running command soon; its `execute` completes as usual.
  virtual void cancel(const lease_context& lease,
                      const execution_id& execution);

  /// Lists what the provider holds in the place of this lease.
  virtual void list(const lease_context& lease,
                    completion<std::vector<listed_resource>> then);

protected:
  /// `Environment driver "<key>" does not support <what>.`
  [[nodiscard]] failure unsupported(std::string_view what) const;
};

} // namespace leasehold
