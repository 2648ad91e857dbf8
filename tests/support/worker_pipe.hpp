#pragma once

// The host's end of a worker program's pipes, for tests.

#include "drivers/child_process.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/line_splitter.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace leasehold::test {

/// A worker program, asked line by line. Whatever does not come within a minute
/// is a `std::runtime_error`.
class worker_pipe {
public:
  using json = nlohmann::json;

  /// Programs in `folder`, if there is one, are found before all others.
  explicit worker_pipe(std::vector<std::string> argv,
                       const std::string& folder = {}) {
    loop_.start();
    auto* inherited = std::getenv("PATH");
    std::string path = inherited ? inherited : "/usr/bin:/bin";
    if (!folder.empty())
      path = folder + ":" + path;
    launch_spec spec{std::move(argv), {{"PATH", path}}};
    // The loop's thread, which starts the program, lives as long as we do.
    process_events events;
    events.on_start = [this](int64_t pid) { note([&] { pid_ = pid; }); };
    events.on_failure
      = [this](const failure& why) { note([&] { failed_ = why.message; }); };
    events.on_stdout = [this](std::string_view x) { lines_.feed(x); };
    events.on_stderr = [this](std::string_view x) { note([&] { err_ += x; }); };
    events.on_exit = [this](exit_report x) { note([&] { exit_ = x; }); };
    child_ = launcher_->start(std::move(spec), std::move(events));
  }

  worker_pipe(const worker_pipe&) = delete;

  worker_pipe& operator=(const worker_pipe&) = delete;

  ~worker_pipe() {
    child_.reset();
    loop_.stop();
  }

  // -- asking -----------------------------------------------------------------

  /// Sends a request under the next id, which is also the name of its
  /// invocation, and returns that.
  int send(const std::string& method, const json& params = json::object()) {
    auto id = ++last_id_;
    send_line(json{{"jsonrpc", "2.0"},
                   {"id", id},
                   {"method", method},
                   {"params", params},
                   {"paperclipInvocation", {{"id", std::to_string(id)}}}}
                .dump());
    return id;
  }

  void send_line(const std::string& line) {
    child_->write(line + "\n");
  }

  /// Waits for the answer to a request.
  json answer(int id) {
    wait([&] { return answers_.contains(id); });
    std::lock_guard guard{mutex_};
    return answers_.at(id);
  }

  /// Sends a request and waits for its result, which must be no error.
  json result(const std::string& method, const json& params = json::object()) {
    auto reply = answer(send(method, params));
    if (!reply.contains("result"))
      throw std::runtime_error{method + ": " + reply.dump()};
    return reply.at("result");
  }

  /// Sends a request and waits for its error, which there must be.
  json error(const std::string& method, const json& params = json::object()) {
    auto reply = answer(send(method, params));
    if (!reply.contains("error"))
      throw std::runtime_error{method + ": " + reply.dump()};
    return reply.at("error");
  }

  /// Waits for an error that belongs to no request.
  json complaint() {
    wait([&] { return !complaints_.empty(); });
    std::lock_guard guard{mutex_};
    auto out = complaints_.front();
    complaints_.erase(complaints_.begin());
    return out;
  }

  // -- what came by itself ----------------------------------------------------

  /// What a call has streamed so far.
  std::string streamed(int id, const std::string& stream) {
    std::lock_guard guard{mutex_};
    return streamed_[{std::to_string(id), stream}];
  }

  /// Waits until a call has streamed `text`.
  void await_output(int id, const std::string& stream,
                    const std::string& text) {
    wait([&] {
      return streamed_[{std::to_string(id), stream}].find(text)
             != std::string::npos;
    });
  }

  /// Notifications other than `execute.log`.
  std::vector<json> notes() {
    std::lock_guard guard{mutex_};
    return notes_;
  }

  /// Lines that were no messages.
  std::vector<std::string> garbage() {
    std::lock_guard guard{mutex_};
    return garbage_;
  }

  /// How many answers came, to whatever id.
  size_t answer_count() {
    std::lock_guard guard{mutex_};
    return answer_count_;
  }

  void await_stderr(const std::string& text) {
    wait([&] { return err_.find(text) != std::string::npos; });
  }

  // -- the process ------------------------------------------------------------

  /// Stops and goes on reading what the program writes.
  void pause() {
    child_->pause_output();
  }

  void resume() {
    child_->resume_output();
  }

  int64_t pid() {
    wait([&] { return pid_ > 0; });
    return pid_;
  }

  void close_stdin() {
    child_->close_stdin();
  }

  void kill() {
    pid();
    child_->signal(9);
  }

  exit_report await_exit() {
    wait([&] { return exit_.has_value(); });
    return *exit_;
  }

private:
  template <class Fun>
  void note(Fun what) {
    std::lock_guard guard{mutex_};
    what();
    changed_.notify_all();
  }

  template <class Predicate>
  void wait(Predicate is_so) {
    std::unique_lock lock{mutex_};
    auto so = [&] { return !failed_.empty() || is_so(); };
    if (!changed_.wait_for(lock, std::chrono::minutes{1}, so))
      throw std::runtime_error{"the worker did not do it in time: " + err_};
    if (!failed_.empty())
      throw std::runtime_error{failed_};
  }

  void take_line(const std::string& line) {
    auto message = json::parse(line, nullptr, false);
    note([&] {
      if (!message.is_object())
        garbage_.push_back(line);
      else if (message.contains("method"))
        take_note(message);
      else
        take_answer(message);
    });
  }

  void take_note(const json& message) {
    if (message["method"] != "execute.log") {
      notes_.push_back(message);
      return;
    }
    const auto& params = message["params"];
    streamed_[{message.value("paperclipInvocationId", ""), params["stream"]}]
      += params["chunk"].get<std::string>();
  }

  void take_answer(const json& message) {
    ++answer_count_;
    if (message["id"].is_null())
      complaints_.push_back(message["error"]);
    else
      answers_[message["id"].get<int>()] = message;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t pid_ = 0;
  std::string failed_;
  std::string err_;
  std::optional<exit_report> exit_;
  std::map<int, json> answers_;
  size_t answer_count_ = 0;
  std::vector<json> complaints_;
  std::vector<json> notes_;
  std::vector<std::string> garbage_;
  std::map<std::pair<std::string, std::string>, std::string> streamed_;
  int last_id_ = 0;
  line_splitter lines_{size_t{1} << 30,
                       [this](const std::string& line) { take_line(line); },
                       [](const auto&) {}};
  io_loop loop_;
  std::unique_ptr<process_launcher> launcher_ = make_process_launcher(loop_);
  std::shared_ptr<child_process> child_;
};

} // namespace leasehold::test
