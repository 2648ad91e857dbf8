#pragma once

// A plugin worker that is no process and costs next to nothing: it reads the
// head of a request and says what was written down for its method.

#include "drivers/child_process.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace leasehold::counting {

class played_worker : public child_process {
public:
  explicit played_worker(process_events tell) : tell_{std::move(tell)} {
    // nop
  }

  void begin() {
    tell_.on_start(4711);
  }

  void write(std::string bytes) override {
    std::string_view lines{bytes};
    while (!lines.empty()) {
      auto size = lines.find('\n') + 1;
      take(lines.substr(0, size));
      lines.remove_prefix(size);
    }
  }

  void take(std::string_view line) {
    auto id = value_of(line, R"("id":)", ",");
    auto method = value_of(line, R"("method":")", "\"");
    std::string answer = R"({"jsonrpc":"2.0","id":)";
    answer += id;
    answer += R"(,"result":)";
    answer += answer_to(method);
    answer += "}\n";
    tell_.on_stdout(answer);
    if (method == "shutdown")
      end(0, 0);
  }

  void close_stdin() override {
    // nop
  }

  void signal(int number) override {
    end(-1, number);
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

private:
  /// What stands between the first `key` and the next `end`.
  static std::string_view value_of(std::string_view line, std::string_view key,
                                   std::string_view end) {
    auto begin = line.find(key) + key.size();
    return line.substr(begin, line.find(end, begin) - begin);
  }

  /// Each resource has a name of its own.
  std::string answer_to(std::string_view method) {
    if (method == "environmentAcquireLease")
      return R"({"providerLeaseId":"box-)" + std::to_string(++made_)
             + R"(","metadata":{"image":"debian:12","region":"eu-central",)"
               R"("remoteCwd":"/workspace","cpus":2,"memoryMb":2048}})";
    if (method == "environmentExecute")
      return R"({"exitCode":0,"signal":null,"timedOut":false,)"
             R"("stdout":"Cloning into 'project'...\ndone.\n","stderr":""})";
    if (method == "initialize")
      return R"({"ok":true})";
    return "null";
  }

  void end(int code, int signal) {
    if (std::exchange(ended_, true))
      return;
    tell_.on_stdout_end();
    tell_.on_exit({code, signal});
  }

  process_events tell_;
  int made_ = 0;
  bool ended_ = false;
};

struct played_launcher : process_launcher {
  std::shared_ptr<child_process> start(launch_spec,
                                       process_events tell) override {
    auto out = std::make_shared<played_worker>(std::move(tell));
    out->begin();
    return out;
  }
};

} // namespace leasehold::counting
