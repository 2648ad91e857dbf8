#pragma once

// The insides of the I/O loop, for the few files that speak Asio.

#include "drivers/io_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace leasehold {

/// The context that everything on a loop shares. It lives as long as the last
/// handle does, so that a handle may outlive the loop.
class loop_context : public boost::asio::io_context {
public:
  loop_context() : io_context{1} {
    // nop
  }

  /// Drops everything that is pending and takes nothing new. The loop's thread
  /// must be gone.
  void close() {
    closed_ = true;
    shutdown();
  }

  /// Calls `what` on the loop's thread; drops it once the loop is gone.
  template <class Fun>
  void submit(Fun what) {
    if (!closed_)
      boost::asio::post(*this, std::move(what));
  }

  /// Where bytes are read into; used by one callback at a time.
  std::array<char, 65536> buffer;

private:
  std::atomic<bool> closed_ = false;
};

struct io_loop::impl {
  std::shared_ptr<loop_context> context = std::make_shared<loop_context>();
  boost::asio::executor_work_guard<loop_context::executor_type> work{
    context->get_executor()};
  std::mutex mutex;
  std::thread thread;
};

/// Reads one descriptor to its end. A wait for bytes comes before every read,
/// so that nothing is read ahead of a pause, and blocking descriptors (a
/// terminal that others share) stay as they are.
class stream_reader : public input_handle,
                      public std::enable_shared_from_this<stream_reader> {
public:
  using bytes_callback = std::function<void(std::string_view)>;

  using end_callback = std::function<void()>;

  stream_reader(std::shared_ptr<loop_context> context, int descriptor,
                bytes_callback on_bytes, end_callback on_end);

  /// Begins to read. Loop thread only.
  void start();

  void pause() override;

  void resume() override;

  void close() override;

  /// Reads what is there now, at most about `limit` bytes, without waiting for
  /// more. Needs a descriptor that does not block. Loop thread only.
  void drain(size_t limit);

private:
  void wait();

  void on_ready(const boost::system::error_code& error);

  /// Reads once; returns the number of bytes, 0 at the end, -1 for not now.
  ssize_t read_some();

  void end();

  void shut();

  std::shared_ptr<loop_context> context_;
  boost::asio::posix::stream_descriptor descriptor_;
  bytes_callback on_bytes_;
  end_callback on_end_;
  std::atomic<bool> paused_ = false;
  std::atomic<bool> closed_ = false;
  /// Whether a wait is outstanding. Loop thread only.
  bool waiting_ = false;
};

/// Writes to one descriptor in the order of the calls, without ever blocking.
/// A reader that has gone is no error: the rest is dropped.
class stream_writer : public std::enable_shared_from_this<stream_writer> {
public:
  explicit stream_writer(std::shared_ptr<loop_context> context);

  /// Takes over the descriptor and writes what was queued before. Loop thread
  /// only, once.
  void open(int descriptor);

  /// Queues bytes. Thread-safe.
  void write(std::string bytes);

  /// Writes on this thread what fits in at once, and queues the rest: nobody
  /// has to wake the loop for a line. Thread-safe.
  void write_now(std::string bytes);

  /// Calls `tell` after every write: true, or false once, when the reader has
  /// gone. To be set before `open`.
  void on_progress(std::function<void(bool open)> tell);

  /// Closes the descriptor once the queue is written. Thread-safe.
  void finish();

  /// Closes at once and drops the queue. Loop thread only.
  void close();

  /// Bytes that are queued or being written. Thread-safe.
  [[nodiscard]] size_t unwritten() const;

private:
  /// Queues bytes; `mutex_` is held.
  void append(std::string bytes);

  /// Sees to it that `flush` runs if it does not already; `mutex_` is held.
  void wake();

  void flush();

  void on_written(const boost::system::error_code& error);

  std::shared_ptr<loop_context> context_;
  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void(bool)> progress_;
  mutable std::mutex mutex_;
  std::vector<std::string> queue_;
  /// What the outstanding write writes. Loop thread only.
  std::vector<std::string> writing_;
  size_t unwritten_ = 0;
  bool open_ = false;
  bool busy_ = false;
  bool finishing_ = false;
  bool closed_ = false;
};

} // namespace leasehold
