// Reading and writing descriptors on the I/O loop.

#include "drivers/io_loop_impl.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace leasehold {

namespace {

namespace asio = boost::asio;

/// Takes the SIGPIPE of a failed write off this thread, which blocks it.
void consume_sigpipe() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  const timespec now{};
  sigtimedwait(&pipe, nullptr, &now);
}

/// Writes what a descriptor takes at once, on a thread that may not block
/// SIGPIPE. What cannot be written, whatever the reason, is left to the loop.
size_t write_some(int descriptor, std::string_view bytes) {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  auto count = ::write(descriptor, bytes.data(), bytes.size());
  if (count < 0 && errno == EPIPE)
    consume_sigpipe();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return count < 0 ? 0 : static_cast<size_t>(count);
}

} // namespace

// -- reading ------------------------------------------------------------------

stream_reader::stream_reader(std::shared_ptr<loop_context> context,
                             int descriptor, bytes_callback on_bytes,
                             end_callback on_end)
  : context_{std::move(context)}, descriptor_{*context_, descriptor},
    on_bytes_{std::move(on_bytes)}, on_end_{std::move(on_end)} {
  // nop
}

void stream_reader::start() {
  if (!paused_ && !closed_ && !waiting_)
    wait();
}

void stream_reader::pause() {
  paused_ = true;
}

void stream_reader::resume() {
  if (paused_.exchange(false))
    context_->submit([self = shared_from_this()] { self->start(); });
}

void stream_reader::close() {
  if (!closed_.exchange(true))
    context_->submit([self = shared_from_this()] { self->shut(); });
}

void stream_reader::drain(size_t limit) {
  for (size_t sum = 0; sum < limit && !paused_ && !closed_;) {
    auto count = read_some();
    if (count < 0)
      return;
    if (count == 0)
      return end();
    sum += static_cast<size_t>(count);
  }
}

void stream_reader::wait() {
  waiting_ = true;
  descriptor_.async_wait(
    asio::posix::descriptor_base::wait_read,
    [self = shared_from_this()](const auto& error) { self->on_ready(error); });
}

void stream_reader::on_ready(const boost::system::error_code& error) {
  waiting_ = false;
  // Files cannot be waited for and are always ready: any other error but the
  // wait's own end shows in the read.
  if (closed_ || paused_ || error == asio::error::operation_aborted)
    return;
  if (read_some() == 0)
    return end();
  start();
}

ssize_t stream_reader::read_some() {
  auto& buffer = context_->buffer;
  auto count = ssize_t{0};
  do {
    count = ::read(descriptor_.native_handle(), buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0)
    return errno == EAGAIN ? -1 : 0;
  if (count > 0 && on_bytes_)
    on_bytes_({buffer.data(), static_cast<size_t>(count)});
  return count;
}

void stream_reader::end() {
  if (closed_.exchange(true))
    return;
  auto tell = std::move(on_end_);
  shut();
  if (tell)
    tell();
}

void stream_reader::shut() {
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  on_bytes_ = nullptr;
  on_end_ = nullptr;
}

// -- writing ------------------------------------------------------------------

stream_writer::stream_writer(std::shared_ptr<loop_context> context)
  : context_{std::move(context)}, descriptor_{*context_} {
  // nop
}

void stream_writer::open(int descriptor) {
  descriptor_.assign(descriptor);
  std::lock_guard guard{mutex_};
  descriptor_.native_non_blocking(true);
  open_ = true;
  wake();
}

void stream_writer::write(std::string bytes) {
  std::lock_guard guard{mutex_};
  append(std::move(bytes));
}

void stream_writer::write_now(std::string bytes) {
  std::lock_guard guard{mutex_};
  // Where nothing is under way, nothing is queued either.
  if (open_ && !busy_ && !closed_ && !finishing_)
    bytes.erase(0, write_some(descriptor_.native_handle(), bytes));
  append(std::move(bytes));
}

void stream_writer::append(std::string bytes) {
  if (closed_ || finishing_ || bytes.empty())
    return;
  unwritten_ += bytes.size();
  queue_.push_back(std::move(bytes));
  wake();
}

void stream_writer::on_progress(std::function<void(bool open)> tell) {
  progress_ = std::move(tell);
}

void stream_writer::finish() {
  std::lock_guard guard{mutex_};
  finishing_ = true;
  wake();
}

void stream_writer::close() {
  std::lock_guard guard{mutex_};
  closed_ = true;
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  queue_.clear();
  unwritten_ = 0;
}

size_t stream_writer::unwritten() const {
  std::lock_guard guard{mutex_};
  return unwritten_;
}

void stream_writer::wake() {
  if (!open_ || busy_ || closed_)
    return;
  busy_ = true;
  context_->submit([self = shared_from_this()] { self->flush(); });
}

void stream_writer::flush() {
  std::vector<asio::const_buffer> buffers;
  {
    std::lock_guard guard{mutex_};
    if (queue_.empty())
      busy_ = false;
    if (closed_ || (queue_.empty() && !finishing_))
      return;
    writing_.swap(queue_);
  }
  if (writing_.empty())
    return close();
  buffers.reserve(writing_.size());
  for (const auto& bytes : writing_)
    buffers.emplace_back(bytes.data(), bytes.size());
  asio::async_write(descriptor_, buffers,
                    [self = shared_from_this()](const auto& error, size_t) {
                      self->on_written(error);
                    });
}

void stream_writer::on_written(const boost::system::error_code& error) {
  if (error) {
    consume_sigpipe();
    writing_.clear();
    close();
    if (auto tell = std::exchange(progress_, nullptr))
      tell(false);
    return;
  }
  {
    std::lock_guard guard{mutex_};
    for (const auto& bytes : writing_)
      unwritten_ -= closed_ ? 0 : bytes.size();
  }
  writing_.clear();
  if (progress_)
    progress_(true);
  flush();
}

} // namespace leasehold
