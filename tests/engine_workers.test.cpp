// The engine and plugin workers that do what no worker should. The rogue
// worker's modes and commands are listed in support/rogue_worker.cpp.

#include "tests/support/engine_host.hpp"

#include <csignal>

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// An engine with a place to put a rogue in.
struct rogues : engine_host {
  rogues() {
    start();
  }

  /// A lease of an environment whose worker misbehaves so.
  lease acquire_from(const std::string& mode) {
    return acquire(add_rogue(mode));
  }

  /// What the engine says if an acquire from such a worker fails.
  failure refused_by(const std::string& mode, const std::string& number = "") {
    acquire_request what;
    what.environment = add_rogue(mode, number);
    what.run = "run-1";
    return failure_of(running->acquire(what));
  }

  /// A lease that works from acquire to release.
  void check_lease(const lease& which) {
    command echo{.command = "echo", .args = {"one", "two"}};
    output_notes heard;
    auto done = value_of(running->execute(which, echo, heard.callback()));
    CHECK(done.exit_code == 0);
    CHECK(done.stdout_text == "one\ntwo\n");
    CHECK(heard.text() == "one\ntwo\n");
    auto ended = value_of(running->release(which));
    CHECK(ended.status == "released");
    CHECK_FALSE(ended.cleanup_owed);
    CHECK(boxes().empty());
  }

  /// A lease that lost a command, and perhaps its worker, works on.
  void check_recovered(const lease& which) {
    CHECK(row(which.id).status == "active");
    check_lease(which);
  }

  [[nodiscard]] std::vector<process_info> workers() const {
    return processes_with(dir / "rogue");
  }

  /// A provider that lists nothing is doubted for a few of these, and for as
  /// long as the call might have taken.
  void expect_quick_answers() {
    opts.cleanup_retry_delay = 100ms;
    opts.worker_call_timeout = 5s;
    opts.worker_acquire_margin = 1s;
    start();
  }
};

command rogue_command(const std::string& name, const std::string& arg = "") {
  return {.command = name, .args = {arg}};
}

const std::string never_ran
  = "Sandbox provider \"rogue\" is installed via plugin \"rogue.plugin\", but "
    "its worker is not running.";

} // namespace

TEST_CASE_METHOD(rogues,
                 "engine: a worker with bad manners serves all the "
                 "same",
                 "[engine]") {
  check_lease(acquire_from(
    GENERATE("normal", "chatty", "twice", "unknown-ids", "no-list")));
}

TEST_CASE_METHOD(rogues, "engine: what a worker should not say is logged",
                 "[engine]") {
  SECTION("garbage") {
    check_lease(acquire_from("chatty"));
    CHECK(logs("unparseable message from worker: Invalid JSON: Starting up"));
  }
  SECTION("answers to nobody") {
    check_lease(acquire_from("unknown-ids"));
    CHECK(logs("received response for unknown request id 4711"));
  }
}

// -- getting ready ------------------------------------------------------------

TEST_CASE_METHOD(rogues, "engine: a worker that needs time is waited for",
                 "[engine]") {
  check_lease(acquire(add_rogue("slow-start", "300")));
}

TEST_CASE_METHOD(rogues,
                 "engine: a worker that never gets ready is given up "
                 "after the grace, not before",
                 "[engine]") {
  // The worker that is asked about the config may take its time.
  auto den = add_rogue("never-ready");
  opts.worker_ready_grace = 300ms;
  start();
  auto begin = std::chrono::steady_clock::now();
  acquire_request what;
  what.environment = den;
  auto why = failure_of(running->acquire(what));
  CHECK(std::chrono::steady_clock::now() - begin >= 300ms);
  CHECK(why.code == ec::worker_not_ready);
  CHECK(why.message == never_ran);
  CHECK(why.detail == "it has not answered `initialize` yet");
  CHECK(value_of(running->leases()).empty());
}

TEST_CASE_METHOD(rogues, "engine: a worker that fails to initialize says why",
                 "[engine]") {
  auto why = refused_by("init-fails");
  CHECK(why.code == ec::worker_not_ready);
  CHECK(why.message == never_ran);
  CHECK(why.detail.find("Worker initialize returned ok=false")
        != std::string::npos);
}

TEST_CASE_METHOD(rogues,
                 "engine: a worker that does not answer `initialize` "
                 "is killed and started anew",
                 "[engine]") {
  // However slow this machine is, it is the second time-out that ends the wait.
  opts.worker_ready_grace = 10min;
  opts.worker_initialize_timeout = 200ms;
  opts.worker_restart_delay = 10ms;
  opts.worker_crashes_max = 2;
  start();
  auto why = refused_by("never-ready");
  CHECK(why.code == ec::worker_broken);
  CHECK(why.detail.find("RPC call \"initialize\" timed out after 200ms")
        != std::string::npos);
  stop();
  CHECK(children().empty());
}

TEST_CASE_METHOD(rogues,
                 "engine: a worker that always crashes is left alone "
                 "after a while",
                 "[engine][promise-11]") {
  opts.worker_restart_delay = 1ms;
  opts.worker_restart_delay_max = 10min;
  opts.worker_crashes_max = 3;
  start();
  auto den = add_rogue("init-fails");
  acquire_request what;
  what.environment = den;
  auto why = failure_of(running->acquire(what));
  CHECK(why.code == ec::worker_broken);
  CHECK(why.message == never_ran);
  // The next one need not wait.
  CHECK(failure_of(running->acquire(what)).code == ec::worker_broken);
}

TEST_CASE_METHOD(rogues, "engine: a program that is not there is named",
                 "[engine]") {
  opts.worker_ready_grace = 300ms;
  start();
  plugin_info what;
  what.manifest = manifest_of("ghost");
  what.command = {"/nowhere/ghost-worker"};
  value_of(running->put_plugin(what));
  environment_info place;
  place.name = "ghost";
  place.driver = "sandbox";
  place.config = R"({"provider":"ghost"})";
  auto why = failure_of(running->put_environment(place));
  CHECK(why.code == ec::worker_not_ready);
  CHECK(why.detail.find("Cannot start \"/nowhere/ghost-worker\": No such file "
                        "or directory.")
        != std::string::npos);
}

// -- in the middle of a call --------------------------------------------------

TEST_CASE_METHOD(rogues,
                 "engine: a worker that exits during a command leaves "
                 "its outcome unknown",
                 "[engine]") {
  auto lease = acquire_from("normal");
  auto why = failure_of(running->execute(lease, rogue_command("die")));
  CHECK(why.code == ec::outcome_unknown);
  CHECK(why.message
        == "The command was started and nobody saw how it ended: Worker "
           "process exited (code=3, signal=null)");
  CHECK(why.provider_acted == acted::unknown);
  check_recovered(lease);
}

TEST_CASE_METHOD(rogues, "engine: no call is lost while workers are killed",
                 "[engine]") {
  opts.worker_restart_delay = opts.worker_restart_delay_max = 1ms;
  opts.worker_crashes_max = 1'000;
  start();
  auto lease = acquire_from("normal");
  for (auto round = 0; round < 20; ++round) {
    std::vector<std::future<result<finished>>> calls;
    for (auto i = 0; i < 8; ++i)
      calls.push_back(running->execute(lease, rogue_command("echo", "here")));
    for (const auto& worker : workers())
      ::kill(static_cast<pid_t>(worker.pid), SIGKILL);
    for (auto i = 0; i < 8; ++i)
      calls.push_back(running->execute(lease, rogue_command("echo", "here")));
    for (auto& call : calls) {
      auto how = outcome_of(std::move(call));
      auto explained = how || how.error().code == ec::outcome_unknown
                       || how.error().code == ec::worker_not_ready;
      CAPTURE(how.error().message);
      CHECK(explained);
    }
  }
  check_recovered(lease);
}

TEST_CASE_METHOD(rogues,
                 "engine: a line beyond the limit fails its call and "
                 "no other",
                 "[engine]") {
  opts.worker_line_max = 1u << 20;
  start();
  auto lease = acquire_from("normal");
  auto other = running->execute(lease, rogue_command("hang"));
  auto why
    = failure_of(running->execute(lease, rogue_command("long", "2097152")));
  CHECK(why.code == ec::too_large);
  CHECK(why.provider_acted == acted::yes);
  CHECK(why.message.find("The worker sent a line of 20971")
        != std::string::npos);
  CHECK(why.message.find("bytes; 1048576 is the limit.") != std::string::npos);
  CHECK(other.wait_for(0s) == std::future_status::timeout);
  check_recovered(lease);
  CHECK(value_of(std::move(other)).cancelled);
}

TEST_CASE_METHOD(rogues, "engine: 200 MiB in one line fail its call",
                 "[engine]") {
  auto lease = acquire_from("normal");
  auto why
    = failure_of(running->execute(lease, rogue_command("long", "209715200")));
  CHECK(why.message.find("134217728 is the limit.") != std::string::npos);
  check_recovered(lease);
}

TEST_CASE_METHOD(rogues, "engine: a worker that closes its output is replaced",
                 "[engine]") {
  auto lease = acquire_from("normal");
  auto why = failure_of(running->execute(lease, rogue_command("close")));
  CHECK(why.code == ec::outcome_unknown);
  CHECK(why.message.find("The worker closed its standard output and can answer "
                         "nobody.")
        != std::string::npos);
  check_recovered(lease);
}

TEST_CASE_METHOD(rogues, "engine: an answer that is no object is told as such",
                 "[engine]") {
  auto lease = acquire_from("normal");
  auto why = failure_of(running->execute(lease, rogue_command("mumble")));
  CHECK(why.code == ec::protocol_violation);
  CHECK(why.provider_acted == acted::yes);
  CHECK(
    why.message.find("The worker answered environmentExecute with something "
                     "that is not an object.")
    != std::string::npos);
  CHECK(why.detail == "\"something\"");
  check_recovered(lease);
}

TEST_CASE_METHOD(rogues,
                 "engine: many complaints on standard error hold "
                 "nothing up, and the last ones are kept",
                 "[engine]") {
  auto lease = acquire_from("normal");
  auto done
    = value_of(running->execute(lease, rogue_command("complain", "100000")));
  CHECK(done.exit_code == 0);
  auto why = failure_of(running->execute(lease, rogue_command("die")));
  CHECK(why.detail.size() < 9'000);
  CHECK(why.detail.ends_with("complaint 1\n"));
  check_recovered(lease);
}

TEST_CASE_METHOD(rogues, "engine: a command of a worker can be cancelled",
                 "[engine][pb-12.2.23]") {
  auto lease = acquire_from("normal");
  std::stop_source stop;
  auto what = rogue_command("hang");
  what.stop = stop.get_token();
  output_notes heard;
  auto command = running->execute(lease, what, heard.callback());
  REQUIRE(heard.says("running"));
  stop.request_stop();
  CHECK(value_of(std::move(command)).cancelled);
}

TEST_CASE_METHOD(rogues,
                 "engine: a worker that does not answer health checks "
                 "is replaced",
                 "[engine][pb-12.2.25]") {
  opts.worker_health_interval = 50ms;
  start();
  auto lease = acquire_from("mute-health");
  auto why = failure_of(running->execute(lease, rogue_command("hang")));
  CHECK(why.code == ec::outcome_unknown);
  CHECK(why.message.find("The worker did not answer 3 health checks in a row.")
        != std::string::npos);
  check_recovered(lease);
}

// -- acquires that go wrong ---------------------------------------------------

TEST_CASE_METHOD(rogues,
                 "engine: a lease without a name is refused, and what "
                 "was made for it is removed",
                 "[engine]") {
  expect_quick_answers();
  auto why = refused_by("nameless");
  CHECK(why.code == ec::protocol_violation);
  CHECK(why.message
        == "The worker answered the lease call without a valid "
           "`providerLeaseId`.");
  CHECK(why.provider_acted == acted::yes);
  CHECK(value_of(running->settled(patience)) == 0);
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(rogues, "engine: a lease that is no object is refused",
                 "[engine]") {
  expect_quick_answers();
  auto why = refused_by("no-object");
  CHECK(why.code == ec::protocol_violation);
  CHECK(why.message.find("not an object") != std::string::npos);
  CHECK(value_of(running->settled(patience)) == 0);
}

TEST_CASE_METHOD(rogues, "engine: a resource that comes up late is removed",
                 "[engine][pb-12.1.4][promise-3]") {
  opts.worker_call_timeout = 300ms;
  start();
  auto why = refused_by("late-acquire");
  CHECK(why.code == ec::call_timed_out);
  CHECK(why.provider_acted == acted::unknown);
  auto lease = value_of(running->leases()).front();
  CHECK(lease.status == "failed");
  CHECK(lease.cleanup == "failed");
  // Now the worker answers.
  write_text(dir / "rogue/go", "now");
  auto box = "rogue-" + lease.id.substr(0, 8);
  CHECK(eventually([&] {
    return calls().find("environmentDestroyLease \"" + box + "\"")
           != std::string::npos;
  }));
  CHECK(eventually([&] { return boxes().empty(); }));
  CHECK(eventually([&] { return row(lease.id).cleanup == "success"; }));
}

// -- the end ------------------------------------------------------------------

TEST_CASE_METHOD(rogues, "engine: a worker that will not leave is killed",
                 "[engine]") {
  auto lease = acquire_from("deaf");
  auto hangs = running->execute(lease, rogue_command("hang"));
  CHECK(workers().size() == 1);
  stop();
  CHECK(children().empty());
  CHECK(workers().empty());
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(rogues,
                 "engine: a plugin that is changed or removed stops its "
                 "worker",
                 "[engine]") {
  check_lease(acquire_from("normal"));
  auto before = workers();
  REQUIRE(before.size() == 1);
  plugin_info what;
  what.manifest = manifest_of("rogue");
  what.command = {LEASEHOLD_ROGUE_WORKER, "normal", dir / "rogue", "2"};
  value_of(running->put_plugin(what));
  check_lease(acquire("den"));
  CHECK(eventually([&] {
    auto now = workers();
    return now.size() == 1 && now[0].pid != before[0].pid;
  }));
  value_of(running->remove_plugin("rogue.plugin"));
  CHECK(eventually([&] { return workers().empty(); }));
  acquire_request again;
  again.environment = "den";
  CHECK(failure_of(running->acquire(again)).code == ec::unknown_provider);
}
