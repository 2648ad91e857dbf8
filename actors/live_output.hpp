#pragma once

// A command's output on its way from a worker's pipe to whoever watches it.

#include "messages/command.hpp"

#include <atomic>
#include <cstddef>
#include <memory>

namespace leasehold {

/// Passes output on as long as its sink keeps up. One slow watcher must not
/// hold up the other calls of a worker, so what it cannot take is left out of
/// the live output, with a mark; the command's result is not affected.
class live_output {
public:
  /// Characters of live output that one command may produce (PB §5.9).
  static constexpr size_t total_max = 134'217'728;

  live_output() = default;

  /// `sink` may be null.
  explicit live_output(std::shared_ptr<output_sink> sink);

  void put(output_chunk chunk);

private:
  std::shared_ptr<output_sink> sink_;
  /// Whether the sink said that it is full; cleared by the sink's thread.
  std::shared_ptr<std::atomic<bool>> full_;
  size_t total_ = 0;
  size_t left_out_ = 0;
};

} // namespace leasehold
