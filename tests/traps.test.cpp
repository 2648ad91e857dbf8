// Mistakes that other systems have made, each by the name that it has there
// (docs/compatibility.md), where no unit's own tests show that ours does not.

#include "drivers/json_rpc.hpp"
#include "tests/support/stage.hpp"

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;
using test::fake_process;
using test::stage;

namespace {

using calls = std::vector<std::string>;

/// A stage whose environment `box` parks its resources.
struct parking_stage : stage {
  parking_stage() {
    script.plan.policy = lease_policy::reuse_by_environment;
    script.plan.fingerprint = "scripted:{}";
  }

  lease_granted granted(const std::string& run) {
    auto lease = acquire(run);
    REQUIRE(lease->value);
    return *lease->value;
  }
};

} // namespace

// -- words are words ----------------------------------------------------------

TEST_CASE("trap: a quota error that sounds transient is what its code says",
          "[actors][trap-11]") {
  rpc::response reply;
  reply.id = 1;
  for (const auto* words :
       {"quota exceeded, try again later", "connection reset: timeout",
        "503 temporarily unavailable", "sandbox not found"}) {
    reply.error_code = -32000;
    reply.error_message = words;
    CHECK(rpc::failure_of("environmentAcquireLease", reply).code
          == ec::provider_refused);
  }
  reply.error_code = -32004;
  reply.error_message = "quota exceeded";
  CHECK(rpc::failure_of("environmentAcquireLease", reply).code
        == ec::not_supported);
}

TEST_CASE_METHOD(stage,
                 "trap: a quota that is exhausted is told at once, not waited "
                 "out",
                 "[actors][trap-12]") {
  script.acquire_error
    = {ec::provider_refused, "Quota exceeded, try again later.", {}};
  auto lease = acquire("run-1");
  // No time has passed.
  CHECK(lease->error.code == ec::provider_refused);
  CHECK(lease->error.message == "Quota exceeded, try again later.");
  pass(60s);
  CHECK(script.calls == calls{"plan", "acquire for run-1"});
  CHECK(rows().at(0).status == lease_status::failed);
}

// -- what is kept for later ---------------------------------------------------

TEST_CASE_METHOD(parking_stage,
                 "trap: an environment is not deleted under a reusable lease",
                 "[actors][trap-16]") {
  auto lease = granted("run-1");
  auto removal = [&] {
    std::vector<store_write> batch{
      remove_environment{row(lease.handle.id).environment}};
    return database->apply(batch).front();
  };
  REQUIRE_FALSE(removal());
  CHECK(removal().error().code == ec::in_use);
  release(lease);
  REQUIRE(row(lease.handle.id).parked);
  CHECK(removal().error().code == ec::in_use);
  ask<lease_ended>(supervisor, destroy_lease{{lease.handle.id, 0}, {}});
  CHECK(removal());
}

TEST_CASE_METHOD(parking_stage,
                 "trap: what a run has left running ends before its resource "
                 "waits for the next one",
                 "[actors][pb-12.1.3]") {
  script.held_back = {"execute"};
  auto first = granted("run-1");
  auto command = execute(first, "make");
  auto ended = release(first);
  // Nobody else gets it while the command is there.
  auto second = granted("run-2");
  CHECK(second.resource != first.resource);
  CHECK(script.calls.back() == "acquire for run-2");
  CHECK(std::count(script.calls.begin(), script.calls.end(), "cancel") == 1);
  script.let_go("execute");
  settle();
  REQUIRE(ended->value);
  CHECK(row(first.handle.id).parked);
  CHECK(granted("run-3").resource == first.resource);
}

TEST_CASE_METHOD(parking_stage,
                 "trap: what was kept has nothing running when it is resumed",
                 "[actors][pb-12.1.3]") {
  script.held_back = {"execute"};
  auto first = granted("run-1");
  execute(first, "make");
  release_lease keep;
  keep.lease = first.handle;
  keep.keep = true;
  auto ended = ask<lease_ended>(supervisor, keep);
  CHECK_FALSE(ended->arrived());
  CHECK(script.calls.back() == "cancel");
  script.let_go("execute");
  settle();
  REQUIRE(ended->value);
  CHECK(ended->value->status == lease_status::retained);
}

TEST_CASE_METHOD(stage,
                 "trap: a plugin that is upgraded destroys nothing that waits",
                 "[actors][pb-12.1.9]") {
  auto boxes = 0;
  processes.on_request = [&](fake_process& process, const json& request) {
    auto method = request.value("method", "");
    if (method == "initialize")
      return process.reply(request, {{"ok", true}});
    if (method == "shutdown")
      return process.exit(0);
    auto known = request["params"].value("providerLeaseId", "");
    if (method == "environmentAcquireLease")
      known = "box-" + std::to_string(++boxes);
    if (request.contains("id"))
      process.reply(request, {{"providerLeaseId", known}});
  };
  environment_row place;
  place.id = {"env-warm"};
  place.name = "warm";
  place.driver = "sandbox";
  place.config = json_text{R"({"provider":"boxes","reuseLease":true})"};
  write(put_environment{place});
  auto first = acquire("run-1", "warm");
  REQUIRE(first->value);
  release(*first->value);
  auto found = database->read(get_plugin{"plugin-1"}).value();
  auto plugin = std::get<plugin_rows>(found).rows.front();
  auto seen = plugin.updated_at;
  plugin.version = "9.9.9";
  plugin.command = {"better-worker"};
  write(change_plugin{plugin, seen});
  say(supervisor, plugin_changed{plugin.id});
  auto second = acquire("run-2", "warm");
  REQUIRE(second->value);
  CHECK(second->value->resource == first->value->resource);
  CHECK(boxes == 1);
}
