#pragma once

// The engine: leases execution environments to runs.

#include "leasehold/gates.hpp"
#include "leasehold/options.hpp"
#include "leasehold/types.hpp"

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace leasehold {

/// An engine of its own: no globals, no signal handlers; several may live in
/// one process and several processes may share one store.
///
/// Every verb returns at once and comes in two forms. One returns a future; the
/// other takes a callback, which runs exactly once on a thread of the engine
/// and should be quick. Verbs are thread-safe. Failures are values of type
/// `failure`; exceptions mean misuse.
class engine {
public:
  /// Opens the store and starts. Throws `bad_result` if the store cannot be
  /// used; see `open` for the form that does not throw.
  explicit engine(options opts = {});

  /// Opens the store and starts. Errors: `store_unusable`, `store_unavailable`.
  static result<engine> open(options opts = {});

  engine(engine&&) noexcept;

  engine& operator=(engine&&) noexcept;

  /// Releases what is still leased as `failed` (reason `engine_stopped`), stops
  /// the workers, and returns with all threads joined and all children gone.
  /// Takes `stop_timeout` plus the workers' own time-outs at most; leases that
  /// could not be released by then are resolved by the next engine.
  ~engine();

  // -- leasing ----------------------------------------------------------------

  /// Finds the run a resource: resumes a parked one, else makes one. Errors:
  /// `unknown_environment`, `environment_inactive`, `unknown_provider`,
  /// `worker_not_ready`, `provider_refused`, `call_timed_out` (the engine
  /// finds out what became of it), `store_unavailable`, … Where the
  /// environment has a limit it waits for its turn: `overloaded` if too many
  /// wait already, or are under way in this engine, `queue_timed_out`.
  /// `circuit_open` while its provider is left alone.
  std::future<result<lease>> acquire(acquire_request what);
  void acquire(acquire_request what, completion<lease> then);

  /// Takes up again what one lease has left: a resource that waits for the
  /// next run or was kept (a new lease, with a new id), or the lease itself if
  /// its run still holds it (the same id). Either way under a new fence, and by
  /// what the lease captured, whatever its environment has become. Nothing is
  /// made instead, and a resume that fails leaves everything as it was. Errors:
  /// `unknown_lease`, `resource_gone` (there is nothing left to resume),
  /// `in_use` (another run holds it), `held_elsewhere`, `not_supported`,
  /// `conflict` (somebody else was faster), …
  std::future<result<lease>> resume(resume_request what);
  void resume(resume_request what, completion<lease> then);

  /// Ends one lease. Never blocked by a worker that is not running: the lease
  /// ends and its cleanup is owed.
  std::future<result<ended_lease>> release(const lease& which,
                                           release_request how = {});
  void release(const lease& which, release_request how,
               completion<ended_lease> then);

  /// Ends every lease of a run, in parallel. One that fails stops no other.
  std::future<result<ended_run>> release_run(std::string run, outcome how);
  void release_run(std::string run, outcome how, completion<ended_run> then);

  /// Removes the lease's resource now, whatever state the lease is in, even a
  /// lease of another engine.
  std::future<result<ended_lease>> destroy(const lease& which,
                                           std::string reason = {});
  void destroy(const lease& which, std::string reason,
               completion<ended_lease> then);

  /// A scheduler comes back for the leases that a run held under an engine that
  /// has died: each goes on here, under a new fence, if nobody has ended it by
  /// then (`options::reattach_grace`). Commands that ran died with their engine
  /// or are unknown. Leases that this engine holds for the run already are
  /// among the answer as they are. `ttl` ends them at the latest after this
  /// time; zero leaves their ends. What the run cannot have is among the
  /// errors: `held_elsewhere` (that engine lives), `conflict`. Nothing to come
  /// back for is an empty answer.
  std::future<result<reattached_run>>
  reattach(std::string run, std::chrono::milliseconds ttl = {});

  /// Makes the lease end no earlier than `ttl` from now; answers with the new
  /// end in milliseconds since the Unix epoch.
  std::future<result<int64_t>> renew(const lease& which,
                                     std::chrono::milliseconds ttl);

  // -- commands ---------------------------------------------------------------

  /// Brings a folder in; answers with where commands find it.
  std::future<result<realized_workspace>> realize(const lease& which,
                                                  workspace what);
  void realize(const lease& which, workspace what,
               completion<realized_workspace> then);

  /// Runs a command to its end. `on_output` takes its output as it comes.
  /// Errors: `command_not_started`, `outcome_unknown` (the worker died),
  /// `stale_lease`, `lease_ended`, …
  std::future<result<finished>> execute(const lease& which, command what,
                                        output_callback on_output = {});
  void execute(const lease& which, command what, output_callback on_output,
               completion<finished> then);

  // -- environments and plugins -----------------------------------------------

  /// Adds an environment, or changes the one of this name. The config is
  /// validated by its driver and stored with defaults filled in. Where the
  /// driver says that secrets stand, values become secrets of the company
  /// `default`, and their ids are stored. Errors: `unknown_driver`,
  /// `unknown_provider`, `invalid_config`, `unknown_secret`.
  std::future<result<environment_info>> put_environment(environment_info what);
  std::future<result<std::vector<environment_info>>> environments();
  std::future<result<environment_info>> find_environment(std::string name);
  /// Errors: `in_use` while leases hold it.
  std::future<result<done>> remove_environment(std::string name);
  /// Tests an environment. One that does not work is a report, not an error.
  std::future<result<probe_result>> probe(std::string name);
  /// Who has and who waits for leases of this engine there.
  std::future<result<queue_info>> queue(std::string environment);

  /// The circuit breakers that are open, of this engine and of all others that
  /// share its store.
  std::future<result<std::vector<breaker_info>>> breakers();
  /// Closes the breaker of an environment; no error if it is closed.
  std::future<result<done>> reset_environment(std::string name);
  /// The same for a plugin; in this engine, a worker that crashed too often is
  /// started again, too.
  std::future<result<done>> reset_plugin(std::string key);

  /// Adds a plugin, or changes the one with this key, whatever it wants to do;
  /// one that is disabled stays so. Errors: `invalid_config`, whose message
  /// says which field of the manifest or of its config is wrong;
  /// `invalid_request`.
  std::future<result<plugin_info>> put_plugin(plugin_info what);
  /// Changes a plugin that is there. One that declares capabilities which it
  /// had not becomes `upgrade_pending`: it takes no leases until it is enabled,
  /// and serves those that live as it was. Errors: `unknown_plugin`,
  /// `invalid_config`, `invalid_request`.
  std::future<result<plugin_info>> upgrade_plugin(std::string key,
                                                  plugin_info what);
  /// Takes no new leases of a plugin; those that live go on and can be ended.
  /// Errors: `unknown_plugin`, `invalid_request` while an upgrade waits.
  std::future<result<plugin_info>> disable_plugin(std::string key);
  /// Takes leases again; allows the upgrade that waits, if one does.
  std::future<result<plugin_info>> enable_plugin(std::string key);
  /// In install order.
  std::future<result<std::vector<plugin_info>>> plugins();
  /// Finds a plugin by its key or id.
  std::future<result<plugin_info>> find_plugin(std::string key);
  /// Errors: `in_use` while leases hold it: they live, are parked, are kept, or
  /// owe a cleanup.
  std::future<result<done>> remove_plugin(std::string key);

  /// The drivers of plugins that are ready, in install order.
  std::future<result<std::vector<driver_info>>> ready_drivers();
  /// Who would serve a new lease of this sandbox provider. Errors:
  /// `unknown_provider`, `plugin_not_ready`.
  std::future<result<driver_info>> find_provider(std::string driver_key);

  // -- secrets ----------------------------------------------------------------

  /// Keeps a secret under a new name. Errors: `already_exists`,
  /// `invalid_request`, `secret_unusable` (the master key).
  std::future<result<secret_info>> put_secret(new_secret what);
  /// Gives a secret another value: its next version. Earlier ones stay.
  std::future<result<secret_info>> rotate_secret(secret_name which,
                                                 std::string value);
  /// The secrets of a company by name, with where they are bound.
  std::future<result<std::vector<secret_info>>> secrets(std::string company
                                                        = "default");
  /// Lets a secret be used somewhere; replaces what was bound there. Errors:
  /// `unknown_secret`, `unknown_environment`, `unknown_plugin`.
  std::future<result<done>> bind_secret(secret_binding what);
  /// Takes that back; `what.secret` may be empty. Errors: `binding_missing`.
  std::future<result<done>> unbind_secret(secret_binding what);
  /// Turns a secret, or one version of it, off or on. Nobody gets a value of
  /// one that is off.
  std::future<result<done>> enable_secret(secret_name which, bool on,
                                          uint32_t version = 0);
  /// Forgets a secret and its versions. Errors: `in_use` while it is bound
  /// somewhere, unless forced.
  std::future<result<done>> remove_secret(secret_name which,
                                          bool forced = false);

  // -- records ----------------------------------------------------------------

  std::future<result<std::vector<lease_info>>> leases(lease_filter which = {});
  /// Finds a lease by its id or by the only id that begins so.
  std::future<result<lease_info>> find_lease(std::string id);
  std::future<result<std::vector<history_line>>> history(std::string id);

  // -- care -------------------------------------------------------------------

  /// Tries an owed cleanup again, now; all its attempts count anew. Answers
  /// with how that went. `who` stands in the history. Errors: `unknown_lease`,
  /// `in_use` (the lease lives), `invalid_request` (nothing is owed).
  std::future<result<ended_lease>> retry_cleanup(std::string id,
                                                 std::string who);
  /// Takes an operator's word for it that what an ended lease left no longer
  /// exists: nothing is owed any more, nothing waits. Errors as above.
  std::future<result<ended_lease>> confirm_gone(std::string id,
                                                std::string who);
  /// Looks at records, providers, plugins and configs for what is not as it
  /// should be; with `fix` also does what is safe, at most 100 things. Takes as
  /// long as the slowest provider's worker may (`worker_call_timeout`).
  std::future<result<examination>> examine(bool fix = false,
                                           std::string who = {});

  /// Ready once the leases of dead engines have been ended and every cleanup
  /// that was owed has been tried once. Serving does not wait for it.
  std::future<result<done>> recovered();

  /// Ready once no cleanup is owed, or after `patience`; says how many are
  /// left.
  std::future<result<size_t>> settled(std::chrono::milliseconds patience);

  /// Sees every transition of leases and workers, on threads of the engine.
  void subscribe(std::function<void(const event&)> callback);

private:
  struct impl;
  explicit engine(std::unique_ptr<impl> self);
  std::unique_ptr<impl> impl_;
};

} // namespace leasehold
