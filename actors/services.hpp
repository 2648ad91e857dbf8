#pragma once

// What every actor of an engine is given: the world outside, injected, so that
// tests and the simulator can be that world.

#include "drivers/registry.hpp"
#include "messages/ids.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace leasehold {

/// A transition that subscribers hear of.
struct transition {
  /// `lease`, `worker`, `plugin` or `breaker`.
  std::string_view kind;
  std::string subject;
  std::string from;
  std::string to;
  std::string note;
};

enum class log_rank : uint8_t { debug, info, warning, error };

/// Who is told of every transition. Nobody puts one into words while nobody
/// listens.
class observer {
public:
  observer() = default;

  /// `heard`, if there is one, says whether somebody listens; it must outlive
  /// the actors.
  template <class Fun>
  observer(Fun tell, const std::atomic<bool>* heard = nullptr)
    : tell_{std::move(tell)}, heard_{heard} {
    // nop
  }

  explicit operator bool() const {
    return tell_ && (!heard_ || heard_->load(std::memory_order_relaxed));
  }

  void operator()(const transition& what) const {
    tell_(what);
  }

private:
  std::function<void(const transition&)> tell_;
  const std::atomic<bool>* heard_ = nullptr;
};

class secret_source;

/// Shared by all actors of one engine. Every member is thread-safe.
struct services {
  /// The engine that these actors are.
  instance_id self;
  driver_table drivers;
  /// Values of secrets. Null where nobody keeps any.
  secret_source* secrets = nullptr;
  observer observe;
  std::function<void(log_rank, std::string_view)> log;
  /// A number in [0, 1).
  std::function<double()> dice;
  /// A fresh UUID.
  std::function<std::string()> make_id;
};

using services_ptr = std::shared_ptr<const services>;

} // namespace leasehold
