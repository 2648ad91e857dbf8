#pragma once

// What stands between a run and a lease: queues and circuit breakers. Plain
// data; docs/admission.md describes both.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace leasehold {

/// An acquire that waits for its turn.
struct queued_acquire {
  /// The id that its lease will have.
  std::string lease;
  std::string run;
  std::string company;
  /// 1 is the next one, unless others with a larger share come.
  uint32_t position = 0;
  std::chrono::milliseconds waited{0};
  /// How long it waits at the most from now on.
  std::chrono::milliseconds left{0};
};

/// Who has a lease of an environment in this engine, and who waits for one.
struct queue_info {
  std::string environment;
  /// Leases at a time, and acquires at a time; zero: no limit.
  uint32_t leases_max = 0;
  uint32_t acquires_max = 0;
  uint32_t queue_max = 0;
  /// What is counted against these limits.
  uint32_t live = 0;
  uint32_t acquiring = 0;
  std::vector<queued_acquire> waiting;
};

/// A circuit breaker that is open: whoever wants a lease there is refused with
/// `circuit_open` until the pause is over; then one is let through to try.
struct breaker_info {
  /// `environment` or `plugin`, and its id.
  std::string kind;
  std::string id;
  /// Failures that opened it.
  uint32_t failures = 0;
  /// When one may try, in milliseconds since the Unix epoch.
  int64_t retry_at_ms = 0;
  /// The last failure: its code and its words.
  std::string code;
  std::string message;
};

} // namespace leasehold
