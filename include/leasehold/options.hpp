#pragma once

// Every tunable of an engine: default, unit, reason.

#include "leasehold/types.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace leasehold {

struct options {
  /// Where leases are recorded: the path of an SQLite database, made on first
  /// use, whose directory must exist; or the `postgres://` URL of a PostgreSQL
  /// database (13 or newer), which must exist and which engines may share.
  std::string store = "leasehold.db";

  /// The key that secrets are sealed with: 32 bytes, as 64 hexadecimal digits
  /// or as base64. Empty: what the environment variable LEASEHOLD_MASTER_KEY
  /// says, else the file below. Never passed on to child processes.
  std::string master_key = {};

  /// The file with that key, readable by its owner only; made on first use.
  /// Empty: `master.key` beside an SQLite database, none for other stores.
  std::string master_key_file = {};

  /// Threads for the actors; 0 means one per core. Beside them an engine has
  /// one for child processes and two for the store (PostgreSQL: three).
  size_t threads = 0;

  /// Where the helper programs are; empty means: beside this program, then
  /// where they were installed, then where they were built.
  std::string helpers = {};

  /// How long an acquire waits for a plugin worker that is getting ready.
  std::chrono::milliseconds worker_ready_grace{5'000};

  /// How long a worker may take to answer `initialize`.
  std::chrono::milliseconds worker_initialize_timeout{15'000};

  /// How long a worker may take to answer a call, unless the call or the
  /// environment's `timeoutMs` says more.
  std::chrono::milliseconds worker_call_timeout{30'000};

  /// How much longer than its call an acquire may take, as its worker may have
  /// to be started first. Until then nobody believes a provider that does not
  /// list the resource.
  std::chrono::milliseconds worker_acquire_margin{5'000};

  /// How often a worker is asked for its health; three misses restart it.
  std::chrono::milliseconds worker_health_interval{30'000};

  /// Pauses between restarts of a crashing worker: the first restart is
  /// immediate, the second waits this long, each further one twice as long, up
  /// to the cap, ±25 %.
  std::chrono::milliseconds worker_restart_delay{1'000};
  std::chrono::milliseconds worker_restart_delay_max{300'000};

  /// How long a worker must run before its crashes are forgotten.
  std::chrono::milliseconds worker_stable_after{60'000};

  /// This many crashes within the window make a worker *broken*: it is left
  /// alone for the longest pause and then tried once more.
  size_t worker_crashes_max = 10;
  std::chrono::milliseconds worker_crash_window{600'000};

  /// An environment or plugin whose acquires fail so often in a row, because
  /// nobody answers, is left alone: acquires fail at once with `circuit_open`.
  /// Zero: never.
  uint32_t breaker_failures_max = 5;

  /// How long: the first time, doubling up to the longest, ±25 %. Then one
  /// acquire is let through to try.
  std::chrono::milliseconds breaker_pause{5'000};
  std::chrono::milliseconds breaker_pause_max{300'000};

  /// Acquires and resumes under way in this engine, whatever they wait for. All
  /// others are refused at once (`overloaded`): the first limit that a flood
  /// meets, and the cheapest.
  size_t acquires_max = 16'384;

  /// Leases of one environment that this engine grants at a time, and how many
  /// of them it acquires at a time; zero: no limit. Others wait for their
  /// turn. A config says otherwise with `admission`, as in
  /// `{"admission": {"maxLeases": 20}}`.
  uint32_t environment_leases_max = 0;
  uint32_t environment_acquires_max = 0;

  /// Acquires that may wait in front of one environment, and for how long.
  uint32_t environment_queue_max = 1'024;
  std::chrono::milliseconds environment_queue_timeout{60'000};

  /// The shares of companies where acquires of several wait; one for those
  /// that are not named.
  std::map<std::string, uint32_t> company_weights = {};

  /// Calls to one worker at a time, and calls that may wait for their turn.
  size_t worker_calls_max = 256;
  size_t worker_queue_max = 4'096;

  /// The longest line that a worker may send, in bytes.
  size_t worker_line_max = 128u << 20;

  /// How long a worker whose plugin was upgraded goes on while it has calls to
  /// answer. It is replaced at the first moment without any, else after this
  /// time; commands that still run then end as `outcome_unknown`.
  std::chrono::milliseconds worker_relief_patience{600'000};

  /// How long a stopping worker gets to finish its calls, to answer
  /// `shutdown`, to follow SIGTERM, and to be gone after SIGKILL.
  std::chrono::milliseconds worker_drain_timeout{5'000};
  std::chrono::milliseconds worker_shutdown_timeout{10'000};
  std::chrono::milliseconds worker_terminate_timeout{5'000};
  std::chrono::milliseconds worker_kill_timeout{2'000};

  /// Pauses between attempts to clean up: doubling from the first to the cap.
  /// After the last attempt an operator must act.
  std::chrono::milliseconds cleanup_retry_delay{5'000};
  std::chrono::milliseconds cleanup_retry_delay_max{600'000};
  uint32_t cleanup_attempts_max = 20;

  /// Cleanups under way at a time, and rows per sweep.
  uint32_t cleanup_batch_max = 100;

  /// How long the runs of this engine's leases may take to come back if it
  /// dies: another engine, or the next one, takes such a lease over by
  /// `reattach`, else ends it as `failed` (`engine_restart`). Zero: such leases
  /// end as soon as somebody sees that their engine is dead.
  std::chrono::milliseconds reattach_grace{0};

  /// How long a parked resource waits for the next run before it is removed;
  /// zero: for ever. An environment's config may say otherwise
  /// (`parkedTtlMs`).
  std::chrono::milliseconds parked_ttl{std::chrono::hours{7 * 24}};

  /// How long leases that have ended and owe nothing are kept on record, with
  /// their history; and what was noted about the use of secrets. Zero: for
  /// ever.
  std::chrono::milliseconds history_ttl{std::chrono::hours{30 * 24}};
  std::chrono::milliseconds secret_access_ttl{std::chrono::hours{90 * 24}};

  /// Where engines share a store: how long one may be without it before the
  /// others count it as dead and end its leases. It stops serving them before
  /// that. The same for all of them.
  std::chrono::milliseconds peer_grace{10'000};

  /// Whether environments of the built-in `fake` provider may be saved. It
  /// makes nothing and runs nothing: for tests and benchmarks.
  bool allow_fake_provider = false;

  /// How long the destructor waits for its leases to be released.
  std::chrono::milliseconds stop_timeout{15'000};

  /// Takes what the engine has to say for people. Any thread; empty: silence.
  std::function<void(log_level, std::string_view)> log = {};
};

} // namespace leasehold
