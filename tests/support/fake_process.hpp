#pragma once

// Worker processes that are none: what they are sent is kept, what they say is
// what a test lets them say.

#include "drivers/child_process.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace leasehold::test {

/// One worker process that is none.
struct fake_process : child_process {
  launch_spec launch;
  process_events tell;
  /// Complete lines that it was sent, parsed.
  std::vector<nlohmann::json> received;
  std::vector<int> signals;
  bool stdin_closed = false;
  bool ended = false;
  /// Called for every line it is sent.
  std::function<void(fake_process&, const nlohmann::json&)> on_request;

  void write(std::string bytes) override {
    std::istringstream lines{bytes};
    for (std::string line; std::getline(lines, line);) {
      received.push_back(nlohmann::json::parse(line));
      auto copy = received.back();
      if (on_request)
        on_request(*this, copy);
    }
  }

  void close_stdin() override {
    stdin_closed = true;
  }

  void signal(int number) override {
    signals.push_back(number);
    if (number == 9)
      exit(-1, 9);
  }

  void pause_output() override {
    // nop
  }

  void resume_output() override {
    // nop
  }

  [[nodiscard]] size_t unwritten() const override {
    return 0;
  }

  // -- what it says -----------------------------------------------------------

  void start() {
    tell.on_start(4711);
  }

  void say(const std::string& line) {
    if (!ended)
      tell.on_stdout(line + "\n");
  }

  void reply(const nlohmann::json& request, const nlohmann::json& result) {
    say(nlohmann::json{
      {"jsonrpc", "2.0"}, {"id", request.at("id")}, {"result", result}}
          .dump());
  }

  void exit(int code, int signal_number = 0) {
    if (std::exchange(ended, true))
      return;
    if (tell.on_stdout_end)
      tell.on_stdout_end();
    tell.on_exit({code, signal_number});
  }

  /// The last request of this method that it was sent.
  [[nodiscard]] nlohmann::json last(const std::string& method) const {
    for (auto i = received.rbegin(); i != received.rend(); ++i)
      if (i->value("method", "") == method)
        return *i;
    return {};
  }
};

/// Starts processes that are none. By default they run at once, are ready at
/// once, and answer every other call with an empty object.
struct fake_launcher : process_launcher {
  std::vector<std::shared_ptr<fake_process>> started;
  /// What a new process does with a line; may be changed between starts.
  std::function<void(fake_process&, const nlohmann::json&)> on_request
    = [](fake_process& process, const nlohmann::json& request) {
        if (request.value("method", "") == "initialize")
          process.reply(request, {{"ok", true}});
        else if (request.contains("id"))
          process.reply(request, nlohmann::json::object());
        if (request.value("method", "") == "shutdown")
          process.exit(0);
      };
  /// Whether a new process runs at once.
  bool starts = true;

  std::shared_ptr<child_process> start(launch_spec what,
                                       process_events tell) override {
    auto process = std::make_shared<fake_process>();
    process->launch = std::move(what);
    process->tell = std::move(tell);
    process->on_request = on_request;
    started.push_back(process);
    if (starts)
      process->start();
    return process;
  }

  fake_process& current() {
    return *started.back();
  }
};

} // namespace leasehold::test
