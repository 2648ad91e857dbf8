#pragma once

// Lets the store's threads tell a SUPERVISOR, which is made after them and
// leaves before them, what becomes of its engine's life.

#include "actors/mail.hpp"
#include "messages/protocols.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace leasehold {

/// Thread-safe.
class life_bell {
public:
  /// From now on `whom` is told; what happened before counts, too.
  void open(supervisor_actor whom) {
    std::lock_guard guard{mutex_};
    whom_ = std::make_unique<supervisor_actor>(std::move(whom));
    if (auto last = std::exchange(missed_, std::nullopt))
      tell_from_outside(*whom_, *last);
  }

  void close() {
    std::lock_guard guard{mutex_};
    whom_.reset();
  }

  void ring(life_changed what) {
    std::lock_guard guard{mutex_};
    if (whom_)
      tell_from_outside(*whom_, what);
    else
      missed_ = what;
  }

private:
  std::mutex mutex_;
  std::unique_ptr<supervisor_actor> whom_;
  std::optional<life_changed> missed_;
};

} // namespace leasehold
