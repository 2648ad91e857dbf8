#pragma once

// The worker conformance kit: runs any plugin worker, in any language, through
// the wire contract and says for each capability whether it keeps it. A tool of
// its own: no engine, no store, no actors. docs/writing-a-worker.md explains
// the checks.

#include "messages/result.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace leasehold {

/// What a check found. Skipped: the worker does not offer what it is about, or
/// something that it builds on has failed.
enum class check_verdict : uint8_t { pass, fail, skip };

/// `pass`, `fail`, `skip`.
std::string to_string(check_verdict x);

struct worker_check_info {
  /// Stable; what `only` takes.
  std::string id;
  /// What the worker does if it passes: a sentence without its subject.
  std::string about;
};

struct worker_check_result {
  worker_check_info what;
  check_verdict verdict = check_verdict::pass;
  /// Why it failed or was skipped, in the worker's own words where it had some;
  /// a remark on a check that passed, mostly empty.
  std::string reason;
  std::chrono::milliseconds took{0};
};

struct worker_check_options {
  /// Program and arguments of the worker.
  std::vector<std::string> command;

  /// Variables beside the five that every worker gets.
  std::map<std::string, std::string> env = {};

  /// The plugin's manifest, JSON; empty: a made-up one.
  std::string manifest = {};

  /// The driver to test; empty: the manifest's first, else `worker-check`.
  std::string driver_key = {};

  /// JSON objects: a configuration that the worker must take (empty: `{}`),
  /// and one that it must refuse (empty: that is not checked).
  std::string config = {};
  std::string bad_config = {};

  /// Ids of the checks to run; empty: all.
  std::vector<std::string> only = {};

  /// How long to wait for one answer; to `initialize` 15 s at most, and for a
  /// worker that has been told to end 10 s at most.
  std::chrono::milliseconds timeout{30'000};

  /// How long everything may take together; what has no time left fails.
  std::chrono::milliseconds total_timeout{600'000};

  /// Becomes true when the checks are to end early; what is left fails. May be
  /// null.
  const std::atomic<bool>* stop = nullptr;

  /// The program `leasehold-guard`, which sees to it that nothing that the
  /// worker started is left. Empty: only its process group is ended.
  std::string guard = {};

  /// Is told every result as it comes, on the caller's thread.
  std::function<void(const worker_check_result&)> on_result = {};
};

struct worker_check_report {
  std::string driver_key;
  /// What the worker says it supports.
  std::vector<std::string> methods;
  std::vector<worker_check_result> results;
  /// The last that the worker wrote to standard error; UTF-8.
  std::string stderr_tail;
  std::chrono::milliseconds took{0};

  [[nodiscard]] size_t count(check_verdict what) const;
};

/// All checks, in the order in which they run.
std::vector<worker_check_info> worker_checks();

/// Runs the checks, one after the other. Blocks, for `total_timeout` and about
/// half a minute at most; leaves no process and, as far as the worker does what
/// it is told, no lease. Error: `invalid_request` if the options make no sense.
result<worker_check_report> check_worker(const worker_check_options& options);

} // namespace leasehold
