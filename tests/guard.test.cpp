// leasehold-guard: the program that ends a command with all that it started.

#include "tests/support/catch.hpp"
#include "tests/support/child_watch.hpp"
#include "tests/support/temp_dir.hpp"

#include <csignal>

using namespace leasehold;
using namespace leasehold::test;

namespace {

struct guarded_world : process_world {
  std::shared_ptr<child_process> guarded(std::vector<std::string> command,
                                         child_watch& watch,
                                         const char* grace_ms = "2000") {
    command.insert(command.begin(),
                   {LEASEHOLD_GUARD, "--grace-ms", grace_ms, "--"});
    return start(std::move(command), watch);
  }

  std::shared_ptr<child_process> guarded_shell(const std::string& script,
                                               child_watch& watch,
                                               const char* grace_ms = "2000") {
    return guarded({"sh", "-c", script}, watch, grace_ms);
  }
};

} // namespace

TEST_CASE("guard: ends with the command's exit code", "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell("cat; exit 42", child);
  handle->write("through");
  handle->close_stdin();
  CHECK(child.ended().code == 42);
  CHECK(child.out() == "through");
}

TEST_CASE("guard: ends by the command's signal", "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell("kill -KILL $$", child);
  CHECK(child.ended().signal == SIGKILL);
}

TEST_CASE("guard: says why it cannot run a program", "[guard]") {
  child_watch missing;
  child_watch denied;
  child_watch unclear;
  guarded_world world;
  auto a = world.guarded({"no-such-program"}, missing);
  auto b = world.guarded({"/etc/passwd"}, denied);
  auto c = world.start({LEASEHOLD_GUARD, "sh"}, unclear);
  CHECK(missing.ended().code == 127);
  CHECK(missing.err()
        == "leasehold-guard: cannot run \"no-such-program\": No such file or "
           "directory\n");
  CHECK(denied.ended().code == 126);
  CHECK(unclear.ended().code == 2);
  CHECK(unclear.err().starts_with("usage: "));
}

TEST_CASE("guard: the command runs in a group of its own with default signals",
          "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell(
    "read pid name state parent group rest </proc/$$/stat; "
    "test $group = $$ && echo leader; exec grep '^Sig[BI]' /proc/self/status",
    child);
  CHECK(child.ended().code == 0);
  CHECK(child.out()
        == "leader\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("guard: a daemon is gone once the command has ended", "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell(leave_daemon + "read x; exit 5", child);
  REQUIRE(child.says("\n"));
  auto left_behind = std::stoll(child.out());
  handle->close_stdin();
  CHECK(child.ended().code == 5);
  CHECK(process_ends(left_behind));
}

TEST_CASE("guard: SIGTERM reaches the whole group and lets it end by itself",
          "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell(
    "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 1000 & wait; "
    "done",
    child, "60000");
  REQUIRE(child.says("ready"));
  handle->signal(SIGTERM);
  CHECK(child.ended().code == 3);
  CHECK(child.out() == "ready\nbye\n");
}

TEST_CASE("guard: kills a command that ignores SIGTERM after the grace period",
          "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell("trap '' TERM\n" + leave_daemon
                                      + "while :; do sleep 1000; done",
                                    child, "50");
  REQUIRE(child.says("\n"));
  auto left_behind = std::stoll(child.out());
  handle->signal(SIGTERM);
  CHECK(child.ended().signal == SIGKILL);
  CHECK(process_ends(left_behind));
}

TEST_CASE("guard: SIGQUIT kills at once", "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell(
    "trap '' TERM QUIT; echo ready; while :; do sleep 1000; done", child,
    "3600000");
  REQUIRE(child.says("ready"));
  handle->signal(SIGQUIT);
  CHECK(child.ended().signal == SIGKILL);
}

TEST_CASE("guard: the command's streams end when the command closes them",
          "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell("exec <&- >&- 2>&-; sleep 1000", child);
  auto pid = child.pid();
  for (auto i = 0; i < 20; ++i)
    handle->write(std::string(10'000, 'x'));
  // The write fails for want of a reader, and drops what is queued.
  while (handle->unwritten() > 0)
    std::this_thread::yield();
  CHECK(::kill(static_cast<pid_t>(pid), 0) == 0);
  handle->signal(SIGTERM);
  CHECK(child.ended().signal == SIGTERM);
}

TEST_CASE("guard: ends a tree of a hundred processes", "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle = world.guarded_shell(
    "i=0; while [ $i -lt 50 ]; do setsid sh -c 'sleep 1000 & sleep 1000' & "
    "i=$((i+1)); done; echo done",
    child);
  CHECK(child.ended().code == 0);
  CHECK(child.out() == "done\n");
}

TEST_CASE("guard: nothing survives a guard that is killed", "[guard]") {
  child_watch child;
  guarded_world world;
  auto handle
    = world.guarded_shell(leave_daemon + "while :; do sleep 1000; done", child);
  REQUIRE(child.says("\n"));
  auto left_behind = std::stoll(child.out());
  auto outer = std::to_string(child.pid());
  auto kill_inner = GENERATE(false, true);
  auto inner = read_text("/proc/" + outer + "/task/" + outer + "/children");
  REQUIRE_FALSE(inner.empty());
  ::kill(static_cast<pid_t>(kill_inner ? std::stoll(inner) : child.pid()),
         SIGKILL);
  CHECK(process_ends(left_behind));
  CHECK(child.ended().signal == SIGKILL);
}
