#pragma once

// A child that has been started, until it is reaped and its output read.

#include "drivers/child_process.hpp"
#include "drivers/io_loop_impl.hpp"
#include "drivers/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace leasehold {

/// A child that runs, its pidfd, and our ends of its pipes.
struct spawned {
  pid_t pid = -1;
  unique_fd watch;
  unique_fd in;
  unique_fd out;
  unique_fd err;
};

/// One child, from its start to the end of its output. Its handle is a pointer
/// whose deleter abandons it; pending operations keep it alive until the child
/// is reaped.
class running_process : public child_process,
                        public std::enable_shared_from_this<running_process> {
public:
  running_process(std::shared_ptr<loop_context> context, int abandon_signal,
                  process_events tell);

  /// Ends and reaps the child if the loop is gone before it.
  ~running_process() override;

  /// Takes over a child. Loop thread only, once.
  void start(result<spawned> child);

  /// The handle is gone: ends the child and tells nothing more.
  void abandon();

  [[nodiscard]] bool abandoned() const {
    return abandoned_;
  }

  void write(std::string bytes) override;

  void close_stdin() override;

  void signal(int number) override;

  void pause_output() override;

  void resume_output() override;

  [[nodiscard]] size_t unwritten() const override;

private:
  std::shared_ptr<stream_reader>
  read(unique_fd from, std::function<void(std::string_view)> tell,
       std::function<void()> tell_end);

  void watch();

  /// Reaps the child if it has ended. False if it has not.
  bool collect(int flags);

  void on_reaped();

  /// Gives descendants time to let go of the output.
  void linger();

  void on_lingered();

  void on_output_end(const std::function<void()>& tell);

  void finish_if_done();

  void finish();

  void drop();

  std::shared_ptr<loop_context> context_;
  int abandon_signal_;
  process_events tell_;
  boost::asio::posix::stream_descriptor watch_;
  /// Until the child is reaped: ends its patience as an abandoned one. After
  /// that: ends our patience with its output.
  boost::asio::steady_timer linger_;
  std::shared_ptr<stream_writer> stdin_;
  std::shared_ptr<stream_reader> stdout_;
  std::shared_ptr<stream_reader> stderr_;
  /// Loop thread only.
  int open_outputs_ = 2;
  bool lingered_ = false;
  exit_report report_;
  std::atomic<bool> abandoned_ = false;
  /// Guards what decides whether the pid is still the child's.
  std::mutex mutex_;
  pid_t pid_ = -1;
  bool reaped_ = false;
  bool paused_ = false;
};

} // namespace leasehold
