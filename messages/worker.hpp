#pragma once

// Plugin workers: finding them, calling them, and what their processes say.

#include "messages/command.hpp"
#include "messages/environment.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace leasehold {

/// A plugin worker that answers calls.
struct ready_worker {
  plugin_row plugin;
  /// What it said at `initialize`; empty if it said nothing.
  std::vector<std::string> supported_methods;
};

/// One JSON-RPC call to a plugin worker.
struct worker_call {
  std::string method;
  json_text params;
  /// Whose call it is; travels in the envelope and shares the queue fairly.
  company_id company;
  /// Zero: the channel's default of 30 s.
  milliseconds timeout{0};
  /// Takes `execute.log`; may be null.
  std::shared_ptr<output_sink> output;
  /// Secrets among the parameters, or null: what the worker says in logs and
  /// errors is kept without them.
  std::shared_ptr<const std::vector<std::string>> secrets;
  /// Takes the result of a call that had timed out; may be empty. Called at
  /// most once, from any thread.
  std::function<void(json_text)> late;
};

// -- drivers and the supervisor -----------------------------------------------

/// DRIVER -> SUPERVISOR: find the worker of this sandbox provider, or of this
/// plugin's environment driver, and wait for it within the grace period.
struct find_worker {
  /// A provider, or a driver of the plugin.
  std::string driver_key;
  /// Empty: any plugin that provides it.
  std::string plugin_key;
  completion<ready_worker> then;
};

/// DRIVER -> SUPERVISOR -> WORKER: make this call.
struct call_worker {
  plugin_id plugin;
  worker_call call;
  /// Whether a worker that is not ready is waited for.
  bool wait = false;
  completion<json_text> then;
};

/// WORKER -> SUPERVISOR: calls are answered from now on.
struct worker_is_ready {
  plugin_id plugin;
  /// Which start of the plugin's worker this is.
  uint64_t incarnation = 0;
  std::vector<std::string> supported_methods;
};

/// WORKER -> SUPERVISOR: the process is gone, and so am I.
struct worker_is_gone {
  plugin_id plugin;
  uint64_t incarnation = 0;
  /// Whether somebody asked for it.
  bool expected = false;
  failure why;
};

/// SECRETS -> WORKER: the value that its process has asked for, or why not.
struct secret_resolved {
  /// The id of the process's request, as it came.
  std::string request;
  result<std::string> value;
};

/// SUPERVISOR -> WORKER: finish your calls, then stop.
struct stop_worker {
  /// Whether it takes calls until it has nothing to do for a moment.
  bool when_idle = false;
};

/// ENGINE -> SUPERVISOR: which drivers do plugins declare, and who serves them?
struct survey_drivers {};

/// One driver that a plugin declares.
struct surveyed_driver {
  plugin_id plugin;
  std::string plugin_key;
  plugin_status status = plugin_status::ready;
  /// What the plugin's worker does: `stopped`, `starting`, `running`, …
  std::string worker;
  std::string key;
  /// `environment_driver` or `sandbox_provider`.
  std::string kind;
  std::string display_name;
  std::string description;
  json_text config_schema;
  bool reusable_leases = false;
  /// Whether a new lease of the provider `key` would be this plugin's.
  bool serves = false;
};

/// SUPERVISOR -> ENGINE: these, in install order.
struct drivers_surveyed {
  std::vector<surveyed_driver> drivers;
};

/// ENGINE -> SUPERVISOR: this plugin was added, changed or removed.
struct plugin_changed {
  plugin_id plugin;
};

// -- the worker's process -----------------------------------------------------

/// PROCESS -> WORKER: the child runs.
struct process_started {
  int64_t pid = 0;
};

/// PROCESS -> WORKER: the child could not be started.
struct process_not_started {
  failure why;
};

/// PROCESS -> WORKER: lines of standard output.
struct process_lines {
  std::vector<std::string> texts;
};

/// PROCESS -> WORKER: a line beyond the limit, of which this is the beginning.
struct process_overlong_line {
  std::string head;
  uint64_t bytes = 0;
};

/// PROCESS -> WORKER: something on standard error.
struct process_stderr {
  std::string text;
};

/// PROCESS -> WORKER: standard output was closed, though the child lives.
struct process_closed_stdout {};

/// PROCESS -> WORKER: the child has ended.
struct process_exited {
  int32_t code = -1;
  int32_t signal = 0;
};

template <class Inspector>
bool inspect(Inspector& f, worker_is_ready& x) {
  return f.object(x).fields(f.field("plugin", x.plugin),
                            f.field("incarnation", x.incarnation),
                            f.field("supported_methods", x.supported_methods));
}

template <class Inspector>
bool inspect(Inspector& f, worker_is_gone& x) {
  return f.object(x).fields(
    f.field("plugin", x.plugin), f.field("incarnation", x.incarnation),
    f.field("expected", x.expected), f.field("why", x.why));
}

template <class Inspector>
bool inspect(Inspector& f, stop_worker& x) {
  return f.object(x).fields(f.field("when_idle", x.when_idle));
}

template <class Inspector>
bool inspect(Inspector& f, survey_drivers& x) {
  return f.object(x).fields();
}

template <class Inspector>
bool inspect(Inspector& f, surveyed_driver& x) {
  return f.object(x).fields(
    f.field("plugin", x.plugin), f.field("plugin_key", x.plugin_key),
    f.field("status", x.status), f.field("worker", x.worker),
    f.field("key", x.key), f.field("kind", x.kind),
    f.field("display_name", x.display_name),
    f.field("description", x.description),
    f.field("config_schema", x.config_schema),
    f.field("reusable_leases", x.reusable_leases), f.field("serves", x.serves));
}

template <class Inspector>
bool inspect(Inspector& f, drivers_surveyed& x) {
  return f.object(x).fields(f.field("drivers", x.drivers));
}

template <class Inspector>
bool inspect(Inspector& f, plugin_changed& x) {
  return f.object(x).fields(f.field("plugin", x.plugin));
}

template <class Inspector>
bool inspect(Inspector& f, process_started& x) {
  return f.object(x).fields(f.field("pid", x.pid));
}

template <class Inspector>
bool inspect(Inspector& f, process_not_started& x) {
  return f.object(x).fields(f.field("why", x.why));
}

template <class Inspector>
bool inspect(Inspector& f, process_lines& x) {
  return f.object(x).fields(f.field("texts", x.texts));
}

template <class Inspector>
bool inspect(Inspector& f, process_overlong_line& x) {
  return f.object(x).fields(f.field("head", x.head), f.field("bytes", x.bytes));
}

template <class Inspector>
bool inspect(Inspector& f, process_stderr& x) {
  return f.object(x).fields(f.field("text", x.text));
}

template <class Inspector>
bool inspect(Inspector& f, process_closed_stdout& x) {
  return f.object(x).fields();
}

template <class Inspector>
bool inspect(Inspector& f, process_exited& x) {
  return f.object(x).fields(f.field("code", x.code),
                            f.field("signal", x.signal));
}

} // namespace leasehold
