#pragma once

// One worker process of the simulation.

#include "drivers/child_process.hpp"
#include "tests/simulation/sim_provider.hpp"
#include "tests/simulation/surroundings.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace leasehold::sim {

class played_process : public child_process,
                       public std::enable_shared_from_this<played_process> {
public:
  played_process(surroundings& around, provider& cloud, std::string name,
                 process_events tell);

  /// Starts, or fails to.
  void begin();

  void write(std::string bytes) override;

  void close_stdin() override;

  void signal(int number) override;

  void pause_output() override {
    // nop
  }

  void resume_output() override {
    // nop
  }

  [[nodiscard]] size_t unwritten() const override {
    return 0;
  }

  /// It ends, and its parent sees it.
  void exit(int code, int signal_number);

  /// It ends, and there is no parent any more.
  void vanish();

private:
  using json = nlohmann::json;

  /// A lease call on its way; counted as long as it is.
  struct call {
    explicit call(std::shared_ptr<size_t> all) : counter{std::move(all)} {
      ++*counter;
    }

    ~call() {
      --*counter;
    }

    call(const call&) = delete;
    call& operator=(const call&) = delete;

    std::shared_ptr<size_t> counter;
    int64_t id = 0;
    std::string method;
    std::string params;
    provider_call who;
    const fault* wrong = nullptr;
    /// Whether its provider makes no sense at the moment.
    bool raves = false;
    /// Whether the provider goes on with it although the worker has died.
    bool outlives = false;
  };

  [[nodiscard]] bool hears() const {
    return alive_ && !hung_;
  }

  /// Does something later, if the process is still there.
  void later(milliseconds delay, std::function<void()> what);

  void handle(std::string_view request);
  void handle_initialize(int64_t id);

  /// A call that a lease depends on: here things go wrong.
  void take(std::shared_ptr<call> what);

  /// When it has its effect and when it is answered; false if it never is.
  bool timing(const call& what, milliseconds& effect, milliseconds& answer);

  /// Acts on the provider; the answer, which may be an error.
  json act(call& what);
  json act_on_resource(call& what);
  json begin_command(call& what);
  void end_command(const std::shared_ptr<call>& what, const std::string& name);

  void answer(const call& what, json body);

  void say(std::string line);
  void reply(int64_t id, const json& result);

  surroundings& around_;
  provider& cloud_;
  std::string name_;
  process_events tell_;
  const fault* start_fault_ = nullptr;
  bool alive_ = true;
  bool hung_ = false;
};

} // namespace leasehold::sim
