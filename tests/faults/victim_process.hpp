#pragma once

// The campaign's side of a victim: starts it, talks with it, kills it, and sees
// to it that nothing of it is left.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace leasehold::faults {

using milliseconds = std::chrono::milliseconds;

/// A process that was started as our child. One thread uses it, the one that
/// started it: the child dies with that thread.
class victim_process {
public:
  /// Starts it; its errors go to the file `log`. `hear` gets each line that it
  /// says.
  victim_process(const std::vector<std::string>& argv, const std::string& log,
                 std::function<void(const std::string&)> hear);

  /// Kills it, if need be.
  ~victim_process();

  victim_process(const victim_process&) = delete;

  victim_process& operator=(const victim_process&) = delete;

  [[nodiscard]] pid_t pid() const {
    return pid_;
  }

  void tell(const std::string& line) const;

  /// Hears it for so long, or until it has said a line that begins so, or until
  /// it has ended. Returns the line; empty: there was none.
  std::string listen(milliseconds patience, const std::string& until = {});

  /// Whether everything that it ever said has been heard: it has ended.
  [[nodiscard]] bool silent() const {
    return out_ < 0;
  }

  void kill() const;

  /// Waits for its end, hears its last words, and reaps it.
  void bury();

private:
  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::string text_;
  std::function<void(const std::string&)> hear_;
};

/// Has everything that victims leave become our child, so that we see it.
void adopt_orphans();

/// Waits until nothing is left of what dead victims had started; answers with
/// the command lines of what is left all the same. `ours` stay.
std::vector<std::string> await_orphans(const std::vector<pid_t>& ours,
                                       milliseconds patience);

/// Kills a process, provided that its command line has this text. Returns
/// whether it was there; it is gone then.
bool kill_surely(int64_t pid, const std::string& mark);

} // namespace leasehold::faults
