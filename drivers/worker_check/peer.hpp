#pragma once

// One started worker, and everything that it has said.

#include "drivers/child_process.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/line_splitter.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold::check {

using json = nlohmann::json;

using steady = std::chrono::steady_clock;

/// A piece of a command's output that was streamed.
struct chunk {
  json params;
  /// It came after the answer to its call.
  bool late = false;
};

/// What a worker has said so far.
struct heard {
  /// The first answer to each of our calls.
  std::map<int64_t, json> answers;
  /// Errors that belong to no call.
  std::vector<json> complaints;
  /// By the invocation that they name; empty where they name none.
  std::map<std::string, std::vector<chunk>> output;
  /// Lines that are no JSON-RPC messages, and why.
  std::vector<std::string> impure;
  /// Answers to calls that were answered already, and to calls nobody made.
  std::vector<std::string> repeated;
  std::vector<std::string> unknown;
  /// The last of standard error.
  std::string stderr_tail;
  std::optional<failure> not_started;
  std::optional<exit_report> ended;

  [[nodiscard]] bool over() const {
    return not_started || ended;
  }
};

/// When no wait goes on any more.
struct time_limit {
  steady::time_point end;
  /// May be null; whether somebody wants us to end now.
  const std::atomic<bool>* stop = nullptr;

  [[nodiscard]] bool over() const {
    return (stop && *stop) || steady::now() >= end;
  }
};

/// The invocation under which a call is made.
std::string invocation_of(int64_t id);

/// Whether this may be one.
bool is_invocation(std::string_view text);

/// `exit code 3`, `signal SIGKILL`.
std::string to_string(const exit_report& how);

/// The text on one line and not longer than people want to read.
std::string excerpt(std::string_view text);

/// A worker, started when made and gone when destroyed. Used by one thread.
class peer {
public:
  /// `limit` bounds every wait; `last_id` is the last request id in use. `loop`
  /// runs; it and all the others outlive the peer.
  peer(io_loop& loop, process_launcher& launcher, launch_spec what,
       const time_limit& limit, int64_t& last_id);

  peer(const peer&) = delete;

  peer& operator=(const peer&) = delete;

  ~peer();

  /// Sends a request and returns its id.
  int64_t send(const std::string& method, const json& params);

  /// Sends bytes as they are.
  void write(std::string bytes);

  /// Waits until `met` says so; false if the time is over before, or the worker
  /// ends and it is still not so.
  bool wait(milliseconds patience,
            const std::function<bool(const heard&)>& met);

  /// Takes a look at what the worker has said.
  template <class Fun>
  auto look(Fun what) {
    std::lock_guard guard{mutex_};
    return what(static_cast<const heard&>(heard_));
  }

  /// Takes what is heard of a call out of the books; nothing if there is no
  /// answer.
  std::optional<json> take_answer(int64_t id);

  [[nodiscard]] child_process& process() {
    return *child_;
  }

  /// Ends the worker's input, gives it `patience` to leave, and kills what is
  /// left. Returns everything that was heard, once.
  heard end(milliseconds patience);

private:
  void take_line(const std::string& line);

  void take_message(const json& message, std::string_view line);

  void take_response(const json& message, std::string_view line);

  void take_output(const json& message);

  /// The worker asks something of its host.
  void answer_request(const json& message);

  template <class Fun>
  void note(Fun what) {
    std::lock_guard guard{mutex_};
    what();
    changed_.notify_all();
  }

  io_loop& loop_;
  const time_limit& limit_;
  int64_t& last_id_;
  int kill_signal_;
  std::mutex mutex_;
  std::condition_variable changed_;
  heard heard_;
  /// Calls that were made and not answered yet.
  std::map<int64_t, std::string> open_;
  line_splitter lines_;
  std::shared_ptr<child_process> child_;
};

} // namespace leasehold::check
