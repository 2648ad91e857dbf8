// Alarms come in order, or not at all.

#include "actors/alarm_clock.hpp"

#include "actors/mail.hpp"
#include "tests/support/catch.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <future>
#include <memory>
#include <vector>

using namespace leasehold;
using namespace std::chrono_literals;

namespace {

/// An actor of its own system, and what its alarms said, in order.
struct alarmed {
  alarmed()
    : sleeper{system.spawn([](caf::event_based_actor* self) {
        self->set_default_handler(caf::drop);
        return caf::behavior{[](int) {}};
      })} {
    // nop
  }

  ~alarmed() {
    config.clock.close();
    send_away(sleeper);
  }

  alarm_clock::key set(std::chrono::milliseconds delay, int word) {
    auto say = [this, word, holding = held] {
      said.push_back(word);
      if (word == 0)
        over.set_value();
    };
    return config.clock.set(delay,
                            caf::actor_cast<caf::strong_actor_ptr>(sleeper),
                            caf::make_action(say));
  }

  /// Alarms that are armed.
  [[nodiscard]] auto armed() const {
    return held.use_count() - 1;
  }

  std::shared_ptr<int> held = std::make_shared<int>(0);
  actor_config config;
  caf::actor_system system{config};
  caf::actor sleeper;
  std::vector<int> said;
  std::promise<void> over;
};

} // namespace

// However slow this machine is: what has to wait waits for a day.

TEST_CASE("alarm_clock: what is due first goes off first, however it was set",
          "[alarm_clock]") {
  alarmed it;
  it.set(24h, 3);
  it.set(0ms, 1);
  it.set(0ms, 2);
  it.set(0ms, 0);
  it.over.get_future().wait();
  CHECK(it.said == std::vector<int>{1, 2, 0});
}

TEST_CASE("alarm_clock: what is called off is gone", "[alarm_clock]") {
  alarmed it;
  auto first = it.set(24h, 1);
  CHECK(it.armed() == 1);
  it.config.clock.call_off(first);
  CHECK(it.armed() == 0);
  it.config.clock.call_off(first);
  it.set(0ms, 0);
  it.over.get_future().wait();
  CHECK(it.said == std::vector<int>{0});
}

TEST_CASE("alarm_clock: what is armed ends with the clock, and holds nobody",
          "[alarm_clock]") {
  alarmed it;
  it.set(24h, 1);
  it.set(std::chrono::milliseconds::max(), 2);
  CHECK(it.armed() == 2);
  it.config.clock.close();
  it.set(0ms, 3);
  CHECK(it.armed() == 0);
  CHECK(it.said.empty());
}
