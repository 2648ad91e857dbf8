#pragma once

// Starts real processes for a test and waits for what they do.

#include "drivers/child_process.hpp"
#include "drivers/io_loop.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leasehold::test {

/// What no test should have to wait for.
inline constexpr auto patience = std::chrono::minutes{5};

/// Shell: leaves a daemon behind, in a session of its own and with no parent of
/// ours, that only SIGKILL ends. Prints its pid.
inline const std::string leave_daemon
  = "(setsid sh -c 'trap \"\" TERM HUP; echo $$ >&3; while :; do sleep 1000; "
    "done' 3>&1 </dev/null >/dev/null 2>&1 &)\n";

/// Whether the process ends within our patience. It need not be our child.
inline bool process_ends(int64_t pid) {
  auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0)
    return true;
  pollfd wait{fd, POLLIN, 0};
  auto ended = ::poll(&wait, 1, 60'000) == 1;
  ::close(fd);
  return ended;
}

/// Everything that one child told, and ways to wait for it. A second child
/// needs a watch of its own: what is told once is read without the lock.
class child_watch {
public:
  process_events events() {
    return {
      [this](int64_t x) { note([&] { pid_ = x; }); },
      [this](failure x) { note([&] { failure_ = std::move(x); }); },
      [this](std::string_view x) { note([&] { take(out_, x); }); },
      [this](std::string_view x) { note([&] { take(err_, x); }); },
      {},
      [this](exit_report x) { note([&] { report_ = x; }); },
    };
  }

  /// Whether the predicate comes true within our patience.
  template <class Predicate>
  bool wait(Predicate met) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience, met);
  }

  /// How the child ended; fails the test if it does not.
  exit_report ended() {
    if (!wait([this] { return report_ || failure_; }) || !report_)
      return {-2, -2};
    return *report_;
  }

  /// Why the child did not start.
  std::string refused() {
    wait([this] { return report_ || failure_; });
    return failure_ ? failure_->message : "it started";
  }

  /// Waits until the output has this text.
  bool says(std::string_view text) {
    return wait([&] { return out_.find(text) != std::string::npos; });
  }

  /// Waits until the predicate holds for the output, or the child has ended;
  /// returns whether it holds.
  template <class Predicate>
  bool wait_out(Predicate met) {
    wait([&] { return report_ || failure_ || met(out_); });
    std::lock_guard guard{mutex_};
    return met(out_);
  }

  /// Waits until the output has this many lines.
  bool says_lines(int64_t count) {
    return wait(
      [&] { return std::count(out_.begin(), out_.end(), '\n') >= count; });
  }

  /// The lines of the output that are numbers.
  std::vector<int64_t> numbers() {
    std::istringstream lines{out()};
    std::vector<int64_t> found;
    for (std::string line; std::getline(lines, line);)
      if (!line.empty() && std::isdigit(static_cast<unsigned char>(line[0])))
        found.push_back(std::stoll(line));
    return found;
  }

  bool has_ended() {
    std::lock_guard guard{mutex_};
    return report_.has_value();
  }

  int64_t pid() {
    wait([this] { return pid_ != 0; });
    return pid_;
  }

  std::string out() {
    std::lock_guard guard{mutex_};
    return out_;
  }

  std::string err() {
    std::lock_guard guard{mutex_};
    return err_;
  }

  size_t bytes() {
    std::lock_guard guard{mutex_};
    return bytes_;
  }

private:
  template <class Fun>
  void note(Fun change) {
    std::lock_guard guard{mutex_};
    change();
    changed_.notify_all();
  }

  void take(std::string& text, std::string_view x) {
    bytes_ += x.size();
    if (text.size() < 1'000'000)
      text += x;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t pid_ = 0;
  std::optional<failure> failure_;
  std::optional<exit_report> report_;
  std::string out_;
  std::string err_;
  size_t bytes_ = 0;
};

/// A loop with a launcher. Declare it after the watches.
struct process_world {
  process_world() {
    loop.start();
  }

  ~process_world() {
    loop.stop();
  }

  std::shared_ptr<child_process> start(std::vector<std::string> argv,
                                       child_watch& watch) {
    return launcher->start(
      {std::move(argv), {{"PATH", "/usr/bin:/bin"}}, {}, 9, {}},
      watch.events());
  }

  std::shared_ptr<child_process> shell(const std::string& script,
                                       child_watch& watch) {
    return start({"sh", "-c", script}, watch);
  }

  io_loop loop;
  std::unique_ptr<process_launcher> launcher = make_process_launcher(loop);
};

} // namespace leasehold::test
