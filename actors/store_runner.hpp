#pragma once

// Where blocking calls to the database happen.

#include "messages/store.hpp"
#include "storage/store.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace leasehold {

/// Runs what the STORE wants done. An interface, so that tests can do without
/// threads. Continuations may be called from any thread.
class store_runner {
public:
  virtual ~store_runner() = default;

  /// Applies one batch; never called again before `then` has been.
  virtual void write(std::vector<store_write> batch,
                     std::function<void(write_outcomes)> then)
    = 0;

  virtual void read(store_query question,
                    std::function<void(result<store_answer>)> then)
    = 0;
};

/// Runs writes on one thread and reads on another. The destructor finishes what
/// was begun and joins.
std::unique_ptr<store_runner> make_store_threads(std::shared_ptr<store> what);

/// Runs everything at once, on the caller's thread.
std::unique_ptr<store_runner> make_inline_runner(std::shared_ptr<store> what);

} // namespace leasehold
