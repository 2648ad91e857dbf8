#pragma once

// What every actor of an engine is given: the world outside, injected, so that
// tests and the simulator can be that world.

#include "drivers/registry.hpp"
#include "messages/ids.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace leasehold {

/// A transition that subscribers hear of.
struct transition {
  /// `lease` or `worker`.
  std::string_view kind;
  std::string subject;
  std::string from;
  std::string to;
  std::string note;
};

enum class log_rank : uint8_t { debug, info, warning, error };

class secret_source;

/// Shared by all actors of one engine. Every member is thread-safe.
struct services {
  /// The engine that these actors are.
  instance_id self;
  driver_table drivers;
  /// Values of secrets. Null where nobody keeps any.
  secret_source* secrets = nullptr;
  std::function<void(const transition&)> observe;
  std::function<void(log_rank, std::string_view)> log;
  /// A number in [0, 1).
  std::function<double()> dice;
  /// A fresh UUID.
  std::function<std::string()> make_id;
};

using services_ptr = std::shared_ptr<const services>;

} // namespace leasehold
