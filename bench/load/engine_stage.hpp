#pragma once

// Engines as the scenarios use them, and one way to put a lease cycle on one.

#include "bench/load/pacing.hpp"
#include "bench/load/scenario.hpp"
#include "leasehold/engine.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace leasehold::bench {

/// As it ships, but for the provider that only tests and benchmarks may use.
options options_for(const store_place& where);

/// Adds the environment `box`, or another, of the provider inside the engine.
/// `more` goes into its config, as in `,"admission":{}`.
void add_fake(engine& with, const std::string& name = "box",
              const std::string& more = "");

/// Adds the plugin whose worker is leasehold-bench-worker, and an environment
/// `far` of it.
void add_worker(engine& with, const std::string& more = "");

/// Adds the bubblewrap plugin, whose boxes are in `folder`, and an environment
/// `jail` of it.
void add_bubblewrap(engine& with, const std::string& folder);

/// The process of the bench's worker that belongs to this process.
pid_t find_worker();

/// How long acquires took, from any thread.
class acquire_times {
public:
  void add(nanoseconds took) {
    std::lock_guard guard{mutex_};
    all_.add(took);
  }

  /// What there is; begins anew.
  histogram take() {
    std::lock_guard guard{mutex_};
    return std::exchange(all_, {});
  }

private:
  std::mutex mutex_;
  histogram all_;
};

/// A lease is acquired and released at once; each belongs to a run of its own.
/// `times` may be null.
work lease_cycle(engine& with, std::vector<std::string> environments,
                 std::shared_ptr<acquire_times> times = nullptr);

/// The load's errors as a note; empty if there were none.
std::string note_of(const load_result& x);

} // namespace leasehold::bench
