// One lease: its deadline, its commands, its end.

#include "tests/support/stage.hpp"

using namespace leasehold;
using namespace std::literals;
using test::stage;

namespace {

using calls = std::vector<std::string>;

/// Takes output and says when it has had enough.
struct collecting : output_sink {
  std::string text;

  bool put(output_chunk chunk) override {
    text += chunk.text;
    return true;
  }

  void when_ready(std::function<void()> resume) override {
    resume();
  }
};

/// A stage with one lease on it.
struct leasing : stage {
  lease_granted lease = *acquire("run-1")->value;
};

} // namespace

TEST_CASE_METHOD(stage, "lease: it expires at its deadline, not before",
                 "[actors][pb-12.1.7]") {
  acquire_lease what;
  what.id = {"lease-x"};
  what.company = {"company-1"};
  what.environment = "box";
  what.run = {"run-1"};
  what.ttl = 60s;
  auto lease = ask<lease_granted>(supervisor, what);
  REQUIRE(lease->value);
  pass(59'900ms);
  CHECK(row({"lease-x"}).status == lease_status::active);
  pass(200ms);
  CHECK(row({"lease-x"}).status == lease_status::expired);
  CHECK(script.calls.back() == "release res-1, expired");
}

TEST_CASE_METHOD(stage, "lease: a renewal puts its end off",
                 "[actors][trap-2]") {
  acquire_lease what;
  what.id = {"lease-x"};
  what.company = {"company-1"};
  what.environment = "box";
  what.ttl = 10s;
  auto lease = ask<lease_granted>(supervisor, what);
  pass(9s);
  auto renewed
    = ask<lease_renewed>(supervisor, renew_lease{lease->value->handle, 30s});
  REQUIRE(renewed->value);
  CHECK(renewed->value->expires_at == timestamp{39'000});
  pass(29s);
  CHECK(row({"lease-x"}).status == lease_status::active);
  pass(2s);
  CHECK(row({"lease-x"}).status == lease_status::expired);
}

TEST_CASE_METHOD(leasing, "lease: a command's end is told as it was observed",
                 "[actors]") {
  script.exit_code = 3;
  auto how = execute(lease, "make");
  REQUIRE(how->value);
  CHECK(how->value->exit_code == 3);
}

TEST_CASE_METHOD(leasing, "lease: commands run in the realized workspace",
                 "[actors]") {
  realize_workspace what;
  what.lease = lease.handle;
  what.local_path = "/src";
  auto where = ask<workspace_realized>(supervisor, what);
  REQUIRE(where->value);
  CHECK(where->value->cwd == "/workspace");
  execute(lease, "make");
  CHECK(script.calls.back() == "execute make in /workspace");
  CHECK(row(lease.handle.id).metadata.text.find("\"cwd\":\"/workspace\"")
        != std::string::npos);
}

TEST_CASE_METHOD(leasing, "lease: a release cancels what runs", "[actors]") {
  script.held_back = {"execute"};
  auto command = execute(lease, "make");
  auto ended = release(lease);
  CHECK_FALSE(ended->arrived());
  CHECK(script.calls.back() == "cancel");
  script.let_go("execute");
  settle();
  CHECK(command->value);
  REQUIRE(ended->value);
  CHECK(ended->value->status == lease_status::released);
}

TEST_CASE_METHOD(leasing, "lease: a release waits for what runs if it is told",
                 "[actors]") {
  script.held_back = {"execute"};
  auto command = execute(lease, "make");
  auto ended = ask<lease_ended>(
    supervisor,
    release_lease{lease.handle, release_status::released, {}, true, false});
  pass(60s);
  CHECK_FALSE(ended->arrived());
  CHECK(script.calls.back() == "execute make");
  script.let_go("execute");
  settle();
  CHECK(ended->value);
}

TEST_CASE_METHOD(leasing,
                 "lease: a command that does not end does not hold up a "
                 "release for ever, and its outcome is unknown",
                 "[actors][promise-8]") {
  script.held_back = {"execute"};
  auto command = execute(lease, "make");
  auto ended = release(lease);
  pass(11s);
  REQUIRE(ended->value);
  CHECK(command->error.code == ec::outcome_unknown);
}

TEST_CASE_METHOD(leasing,
                 "lease: a provider that does not answer the release owes a "
                 "cleanup",
                 "[actors]") {
  script.held_back = {"release", "destroy"};
  auto ended = release(lease);
  pass(61s);
  REQUIRE(ended->value);
  CHECK(ended->value->status == lease_status::released);
  CHECK(ended->value->cleanup == cleanup_status::failed);
}

TEST_CASE_METHOD(leasing, "lease: nothing runs on a lease that has ended",
                 "[actors]") {
  release(lease);
  auto how = execute(lease, "make");
  CHECK(how->error.code == ec::lease_ended);
}

TEST_CASE_METHOD(leasing, "lease: one command can be cancelled", "[actors]") {
  script.held_back = {"execute"};
  execute(lease, "make");
  CHECK(ask(supervisor, cancel_command{lease.handle, {}})->value);
  CHECK(script.calls.back() == "cancel");
}

TEST_CASE_METHOD(leasing, "lease: output arrives before the end, in order",
                 "[actors]") {
  script.held_back = {"execute"};
  auto sink = std::make_shared<collecting>();
  execute_command what;
  what.lease = lease.handle;
  what.execution = {"x"};
  what.spec.command = "make";
  what.output = sink;
  auto how = ask<command_result>(supervisor, what);
  script.output->put({output_stream::out, "one "});
  script.output->put({output_stream::out, "two"});
  script.let_go("execute");
  settle();
  CHECK(sink->text == "one two");
  CHECK(how->value);
}

TEST_CASE_METHOD(leasing, "lease: a driver is told to wait when nobody reads",
                 "[actors][pb-12.2.24]") {
  script.held_back = {"execute"};
  execute_command what;
  what.lease = lease.handle;
  what.execution = {"x"};
  what.spec.command = "make";
  what.output = std::make_shared<collecting>();
  ask<command_result>(supervisor, what);
  // Nothing is delivered until the world settles.
  std::string piece(1u << 20, 'x');
  CHECK(script.output->put({output_stream::out, piece}));
  CHECK(script.output->put({output_stream::out, piece}));
  CHECK(script.output->put({output_stream::out, piece}));
  CHECK_FALSE(script.output->put({output_stream::out, piece}));
  auto resumed = false;
  script.output->when_ready([&] { resumed = true; });
  CHECK_FALSE(resumed);
  settle();
  CHECK(resumed);
}

TEST_CASE_METHOD(stage,
                 "lease: a driver that makes nothing is not asked to release "
                 "anything",
                 "[actors]") {
  script.plan.makes_resource = false;
  script.plan.exclusive = false;
  auto lease = acquire("run-1");
  REQUIRE(lease->value);
  auto ended = release(*lease->value);
  CHECK(ended->value->cleanup == cleanup_status::success);
  CHECK(script.calls == calls{"plan"});
}

TEST_CASE_METHOD(leasing,
                 "lease: whoever hears of its end finds its resource parked",
                 "[actors]") {
  script.plan.policy = lease_policy::reuse_by_environment;
  auto lease = acquire("run-2");
  REQUIRE(lease->value);
  std::optional<lease_granted> next;
  sys.spawn([&](caf::event_based_actor* self) {
    release_lease over{
      lease->value->handle, release_status::released, {}, false, false};
    leasehold::ask(
      self, supervisor, caf::infinite, over,
      [&, self](const lease_ended&) {
        acquire_lease what;
        what.id = {"lease-next"};
        what.company = {"company-1"};
        what.environment = "box";
        what.run = {"run-3"};
        leasehold::ask(
          self, supervisor, caf::infinite, what,
          [&](lease_granted& x) { next = std::move(x); },
          [](const caf::error&) {});
      },
      [](const caf::error&) {});
  });
  settle();
  REQUIRE(next);
  CHECK(next->origin == lease_origin::resumed);
}
