// Limits that no unit's own tests reach: what happens at each is said in
// docs/limits.md.

#include "actors/live_output.hpp"
#include "tests/support/stage.hpp"

#include <set>

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;
using test::fake_process;
using test::stage;

namespace {

/// Counts what it is given.
struct counting_sink : output_sink {
  size_t bytes = 0;
  std::string last;

  bool put(output_chunk chunk) override {
    bytes += chunk.text.size();
    last = std::move(chunk.text);
    return true;
  }

  void when_ready(std::function<void()> resume) override {
    resume();
  }
};

/// A lease of an engine that is dead by now.
lease_row somebody_elses(const std::string& id) {
  lease_row out;
  out.id = {id};
  out.company = {"company-1"};
  out.provider = "scripted";
  out.resource = {"res-" + id};
  out.owner = {"engine-dead"};
  out.status = lease_status::active;
  return out;
}

supervisor_options two_cleanups_at_a_time() {
  supervisor_options out;
  out.janitor.batch_max = 2;
  return out;
}

/// Answers `initialize` only.
void say_initialized(fake_process& process, const json& request) {
  if (request.value("method", "") == "initialize")
    process.reply(request, {{"ok", true}});
}

} // namespace

TEST_CASE("limits: of a command's live output 128 MiB are passed on",
          "[actors]") {
  auto sink = std::make_shared<counting_sink>();
  live_output live{sink};
  const std::string piece(1u << 20, 'x');
  for (auto i = 0; i < 130; ++i)
    live.put({output_stream::out, piece});
  CHECK(sink->bytes == live_output::total_max);
  CHECK(sink->last == piece);
}

TEST_CASE("limits: no more cleanups are under way than may be", "[actors]") {
  stage play{two_cleanups_at_a_time()};
  play.script.release_error = {ec::worker_not_ready, "No worker.", {}};
  std::vector<lease_granted> leases;
  for (auto i = 0; i < 5; ++i)
    leases.push_back(*play.acquire("run-" + std::to_string(i))->value);
  play.script.held_back = {"destroy"};
  for (const auto& lease : leases)
    play.release(lease);
  play.pass(120s);
  CHECK(play.script.waiting.size() == 2);
  // The others come when there is room.
  std::set<std::string> tried;
  for (auto i = 0; i < 5; ++i) {
    play.script.let_go("destroy");
    play.pass(60s);
  }
  for (const auto& call : play.script.calls)
    if (call.starts_with("destroy"))
      tried.insert(call);
  CHECK(tried.size() == 5);
}

TEST_CASE_METHOD(stage,
                 "limits: the leases of a dead engine are found within ten "
                 "seconds",
                 "[actors]") {
  // Long after the start.
  pass(30s);
  write(insert_lease{.row = somebody_elses("lease-x")});
  pass(options.janitor.orphan_interval + 1s);
  CHECK(row({"lease-x"}).status == lease_status::failed);
  CHECK(row({"lease-x"}).failure_reason == "engine_restart");
}

TEST_CASE_METHOD(stage,
                 "limits: a cleanup that somebody else owes is found within a "
                 "minute",
                 "[actors]") {
  pass(61s);
  auto lease = somebody_elses("lease-x");
  lease.owner = {"engine-1"};
  write(insert_lease{.row = lease});
  write(end_lease{.lease = {lease.id, 0},
                  .from = {lease_status::active},
                  .to = lease_status::failed,
                  .cleanup = cleanup_status::failed,
                  .next_cleanup_in = 0ms});
  pass(options.janitor.sweep_interval + 1s);
  CHECK(row(lease.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(stage,
                 "limits: a resume by id that is not answered is given up "
                 "after a minute",
                 "[actors]") {
  script.plan.policy = lease_policy::reuse_by_environment;
  script.plan.fingerprint = "scripted:{}";
  auto lease = *acquire("run-1")->value;
  release(lease);
  script.held_back = {"resume"};
  auto again = ask<lease_granted>(
    supervisor, resume_lease{{"again"}, lease.handle.id.value, {"run-2"}, {}});
  pass(options.resume_timeout - 1s);
  CHECK_FALSE(again->arrived());
  pass(2s);
  CHECK(again->error.code == ec::call_timed_out);
}

TEST_CASE_METHOD(stage,
                 "limits: an engine that stops does not wait for a provider "
                 "for ever",
                 "[actors]") {
  auto lease = *acquire("run-1")->value;
  script.held_back = {"release"};
  auto stopped = ask(supervisor, shut_down{});
  pass(options.stop_timeout - 1s);
  CHECK_FALSE(stopped->arrived());
  pass(2s);
  CHECK(stopped->arrived());
}

TEST_CASE_METHOD(stage,
                 "limits: an acquire has five seconds more than its call",
                 "[actors]") {
  processes.on_request = say_initialized;
  auto lease = acquire("run-1", "sandbox");
  auto begun = rows().at(0).acquired_at;
  auto end = rows().at(0).deadline_at;
  REQUIRE(end);
  CHECK(*end - begun >= options.worker.call_timeout + 5s);
  pass(options.worker.call_timeout + 6s);
  CHECK(lease->error.code == ec::call_timed_out);
}

TEST_CASE_METHOD(stage,
                 "limits: of the late answers that somebody waits for the "
                 "oldest are forgotten beyond 1024",
                 "[actors]") {
  processes.on_request = say_initialized;
  std::vector<int> late;
  const auto calls = 1'026;
  for (auto i = 0; i < calls; ++i) {
    worker_call what;
    what.method = "slow";
    what.company = {"company-1"};
    what.timeout = 10ms;
    what.late = [&late, i](const json_text&) { late.push_back(i); };
    gate.call({"plugin-1"}, std::move(what), true, [](const auto&) {});
  }
  settle();
  // They go out as far as there is room, time out, and make room.
  for (auto i = 0; i < 6; ++i)
    pass(20ms);
  auto& process = processes.current();
  auto requests = process.received;
  for (const auto& request : requests)
    if (request.value("method", "") == "slow")
      process.reply(request, json::object());
  settle();
  REQUIRE(late.size() == 1'024);
  CHECK(late.front() == 2);
}
