// What survives when somebody pulls a plug: a worker killed, an engine killed,
// a box removed behind our back.

#include "tests/support/engine_host.hpp"

#include <csignal>

using namespace leasehold;
using namespace leasehold::test;

namespace {

struct survivors : engine_host {
  survivors() {
    start();
  }

  ~survivors() {
    stop();
    CHECK(children().empty());
  }

  /// Kills the bubblewrap worker itself, as an operator or the kernel might.
  void kill_worker() {
    for (const auto& x : children())
      if (x.words.find("leasehold-bubblewrap") != std::string::npos)
        ::kill(static_cast<pid_t>(x.pid), SIGKILL);
  }

  /// What a program that embeds an engine leaves behind when it is killed while
  /// it runs a command; answers with its lease.
  std::string kill_victim(const std::string& environment) {
    stop();
    process_world world;
    child_watch watch;
    auto victim = world.start(
      {LEASEHOLD_ENGINE_VICTIM, "hold", opts.store, environment, mark()},
      watch);
    REQUIRE(watch.says("\n"));
    // Only the program: its children have process groups of their own.
    ::kill(static_cast<pid_t>(watch.pid()), SIGKILL);
    CHECK(watch.ended().signal == SIGKILL);
    auto out = watch.out();
    return out.substr(0, out.find('\n'));
  }

  /// What stands in the command lines of everything that a victim started.
  [[nodiscard]] std::string mark() const {
    return dir / "mark";
  }

  /// Runs `script` in a lease of its own, which is parked afterwards.
  lease run_once(const std::string& run, const std::string& script) {
    auto lease = acquire("box", run);
    CHECK(execute(lease, shell(script)).exit_code == 0);
    CHECK(value_of(running->release(lease)).parked);
    return lease;
  }
};

} // namespace

// -- a worker is killed -------------------------------------------------------

TEST_CASE_METHOD(survivors,
                 "engine: a command whose worker is killed has an "
                 "unknown outcome at once",
                 "[engine][trap-13][promise-5]") {
  auto lease = acquire(add_bubblewrap());
  output_notes heard;
  auto command
    = running->execute(lease, shell("echo up; sleep 1000"), heard.callback());
  REQUIRE(heard.says("up"));
  auto begin = std::chrono::steady_clock::now();
  kill_worker();
  auto why = failure_of(std::move(command));
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  CHECK(why.code == ec::outcome_unknown);
  CHECK(why.message
        == "The command was started and nobody saw how it ended: Worker "
           "process exited (code=null, signal=SIGKILL)");
  CHECK(disposition_of(why.code) == disposition::in_doubt);
  // The next worker has the box, and works in it.
  CHECK(execute(lease, shell("echo again")).stdout_text == "again\n");
}

TEST_CASE_METHOD(survivors,
                 "engine: a lease that is failed after its worker was "
                 "killed is cleaned up by the next worker",
                 "[engine]") {
  // The next worker takes its time, so that the release meets none.
  opts.worker_restart_delay = opts.worker_restart_delay_max = 1ms;
  start();
  auto lease = acquire(add_bubblewrap());
  output_notes heard;
  auto command
    = running->execute(lease, shell("echo up; sleep 1000"), heard.callback());
  REQUIRE(heard.says("up"));
  kill_worker();
  CHECK(failure_of(std::move(command)).code == ec::outcome_unknown);
  release_request how;
  how.outcome = outcome::failed;
  auto ended = value_of(running->release(lease, how));
  CHECK(ended.status == "failed");
  CHECK(value_of(running->settled(patience)) == 0);
  CHECK(row(lease.id).status == "failed");
  CHECK(row(lease.id).cleanup == "success");
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(survivors,
                 "engine: a release without a worker ends the lease "
                 "and owes the cleanup",
                 "[engine]") {
  auto lease = acquire(add_rogue("normal"));
  REQUIRE(boxes().size() == 1);
  // From now on no worker gets ready.
  plugin_info what;
  what.manifest = manifest_of("rogue");
  what.command = {LEASEHOLD_ROGUE_WORKER, "never-ready", dir / "rogue"};
  auto states = events.path("rogue.plugin").size();
  value_of(running->put_plugin(what));
  CHECK(eventually([&] {
    auto path = events.path("rogue.plugin");
    return path.size() > states && path.back().ends_with("-> stopped");
  }));
  auto ended = value_of(running->release(lease));
  CHECK(ended.status == "released");
  CHECK(ended.cleanup_owed);
  CHECK(row(lease.id).cleanup == "failed");
  CHECK(boxes().size() == 1);
  // With a good worker the janitor finishes by itself.
  what.command[1] = "normal";
  value_of(running->put_plugin(what));
  CHECK(events.sees_cleanup(lease.id, "success"));
  CHECK(value_of(running->settled(patience)) == 0);
  CHECK(boxes().empty());
}

// -- an engine is killed ------------------------------------------------------

TEST_CASE_METHOD(survivors,
                 "engine: nothing of a killed engine survives it, and "
                 "the next one ends its leases",
                 "[engine][pb-12.1.5][promise-3]") {
  auto kind = GENERATE("local", "bubblewrap");
  auto id = kill_victim(kind == std::string{"local"} ? add_local()
                                                     : add_bubblewrap());
  CHECK(eventually([&] { return processes_with(mark()).empty(); }));
  CHECK(eventually([&] { return processes_with(state()).empty(); }));
  CHECK(boxes().size() == (kind == std::string{"local"} ? 0 : 1));
  start();
  value_of(running->recovered());
  CHECK(row(id).status == "failed");
  CHECK(row(id).failure_reason == "engine_restart");
  CHECK(row(id).cleanup == "success");
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(survivors, "engine: an engine serves while it recovers",
                 "[engine][trap-10][promise-9]") {
  auto id = kill_victim(add_bubblewrap());
  start();
  auto lease = acquire("box");
  CHECK(lease.id != id);
  CHECK(execute(lease, shell("echo here")).stdout_text == "here\n");
  value_of(running->recovered());
  CHECK(boxes() == std::vector{lease.resource});
}

TEST_CASE_METHOD(survivors,
                 "engine: a living engine ends the leases of one that "
                 "was killed beside it when asked to",
                 "[engine]") {
  auto id = kill_victim(add_bubblewrap());
  start();
  value_of(running->recovered());
  // Once more, with an engine that was there all the time.
  process_world world;
  child_watch watch;
  auto victim = world.start(
    {LEASEHOLD_ENGINE_VICTIM, "hold", opts.store, "box", mark()}, watch);
  REQUIRE(watch.says("\n"));
  auto second = watch.out().substr(0, watch.out().find('\n'));
  auto held = failure_of(running->release(lease{.id = second}));
  CHECK(held.code == ec::held_elsewhere);
  ::kill(static_cast<pid_t>(watch.pid()), SIGKILL);
  watch.ended();
  auto ended = value_of(running->release(lease{.id = second}));
  CHECK(ended.status == "released");
  CHECK_FALSE(ended.cleanup_owed);
  CHECK(boxes().empty());
  CHECK(row(id).cleanup == "success");
}

// -- what is used again -------------------------------------------------------

TEST_CASE_METHOD(survivors, "engine: the next run finds what the last one left",
                 "[engine]") {
  add_bubblewrap(R"(,"reuseLease":true)");
  auto first = run_once("run-1", "echo kept > note");
  CHECK(boxes() == std::vector{first.resource});
  auto second = acquire("box", "run-2");
  CHECK(second.origin == origin::resumed);
  CHECK(second.resource == first.resource);
  CHECK(second.fence > first.fence);
  CHECK(execute(second, shell("cat note")).stdout_text == "kept\n");
  // Who held it before has no say any more.
  CHECK_FALSE(outcome_of(running->execute(first, shell("true"))));
}

TEST_CASE_METHOD(survivors, "engine: what is parked outlives its engine",
                 "[engine][trap-1]") {
  add_bubblewrap(R"(,"reuseLease":true)");
  auto first = run_once("run-1", "echo kept > note");
  start();
  value_of(running->recovered());
  auto second = acquire("box", "run-2");
  CHECK(second.origin == origin::resumed);
  CHECK(execute(second, shell("cat note")).stdout_text == "kept\n");
}

TEST_CASE_METHOD(survivors,
                 "engine: a parked box that was removed behind our "
                 "back is replaced",
                 "[engine]") {
  add_bubblewrap(R"(,"reuseLease":true)");
  auto first = run_once("run-1", "echo kept > note");
  std::filesystem::remove_all(state() + "/boxes/" + first.resource);
  auto second = acquire("box", "run-2");
  CHECK(second.origin == origin::replacement);
  CHECK(second.origin_note == first.resource + " is gone");
  CHECK(second.resource != first.resource);
  CHECK(execute(second, shell("test -e note")).exit_code == 1);
  CHECK(value_of(running->settled(patience)) == 0);
  CHECK(row(first.id).cleanup == "success");
  CHECK_FALSE(row(first.id).parked);
}

TEST_CASE_METHOD(survivors, "engine: two runs do not share what was parked",
                 "[engine]") {
  add_bubblewrap(R"(,"reuseLease":true)");
  run_once("run-1", "true");
  acquire_request what;
  what.environment = "box";
  what.run = "run-2";
  auto second = running->acquire(what);
  what.run = "run-3";
  auto third = running->acquire(what);
  auto a = value_of(std::move(second));
  auto b = value_of(std::move(third));
  CHECK(a.resource != b.resource);
  CHECK((a.origin == origin::resumed) != (b.origin == origin::resumed));
}

TEST_CASE_METHOD(survivors, "engine: an ad-hoc lease is never parked",
                 "[engine]") {
  add_bubblewrap(R"(,"reuseLease":true)");
  auto lease = acquire("box", "");
  CHECK_FALSE(value_of(running->release(lease)).parked);
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(survivors, "engine: what is parked can be destroyed",
                 "[engine]") {
  add_bubblewrap(R"(,"reuseLease":true)");
  auto first = run_once("run-1", "true");
  CHECK_FALSE(value_of(running->destroy(first)).cleanup_owed);
  CHECK(boxes().empty());
  CHECK(acquire("box", "run-2").origin != origin::resumed);
}
