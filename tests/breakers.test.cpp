// Circuit breakers of environments and plugins, with the shipped actors.

#include "tests/support/stage.hpp"

#include <algorithm>

using namespace leasehold;
using namespace std::chrono_literals;
using leasehold::test::stage;

namespace {

supervisor_options with_breaker() {
  supervisor_options out;
  out.breaker = {3, 4'000ms, 60'000ms};
  return out;
}

/// A disk that writes when told to, while it is busy.
class slow_disk : public store_runner {
public:
  explicit slow_disk(std::shared_ptr<store> what) : what_{std::move(what)} {
    // nop
  }

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override {
    from_ = std::move(from);
    then_ = std::move(then);
    batch_ = from_->take();
    while (!busy && !batch_.empty())
      write_one();
  }

  void read(store_query question,
            std::function<void(result<store_answer>)> then) override {
    then(what_->read(question));
  }

  void write_one() {
    REQUIRE_FALSE(batch_.empty());
    then_({what_->apply(batch_)});
    batch_ = from_->take();
  }

  bool busy = false;

private:
  std::shared_ptr<store> what_;
  std::shared_ptr<write_queue> from_;
  std::function<void(write_outcomes)> then_;
  /// Is being written.
  std::vector<store_write> batch_;
};

struct fragile : stage {
  explicit fragile(const leasehold::test::stage_parts& parts = {})
    : stage{with_breaker(), parts} {
    environment_row other;
    other.id = {"env-other"};
    other.name = "other";
    other.driver = "scripted";
    other.config = json_text{"{}"};
    write(put_environment{other});
  }

  void break_provider() {
    script.acquire_error
      = {ec::call_timed_out, "The cloud does not answer.", "503"};
  }

  ec code_of(const std::string& environment = "box") {
    return acquire("run-" + std::to_string(++runs_), environment)->error.code;
  }

  size_t acquires() {
    return static_cast<size_t>(
      std::count_if(script.calls.begin(), script.calls.end(),
                    [](const auto& x) { return x.starts_with("acquire"); }));
  }

  std::vector<breaker_row> kept() {
    auto found = database->read(list_breakers{}).value();
    return std::get<breaker_rows>(found).rows;
  }

  int runs_ = 0;
};

/// Made before the engine that uses it.
struct has_disk {
  std::shared_ptr<slow_disk> disk;
};

struct fragile_on_slow_disk : has_disk, fragile {
  fragile_on_slow_disk()
    : fragile{{.run = [this](std::shared_ptr<store> what) {
        return disk = std::make_shared<slow_disk>(std::move(what));
      }}} {
    // nop
  }
};

} // namespace

TEST_CASE_METHOD(fragile,
                 "breakers: after K failures a provider is left alone, and "
                 "its own words are told",
                 "[breakers][promise-11]") {
  break_provider();
  for (auto i = 0; i < 3; ++i)
    CHECK(code_of() == ec::call_timed_out);
  auto calls = script.calls.size();
  auto refused = acquire("run-x");
  REQUIRE(refused->error.code == ec::circuit_open);
  CHECK(refused->error.message
        == "Environment \"box\" is left alone after 3 failures in a row. It is "
           "tried again in 4 s, or at once after `leasehold env reset box`. It "
           "said last: The cloud does not answer.");
  CHECK(refused->error.detail
        == "call_timed_out: The cloud does not answer.\n503");
  // Nothing was asked of anybody, and nothing is on disk.
  CHECK(script.calls.size() == calls);
  CHECK(rows().size() == 3);
  SECTION("others are not concerned") {
    script.acquire_error = {};
    CHECK(acquire("run-y", "other")->value);
    CHECK(code_of() == ec::circuit_open);
  }
}

TEST_CASE_METHOD(fragile_on_slow_disk,
                 "breakers: an engine that stops has written down who is left "
                 "alone",
                 "[breakers][promise-11]") {
  break_provider();
  code_of();
  code_of();
  disk->busy = true;
  acquire("run-last");
  // Its intent, then its end.
  disk->write_one();
  settle();
  disk->write_one();
  auto stopped = ask(supervisor, shut_down{});
  CHECK_FALSE(stopped->arrived());
  CHECK(kept().empty());
  disk->write_one();
  settle();
  CHECK(stopped->arrived());
  CHECK(kept().size() == 1);
}

TEST_CASE_METHOD(fragile, "breakers: after the pause one lease is tried",
                 "[breakers][promise-11]") {
  break_provider();
  for (auto i = 0; i < 3; ++i)
    code_of();
  pass(4s);
  SECTION("that fails: it is left alone for longer") {
    script.held_back = {"acquire"};
    auto probe = acquire("run-probe");
    CHECK_FALSE(probe->arrived());
    CHECK(code_of() == ec::circuit_open);
    script.let_go("acquire");
    pass(10ms);
    CHECK(probe->error.code == ec::call_timed_out);
    script.held_back.clear();
    pass(7'500ms);
    CHECK(code_of() == ec::circuit_open);
    pass(500ms);
    CHECK(code_of() == ec::call_timed_out);
  }
  SECTION("that works: all are served again") {
    script.acquire_error = {};
    script.held_back = {"acquire"};
    auto probe = acquire("run-probe");
    CHECK(code_of() == ec::circuit_open);
    script.let_go("acquire");
    script.held_back.clear();
    pass(10ms);
    CHECK(probe->value);
    CHECK(acquire("run-y")->value);
    CHECK(acquire("run-z")->value);
    CHECK(kept().empty());
  }
  SECTION("that is taken back: the next one is tried") {
    script.held_back = {"plan"};
    auto probe = acquire("run-probe");
    ask<run_released>(supervisor,
                      release_run{{"run-probe"}, release_status::failed, {}});
    script.held_back.clear();
    script.acquire_error = {};
    script.let_go("plan");
    pass(10ms);
    CHECK(probe->error.code == ec::cancelled);
    CHECK(acquire("run-y")->value);
  }
}

TEST_CASE_METHOD(fragile, "breakers: a provider that says no is no broken one",
                 "[breakers]") {
  script.acquire_error = {ec::provider_refused, "Quota.", {}};
  for (auto i = 0; i < 10; ++i)
    CHECK(code_of() == ec::provider_refused);
  break_provider();
  code_of();
  code_of();
  script.acquire_error = {ec::provider_refused, "Quota.", {}};
  code_of();
  break_provider();
  code_of();
  CHECK(code_of() == ec::call_timed_out);
}

TEST_CASE_METHOD(fragile, "breakers: an operator has it tried at once",
                 "[breakers]") {
  break_provider();
  for (auto i = 0; i < 3; ++i)
    code_of();
  script.acquire_error = {};
  CHECK(code_of() == ec::circuit_open);
  breaker_subject box{"environment:env-box"};
  SECTION("in this engine") {
    write(close_breaker{box});
    say(supervisor, breaker_reset{box});
    CHECK(acquire("run-y")->value);
  }
  SECTION("in another engine that shares the store") {
    pass(1s);
    write(close_breaker{box});
    CHECK(code_of() == ec::circuit_open);
    CHECK(acquire("run-y")->value);
  }
  SECTION("by changing its config") {
    environment_row changed;
    changed.id = {"env-box"};
    changed.name = "box";
    changed.driver = "scripted";
    changed.config = json_text{R"({"a":1})"};
    write(put_environment{changed});
    say(supervisor, environment_changed{changed.id, "box"});
    CHECK(acquire("run-y")->value);
  }
}

TEST_CASE_METHOD(fragile, "breakers: they are written down and taken over",
                 "[breakers]") {
  SECTION("what opens is written") {
    break_provider();
    for (auto i = 0; i < 3; ++i)
      code_of();
    REQUIRE(kept().size() == 1);
    CHECK(kept()[0].subject.text == "environment:env-box");
    CHECK(kept()[0].failures == 3);
    CHECK(kept()[0].code == ec::call_timed_out);
    CHECK(kept()[0].words == "The cloud does not answer.");
    CHECK(kept()[0].retry_at == timestamp{now().count() + 4'000});
  }
  SECTION("what was written before is known at the first acquire") {
    breaker_row row{
      {"environment:env-box"}, 5, 2, {}, ec::worker_lost, "It crashed."};
    write(open_breaker{row, 5'000ms});
    CHECK(code_of() == ec::circuit_open);
    pass(5s);
    CHECK(acquire("run-y")->value);
    CHECK(kept().empty());
  }
}

TEST_CASE_METHOD(fragile, "breakers: a plugin has one for all its environments",
                 "[breakers]") {
  write(put_environment{[] {
    environment_row row;
    row.id = {"env-sandbox-2"};
    row.name = "sandbox-2";
    row.driver = "sandbox";
    row.config = json_text{R"({"provider":"boxes","size":2})"};
    return row;
  }()});
  breaker_row row{{"plugin:plugin-1"}, 5, 1, {}, ec::call_timed_out, "Gone."};
  write(open_breaker{row, 5'000ms});
  for (const auto* name : {"sandbox", "sandbox-2"}) {
    auto lease = acquire(std::string{"run-"} + name, name);
    CHECK(lease->error.code == ec::circuit_open);
    CHECK(lease->error.message.starts_with("Plugin \"boxes.plugin\" is left"));
  }
  CHECK(acquire("run-y")->value);
}
