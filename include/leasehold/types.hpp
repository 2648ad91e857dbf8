#pragma once

// What schedulers say to an engine and hear from it. Plain data.

#include "messages/finding.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace leasehold {

// -- leasing ------------------------------------------------------------------

/// What a run needs.
struct acquire_request {
  /// Name or id of the environment.
  std::string environment;
  /// The run that will hold the lease. Empty: an ad-hoc lease, which is never
  /// resumed and never parked.
  std::string run = {};
  /// The tenant that owns the lease.
  std::string company = "default";
  /// The execution workspace and its mode, passed on to the provider.
  std::string workspace = {};
  std::string workspace_mode = {};
  std::string issue = {};
  /// Ends the lease as `expired` after this time; zero means never.
  std::chrono::milliseconds ttl{0};
  /// How long it may wait for its turn where its environment has a limit; zero:
  /// as the environment says.
  std::chrono::milliseconds queue_timeout{0};
  /// Takes the request back: it fails with `cancelled`, and what was made for
  /// it is removed. Without effect once the lease is granted.
  std::stop_token stop = {};
};

/// Which lease is to be resumed, and for whom.
struct resume_request {
  /// Its id, or the only id that begins so.
  std::string lease;
  /// Must not be empty. A lease that is still active must be this run's.
  std::string run;
  /// Ends the lease as `expired` after this time; zero means never.
  std::chrono::milliseconds ttl{0};
};

/// How a lease came by its resource.
enum class origin : uint8_t { fresh, resumed, replacement };

/// A lease that was granted. A copy is as good as the original.
struct lease {
  std::string id;
  /// Which grant this is. A handle with an older fence is refused with
  /// `stale_lease`; zero means *whichever it is* and is for operators only.
  uint64_t fence = 0;
  std::string environment = {};
  std::string driver = {};
  std::string provider = {};
  /// What the provider calls the thing; empty for drivers that make none.
  std::string resource = {};
  leasehold::origin origin = leasehold::origin::fresh;
  /// Why the resource is a replacement.
  std::string origin_note = {};
  /// When the lease ends by itself, in milliseconds since the Unix epoch.
  std::optional<int64_t> expires_at_ms = {};
  /// JSON: what the engine and the provider noted about the lease.
  std::string metadata = "{}";
};

/// How a run ended.
enum class outcome : uint8_t { released, expired, failed };

/// How to end a lease.
struct release_request {
  leasehold::outcome outcome = leasehold::outcome::released;
  /// For the record; empty for the usual reason.
  std::string reason = {};
  /// Whether running commands may finish first; otherwise they are cancelled.
  bool wait_for_commands = false;
  /// Whether the resource stays as it is, for somebody to look at. The lease
  /// ends as `retained`; `destroy` removes the resource.
  bool keep = false;
};

/// How a lease ended.
struct ended_lease {
  std::string id;
  /// `released`, `expired`, `failed` or `retained`.
  std::string status;
  /// Whether the resource is still to be cleaned up; the janitor is on it.
  bool cleanup_owed = false;
  std::string cleanup_error = {};
  /// Whether the resource waits for the next run.
  bool parked = false;
  std::string failure_reason = {};
  std::string resource = {};
};

/// How the leases of a run ended, and what could not be ended.
struct ended_run {
  std::vector<ended_lease> leases;
  std::vector<failure> errors;
};

// -- commands -----------------------------------------------------------------

/// A folder to bring into the resource.
struct workspace {
  /// On the engine's host.
  std::string local_path = {};
  std::string remote_path = {};
  std::string mode = {};
  /// JSON object, passed on to the provider. Where it has no
  /// `workspaceRealizationRequest` (PB §6.1), the engine adds one.
  std::string metadata = "{}";
};

/// Where commands find the workspace.
struct realized_workspace {
  std::string cwd;
  std::string metadata = "{}";
};

/// What to run.
struct command {
  std::string command;
  std::vector<std::string> args = {};
  /// Empty: the realized workspace, else the lease's own directory.
  std::string cwd = {};
  std::map<std::string, std::string> env = {};
  std::string stdin_text = {};
  /// Zero: the environment's `timeoutMs`, else no limit.
  std::chrono::milliseconds timeout{0};
  /// Cancels the command.
  std::stop_token stop = {};
};

/// A piece of output, as it came.
struct output {
  enum class stream : uint8_t { out, err };
  stream from = stream::out;
  std::string text;
};

/// Takes output on a thread of the engine, one piece at a time and in order.
using output_callback = std::function<void(output)>;

/// How a command ended. An exit code is only ever one that was observed; a
/// command whose end nobody saw is the error `outcome_unknown`.
struct finished {
  /// None if the command was ended by a signal, timed out or was cancelled.
  std::optional<int> exit_code;
  std::string signal = {};
  bool timed_out = false;
  bool cancelled = false;
  /// Both bounded; a cut is marked in the text.
  std::string stdout_text = {};
  std::string stderr_text = {};
  std::string metadata = "{}";
};

// -- what is configured -------------------------------------------------------

/// A named place where work can run.
struct environment_info {
  /// Empty for a new one.
  std::string id = {};
  std::string name;
  std::string description = {};
  /// `local`, `ssh`, `sandbox` or `plugin`.
  std::string driver;
  /// JSON object. For `sandbox` it names the `provider`.
  std::string config = "{}";
  /// `active` or `archived`; only an active one takes leases.
  std::string status = "active";
  int64_t updated_at_ms = 0;
};

/// A provider: a manifest, and the program that serves it.
struct plugin_info {
  std::string id = {};
  /// The manifest's `id`; empty when adding.
  std::string key = {};
  std::string version = {};
  std::string status = "ready";
  /// JSON, as PB §1.3 describes it.
  std::string manifest;
  std::vector<std::string> command;
  std::map<std::string, std::string> env = {};
  /// JSON object: what is set for the plugin as a whole; its worker reads it
  /// with `config.get`. Names secrets as `{"type": "secret_ref", "secretId":
  /// …}` and has none in it. Empty when adding: what it was, else `{}`.
  std::string config = {};
  std::string last_error = {};
  /// The npm package that it came in, and the folder with it; may be empty.
  std::string package_name = {};
  std::string package_path = {};
  // The rest is filled in by the engine.
  /// Driver keys that the manifest declares.
  std::vector<std::string> drivers = {};
  /// What the manifest says that the plugin does.
  std::vector<std::string> capabilities = {};
  /// The upgrade that waits for consent, and what it wants to do beyond
  /// `capabilities`; empty unless the status is `upgrade_pending`.
  std::string pending_version = {};
  std::vector<std::string> pending_capabilities = {};
  /// Where two plugins declare one driver, the smaller number comes first.
  int64_t install_order = 0;
  int64_t updated_at_ms = 0;
};

/// A driver that a plugin declares.
struct driver_info {
  std::string key;
  /// `sandbox_provider`, which environments of the driver `sandbox` name, or
  /// `environment_driver`, for those of the driver `plugin`.
  std::string kind;
  std::string display_name;
  std::string description;
  /// JSON schema.
  std::string config_schema;
  bool reusable_leases = false;
  std::string plugin_id;
  std::string plugin_key;
  std::string plugin_status;
  /// What the plugin's worker does in this engine: `stopped`, `starting`,
  /// `running`, `backoff` or `broken`. It is started when it is needed.
  std::string worker;
  /// Whether a new lease of the provider `key` would be this plugin's.
  bool serves = false;
};

/// What a test of an environment found.
struct probe_result {
  bool ok = false;
  std::string driver;
  std::string summary;
  /// JSON.
  std::string details = "{}";
};

// -- secrets ------------------------------------------------------------------

/// Which secret.
struct secret_name {
  /// Its name or id.
  std::string secret;
  std::string company = "default";
};

/// A secret to be kept.
struct new_secret {
  /// Unique within the company.
  std::string name;
  /// UTF-8, at most 64 KiB. It never comes out of any verb again.
  std::string value;
  std::string company = "default";
  std::string description = {};
};

/// A secret may be used at one path of one config.
struct secret_binding {
  /// Its name or id.
  std::string secret;
  /// The name or id of the environment; else the key or id of the plugin.
  std::string environment = {};
  std::string plugin = {};
  /// A dot path in the config, such as `auth.token`.
  std::string path;
  /// Zero: always the latest.
  uint32_t version = 0;
  std::string company = "default";
};

/// A binding as the store keeps it.
struct bound_place {
  /// `environment` or `plugin`, and its id.
  std::string target;
  std::string target_id;
  std::string path;
  /// Zero: always the latest.
  uint32_t version = 0;
};

/// What may be known about a secret: everything but its values.
struct secret_info {
  std::string id;
  std::string company;
  std::string name;
  std::string description;
  /// Who keeps the values: `local`.
  std::string provider;
  /// `active` or `disabled`.
  std::string status;
  uint32_t latest_version = 0;
  /// The id of the environment whose config spelled it out, and with which it
  /// goes; empty for those that people made.
  std::string made_for;
  std::vector<bound_place> bindings;
  int64_t created_at_ms = 0;
  int64_t updated_at_ms = 0;
};

// -- what is recorded ---------------------------------------------------------

/// A lease as the store keeps it.
struct lease_info {
  std::string id;
  std::string company;
  std::string environment;
  /// The execution workspace and the issue that it was taken for.
  std::string workspace;
  std::string issue;
  std::string run;
  std::string status;
  std::string policy;
  std::string provider;
  std::string resource;
  uint64_t fence = 0;
  std::string owner;
  bool parked = false;
  /// `none`, `success` or `failed`.
  std::string cleanup;
  uint32_t cleanup_attempts = 0;
  std::string failure_reason;
  std::string metadata = "{}";
  int64_t acquired_at_ms = 0;
  int64_t updated_at_ms = 0;
  std::optional<int64_t> next_cleanup_at_ms;
  std::optional<int64_t> expires_at_ms;
  std::optional<int64_t> released_at_ms;
};

/// One line of a lease's history.
struct history_line {
  int64_t at_ms = 0;
  std::string from;
  std::string to;
  uint64_t fence = 0;
  std::string note;
};

/// Which leases to list. Empty fields do not filter.
struct lease_filter {
  std::string environment = {};
  std::string run = {};
  /// Only those that have not ended, are parked, or owe a cleanup.
  bool holding_only = false;
  uint32_t limit = 100;
};

/// What a look at everything has found; `finding` is in messages/finding.hpp.
struct examination {
  /// When, by the store's clock.
  int64_t at_ms = 0;
  /// Those that need somebody first.
  std::vector<finding> findings;
};

/// What a run that came back holds from now on, and what it could not have.
struct reattached_run {
  std::vector<lease> leases;
  std::vector<failure> errors;
};

// -- what happens -------------------------------------------------------------

/// A transition of a lease, a worker process, a plugin (is there a worker that
/// takes calls?) or a circuit breaker.
struct event {
  /// `lease`, `worker`, `plugin` or `breaker`.
  std::string kind;
  /// The lease's id, the plugin's key, or `environment:` or `plugin:` with an
  /// id.
  std::string subject;
  std::string from;
  std::string to;
  std::string note;
};

enum class log_level : uint8_t { debug, info, warning, error };

} // namespace leasehold
