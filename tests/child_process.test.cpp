// Child processes: real ones, started by the real launcher.

#include "tests/support/catch.hpp"
#include "tests/support/child_watch.hpp"

#include <fcntl.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <deque>
#include <thread>

using namespace leasehold;
using namespace leasehold::test;

TEST_CASE("child_process: tells the exit code and both outputs",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.shell("echo out; echo err >&2; exit 7", child);
  auto report = child.ended();
  CHECK(report.code == 7);
  CHECK(report.signal == 0);
  CHECK(child.out() == "out\n");
  CHECK(child.err() == "err\n");
}

TEST_CASE("child_process: tells the signal that ended the child",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.shell("kill -SEGV $$", child);
  auto report = child.ended();
  CHECK(report.code == -1);
  CHECK(report.signal == SIGSEGV);
}

TEST_CASE("child_process: writes queued before the start reach stdin in order",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.start({"cat"}, child);
  handle->write("one ");
  handle->write("two ");
  handle->write(std::string(300'000, 'x'));
  handle->close_stdin();
  handle->write("too late");
  CHECK(child.ended().code == 0);
  CHECK(child.out() == "one two " + std::string(300'000, 'x'));
  CHECK(handle->unwritten() == 0);
}

TEST_CASE("child_process: writing to a child that does not read is harmless",
          "[child_process][trap-17]") {
  child_watch child;
  process_world world;
  auto handle = world.shell("exec <&-; echo closed; read x; exit 3", child);
  REQUIRE(child.says("closed"));
  for (auto i = 0; i < 100; ++i)
    handle->write(std::string(10'000, 'x'));
  CHECK(child.ended().code == 3);
  CHECK(handle->unwritten() == 0);
}

TEST_CASE("child_process: the child has exactly the environment it was given",
          "[child_process]") {
  child_watch child;
  process_world world;
  ::setenv("LEASEHOLD_TEST_LEAK", "leaked", 1);
  auto handle = world.launcher->start(
    {{"/usr/bin/env"}, {{"A", "1"}, {"B", "x=y"}}, {}}, child.events());
  CHECK(child.ended().code == 0);
  CHECK(child.out() == "A=1\nB=x=y\n");
}

TEST_CASE("child_process: the child runs in the folder it was given",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.launcher->start(
    {{"pwd"}, {{"PATH", "/usr/bin:/bin"}}, "/usr"}, child.events());
  CHECK(child.ended().code == 0);
  CHECK(child.out() == "/usr\n");
}

TEST_CASE("child_process: the child inherits no descriptor but its own three",
          "[child_process]") {
  child_watch child;
  process_world world;
  // Without close-on-exec, on purpose.
  auto leak = ::open("/dev/null", O_RDONLY);
  auto high = ::fcntl(leak, F_DUPFD, 700);
  auto handle = world.shell("ls /proc/$$/fd", child);
  CHECK(child.ended().code == 0);
  CHECK(child.out() == "0\n1\n2\n");
  ::close(leak);
  ::close(high);
}

TEST_CASE("child_process: the child gets the descriptors it is given",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  auto given = ::fcntl(null, F_DUPFD_CLOEXEC, 300);
  launch_spec what{{"sh", "-c", "ls /proc/$$/fd"}, {{"PATH", "/bin"}}};
  what.inherited = {given};
  auto handle = world.launcher->start(what, child.events());
  CHECK(child.ended().code == 0);
  CHECK(child.out() == "0\n1\n2\n" + std::to_string(given) + "\n");
  ::close(null);
  ::close(given);
}

TEST_CASE("child_process: the end of stdout is told before the exit",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto events = child.events();
  std::atomic<bool> told = false;
  events.on_stdout_end = [&] { told = !child.has_ended(); };
  auto handle = world.launcher->start({{"cat"}, {{"PATH", "/bin"}}}, events);
  handle->close_stdin();
  CHECK(child.ended().code == 0);
  CHECK(told);
}

TEST_CASE("child_process: the child starts with default signals, none blocked",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto before = std::signal(SIGUSR2, SIG_IGN);
  auto handle = world.start({"grep", "^Sig[BI]", "/proc/self/status"}, child);
  CHECK(child.ended().code == 0);
  CHECK(child.out()
        == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  std::signal(SIGUSR2, before);
}

TEST_CASE("child_process: a missing program is a failure that names it",
          "[child_process]") {
  child_watch by_name;
  child_watch by_path;
  child_watch by_folder;
  child_watch not_executable;
  process_world world;
  auto a = world.start({"no-such-program"}, by_name);
  auto b = world.start({"/nowhere/prog"}, by_path);
  auto c = world.launcher->start({{"/bin/true"}, {}, "/nowhere"},
                                 by_folder.events());
  auto d = world.start({"/etc/passwd"}, not_executable);
  CHECK(by_name.refused()
        == "Cannot start \"no-such-program\": No such file or directory.");
  CHECK(by_path.refused()
        == "Cannot start \"/nowhere/prog\": No such file or directory.");
  CHECK(by_folder.refused()
        == "Cannot start \"/bin/true\" in \"/nowhere\": No such file or "
           "directory.");
  CHECK(not_executable.refused()
        == "Cannot start \"/etc/passwd\": Permission denied.");
  // Failed starts leave nothing to reap.
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("child_process: a signal reaches the child and its group",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.shell("sleep 1000 & echo $!; wait", child);
  REQUIRE(child.says("\n"));
  auto grandchild = std::stoll(child.out());
  handle->signal(SIGTERM);
  CHECK(child.ended().signal == SIGTERM);
  CHECK(process_ends(grandchild));
}

TEST_CASE("child_process: a signal sent before the start is not lost",
          "[child_process][trap-5]") {
  child_watch child;
  process_world world;
  auto handle = world.start({"sleep", "1000"}, child);
  handle->signal(SIGTERM);
  CHECK(child.ended().signal == SIGTERM);
  handle->signal(SIGTERM);
}

TEST_CASE("child_process: a dropped handle ends the child without a word",
          "[child_process]") {
  child_watch child;
  child_watch next;
  process_world world;
  auto handle = world.start({"sleep", "1000"}, child);
  auto pid = child.pid();
  handle.reset();
  CHECK(process_ends(pid));
  auto other = world.start({"true"}, next);
  CHECK(next.ended().code == 0);
  CHECK_FALSE(child.has_ended());
}

TEST_CASE("child_process: a loop that stops leaves no child and no zombie",
          "[child_process]") {
  child_watch held;
  child_watch outliving;
  int64_t pid = 0;
  std::shared_ptr<child_process> outlives;
  {
    process_world world;
    auto handle = world.start({"sleep", "1000"}, held);
    outlives = world.start({"sleep", "1000"}, outliving);
    pid = held.pid();
  }
  CHECK(process_ends(pid));
  outlives->write("nobody cares");
  outlives->signal(SIGTERM);
  outlives.reset();
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("child_process: a descendant that keeps the output open is not "
          "waited for long",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.shell("sleep 1000 & echo $!; exit 4", child);
  CHECK(child.ended().code == 4);
  auto descendant = static_cast<pid_t>(std::stol(child.out()));
  CHECK(::kill(descendant, SIGKILL) == 0);
}

TEST_CASE("child_process: all of a large output arrives", "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.start({"head", "-c", "67108864", "/dev/zero"}, child);
  CHECK(child.ended().code == 0);
  CHECK(child.bytes() == 67'108'864);
}

TEST_CASE("child_process: a paused output stops the child and loses nothing",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.shell("read go; exec head -c 8388608 /dev/zero", child);
  handle->pause_output();
  handle->write("go\n");
  auto pid = child.pid();
  // The child fills its pipe and blocks: a round trip later it is still there.
  child_watch other;
  auto round_trip = world.start({"true"}, other);
  CHECK(other.ended().code == 0);
  CHECK(child.bytes() == 0);
  CHECK(::kill(static_cast<pid_t>(pid), 0) == 0);
  handle->resume_output();
  CHECK(child.ended().code == 0);
  CHECK(child.bytes() == 8'388'608);
}

TEST_CASE("child_process: output that a pause holds back outlives the child",
          "[child_process]") {
  child_watch child;
  process_world world;
  auto handle = world.shell("read go; exec head -c 10000 /dev/zero", child);
  handle->pause_output();
  handle->write("go\n");
  CHECK(process_ends(child.pid()));
  CHECK(child.bytes() == 0);
  handle->resume_output();
  CHECK(child.ended().code == 0);
  CHECK(child.bytes() == 10'000);
}

TEST_CASE("child_process: fifty children run at once", "[child_process]") {
  std::deque<child_watch> children(50);
  process_world world;
  std::vector<std::shared_ptr<child_process>> handles;
  for (auto& child : children)
    handles.push_back(world.start({"cat"}, child));
  for (auto& handle : handles) {
    handle->write("hello");
    handle->close_stdin();
  }
  for (auto& child : children) {
    CHECK(child.ended().code == 0);
    CHECK(child.out() == "hello");
  }
}

TEST_CASE("child_process: find_program looks where a shell would",
          "[child_process]") {
  CHECK(find_program("sh", "/nowhere:/bin") == "/bin/sh");
  CHECK(find_program("sh", "/nowhere").empty());
  CHECK(find_program("/bin/sh", "").front() == '/');
  CHECK(find_program("bin/sh", "", "/") == "//bin/sh");
  CHECK(find_program("sh", "bin", "/usr") == "/usr/bin/sh");
  CHECK(find_program("/etc/passwd", "").empty());
  CHECK(find_program("/bin", "").empty());
  CHECK(find_program("", "/bin").empty());
}

TEST_CASE("child_process: signals have names", "[child_process]") {
  CHECK(signal_name(SIGKILL) == "SIGKILL");
  CHECK(signal_name(SIGTERM) == "SIGTERM");
  CHECK(signal_name(99) == "signal 99");
}

TEST_CASE("trap: a child outlives the thread that asked for it",
          "[child_process][trap-18]") {
  child_watch child;
  process_world world;
  std::shared_ptr<child_process> handle;
  // A parent-death signal follows the thread that forked, not the process.
  std::thread asker{[&] { handle = world.start({"cat"}, child); }};
  auto pid = child.pid();
  asker.join();
  CHECK(pid > 0);
  handle->write("still here\n");
  CHECK(child.says("still here"));
  handle->close_stdin();
  CHECK(child.ended().signal == 0);
}
