#pragma once

// A command's output on its way from its driver to its LEASE.

#include "messages/protocols.hpp"

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace leasehold {

/// Turns output into messages to the LEASE, which passes it on to whoever asked
/// for it. Bounds what is under way: a driver that can stop reading stops, and
/// goes on once the LEASE has caught up. Thread-safe.
class lease_output : public output_sink {
public:
  /// Bytes under way at which a driver is told to wait, and to go on.
  static constexpr size_t high = 4u << 20;
  static constexpr size_t low = 1u << 20;

  lease_output(lease_actor whom, execution_id which);

  bool put(output_chunk chunk) override;

  void when_ready(std::function<void()> resume) override;

  /// The LEASE has passed on this many bytes.
  void taken(size_t bytes);

private:
  lease_actor whom_;
  execution_id which_;
  std::mutex mutex_;
  size_t under_way_ = 0;
  std::vector<std::function<void()>> waiting_;
};

} // namespace leasehold
