#pragma once

// Writes to a descriptor without ever making the loop wait.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace leasehold {

class io_loop;

/// A queue of bytes in front of a descriptor. What is written during one turn
/// of the loop goes out together. Loop thread only.
class fd_writer {
public:
  virtual ~fd_writer() = default;

  /// Queues bytes. They are dropped if nobody reads any more.
  virtual void write(std::string bytes) = 0;

  /// Bytes that the reader has not taken yet.
  [[nodiscard]] virtual size_t unwritten() const = 0;

  /// Calls `what` once, as soon as at most `limit` bytes are unwritten; from
  /// within the call if that is so now, or if nobody reads any more.
  virtual void when_below(size_t limit, std::function<void()> what) = 0;
};

/// Takes over `descriptor`. `on_broken` is told once if the reader is gone; the
/// queue is empty from then on. `loop` must outlive the writer.
std::shared_ptr<fd_writer> make_fd_writer(io_loop& loop, int descriptor,
                                          std::function<void()> on_broken);

} // namespace leasehold
