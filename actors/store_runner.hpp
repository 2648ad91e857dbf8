#pragma once

// Where blocking calls to the database happen.

#include "actors/write_queue.hpp"
#include "messages/store.hpp"
#include "storage/store.hpp"

#include <functional>
#include <memory>

namespace leasehold {

/// Runs what the STORE wants done. An interface, so that tests can do without
/// threads. Continuations may be called from any thread.
class store_runner {
public:
  virtual ~store_runner() = default;

  /// Whether the queues of both lanes can be written at the same time; if not,
  /// all goes into `write_lanes::others`.
  [[nodiscard]] virtual bool writes_beside() const {
    return false;
  }

  /// Applies what waits, batch after batch until there is none, and tells how
  /// each went, in their order. Called again after an empty batch only.
  virtual void write(std::shared_ptr<write_queue> from,
                     std::function<void(write_outcomes)> then)
    = 0;

  virtual void read(store_query question,
                    std::function<void(result<store_answer>)> then)
    = 0;
};

/// Runs the writes of each lane on a thread, and reads on another. The
/// destructor writes whatever waits, finishes what is being read, and joins.
std::unique_ptr<store_runner> make_store_threads(std::shared_ptr<store> what);

/// Runs everything at once, on the caller's thread.
std::unique_ptr<store_runner> make_inline_runner(std::shared_ptr<store> what);

} // namespace leasehold
