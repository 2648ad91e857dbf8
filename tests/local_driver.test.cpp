// The local driver: real commands on this host, under the real guard.

#include "drivers/local_driver.hpp"

#include "tests/driver_contract.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_watch.hpp"
#include "tests/support/test_sink.hpp"

#include <csignal>
#include <future>

using namespace leasehold;
using namespace leasehold::test;

namespace {

local_host test_host() {
  return {"box",
          "/srv",
          {{"PATH", "/usr/bin:/bin"},
           {"LC_ALL", "C"},
           {"AWS_SECRET_ACCESS_KEY", "canary"}}};
}

struct local_world {
  explicit local_world(local_limits limits = {})
    : uut{std::make_shared<local_driver>(*launcher, loop, LEASEHOLD_GUARD,
                                         test_host(), limits)} {
    loop.start();
  }

  ~local_world() {
    uut.reset();
    loop.stop();
  }

  static run_command command(std::string name, std::vector<std::string> args) {
    run_command what;
    what.lease = lease_in({{"company"}, {"env"}, "local", {}});
    what.lease.fence = 7;
    what.execution.value = "exec-1";
    what.spec.command = std::move(name);
    what.spec.args = std::move(args);
    return what;
  }

  static run_command shell(std::string script) {
    return command("sh", {"-c", std::move(script)});
  }

  answer_watch<command_result> start(run_command what,
                                     std::shared_ptr<test_sink> sink = {}) {
    answer_watch<command_result> watch;
    uut->execute(std::move(what), std::move(sink), watch.then());
    return watch;
  }

  result<command_result> run(run_command what,
                             std::shared_ptr<test_sink> sink = {}) {
    return start(std::move(what), std::move(sink)).get();
  }

  io_loop loop;
  std::unique_ptr<process_launcher> launcher = make_process_launcher(loop);
  std::shared_ptr<local_driver> uut;
};

} // namespace

TEST_CASE("local_driver: passes the driver contract", "[local_driver]") {
  local_world world;
  check_driver_contract([&] {
    driver_under_test out;
    out.uut = std::make_shared<local_driver>(*world.launcher, world.loop,
                                             LEASEHOLD_GUARD, test_host());
    out.place = {{"company"}, {"env"}, "local", json_text{R"({"b":1,"a":2})"}};
    out.runs_commands = true;
    return out;
  });
}

TEST_CASE("local_driver: accepts any object as config, in canonical form",
          "[local_driver]") {
  local_world world;
  auto config = ask<json_text>([&](auto then) {
    world.uut->validate({{}, {}, "local", json_text{R"({ "b":1, "a":2 })"}},
                        std::move(then));
  });
  CHECK(config.value().text == R"({"a":2,"b":1})");
}

TEST_CASE("local_driver: a probe tells host name and folder",
          "[local_driver]") {
  local_world world;
  auto report = ask<probe_report>(
    [&](auto then) { world.uut->probe({}, std::move(then)); });
  REQUIRE(report);
  CHECK(report->ok);
  CHECK(report->driver == "local");
  CHECK(report->summary
        == "Local environment is available on this Leasehold host.");
  CHECK(report->details.text == R"({"cwd":"/srv","hostname":"box"})");
}

TEST_CASE("local_driver: a lease is a row and nothing else", "[local_driver]") {
  local_world world;
  plan_lease what;
  auto plan = ask<lease_plan>(
    [&](auto then) { world.uut->plan(what, std::move(then)); });
  REQUIRE(plan);
  CHECK(plan->provider == "local");
  CHECK_FALSE(plan->makes_resource);
  CHECK(plan->policy == lease_policy::ephemeral);
  CHECK(plan->metadata.text
        == R"({"driver":"local","executionWorkspaceMode":null})");
  auto resumed = ask<resource_ready>(
    [&](auto then) { world.uut->resume({}, std::move(then)); });
  CHECK(resumed.error().code == ec::not_supported);
  CHECK(resumed.error().message
        == "Environment driver \"local\" does not support lease resume.");
}

TEST_CASE("local_driver: realizes a workspace where it is", "[local_driver]") {
  local_world world;
  auto realize = [&](std::string local, std::string remote) {
    return ask<workspace_realized>([&](auto then) {
      world.uut->realize({{}, local, remote, {}, {}}, std::move(then));
    });
  };
  CHECK(realize("/usr", "/bin").value().cwd == "/usr");
  CHECK(realize("", "/bin").value().cwd == "/bin");
  CHECK(realize("", "").value().cwd == "/");
  auto missing = realize("/nowhere", "");
  CHECK(missing.error().code == ec::invalid_request);
  CHECK(missing.error().message
        == "The workspace folder \"/nowhere\" does not exist on this host.");
}

TEST_CASE("local_driver: streams output and returns it with the exit code",
          "[local_driver]") {
  local_world world;
  auto sink = std::make_shared<test_sink>();
  auto what = world.shell("cat; echo err >&2; exit 9");
  what.spec.stdin_text = "grüße";
  auto ended = world.run(what, sink);
  REQUIRE(ended);
  CHECK(ended->exit_code == 9);
  CHECK(ended->signal.empty());
  CHECK(ended->stdout_text == "grüße");
  CHECK(ended->stderr_text == "err\n");
  CHECK(sink->out == "grüße");
  CHECK(sink->err == "err\n");
}

TEST_CASE("local_driver: commands see the harmless part of the host's "
          "environment, their own, and their lease",
          "[local_driver]") {
  local_world world;
  auto what = world.command("env", {});
  what.spec.env = {{"MINE", "1"}, {"LC_ALL", "C.UTF-8"}};
  auto ended = world.run(what);
  REQUIRE(ended);
  CHECK(ended->stdout_text
        == "LC_ALL=C.UTF-8\nLEASEHOLD_LEASE_FENCE=7\n"
           "LEASEHOLD_LEASE_ID=contract-lease\nMINE=1\n"
           "PATH=/usr/bin:/bin\n");
}

TEST_CASE("local_driver: refuses what cannot be passed on", "[local_driver]") {
  local_world world;
  auto bad_name = world.shell("true");
  bad_name.spec.env = {{"1X", "1"}};
  CHECK(world.run(bad_name).error().code == ec::invalid_request);
  auto nul = world.command("echo", {std::string{"a\0b", 3}});
  CHECK(world.run(nul).error().code == ec::invalid_request);
  CHECK(world.run(world.command("", {})).error().code == ec::invalid_request);
}

TEST_CASE("local_driver: a command runs in its folder, else in the workspace, "
          "else in /",
          "[local_driver]") {
  local_world world;
  auto where = [&](std::string cwd, std::string metadata) {
    auto what = world.command("pwd", {});
    what.spec.cwd = std::move(cwd);
    what.lease.metadata.text = std::move(metadata);
    return world.run(what).value().stdout_text;
  };
  CHECK(where("/usr", R"({"workspaceCwd":"/etc"})") == "/usr\n");
  CHECK(where("", R"({"workspaceCwd":"/etc"})") == "/etc\n");
  CHECK(where("lib", R"({"workspaceCwd":"/usr"})") == "/usr/lib\n");
  CHECK(where("", "{}") == "/\n");
}

TEST_CASE("local_driver: says what is missing before it starts anything",
          "[local_driver]") {
  local_world world;
  auto gone = world.shell("true");
  gone.spec.cwd = "/nowhere";
  auto no_folder = world.run(gone);
  CHECK(no_folder.error().code == ec::command_not_started);
  CHECK(no_folder.error().message
        == "The working directory \"/nowhere\" does not exist.");
  auto no_program = world.run(world.command("frobnicate", {}));
  CHECK(no_program.error().code == ec::command_not_started);
  CHECK(no_program.error().message
        == "Command \"frobnicate\" was not found in PATH.");
  auto no_file = world.run(world.command("./frobnicate", {}));
  CHECK(no_file.error().message
        == "Command \"./frobnicate\" was not found, or is not executable.");
  local_driver unguarded{*world.launcher, world.loop, "/nowhere/guard",
                         test_host()};
  answer_watch<command_result> answer;
  unguarded.execute(world.shell("true"), nullptr, answer.then());
  CHECK(answer.get().error().message
        == "The helper program \"/nowhere/guard\" is missing; local commands "
           "cannot run without it.");
}

TEST_CASE("local_driver: a signal that ends a command is named",
          "[local_driver]") {
  local_world world;
  auto ended = world.run(world.shell("kill -SEGV $$"));
  REQUIRE(ended);
  CHECK_FALSE(ended->exit_code);
  CHECK(ended->signal == "SIGSEGV");
  CHECK_FALSE(ended->timed_out);
}

TEST_CASE("local_driver: nothing a command started outlives it",
          "[local_driver]") {
  local_world world;
  auto sink = std::make_shared<test_sink>();
  auto watch = world.start(world.shell(leave_daemon + "sleep 1000"), sink);
  REQUIRE(sink->says("\n"));
  auto left_behind = std::stoll(sink->out);
  world.uut->cancel(world.shell("").lease, {"exec-1"});
  auto ended = watch.get();
  REQUIRE(ended);
  CHECK(ended->cancelled);
  CHECK_FALSE(ended->exit_code);
  CHECK(ended->signal == "SIGTERM");
  CHECK(process_ends(left_behind));
}

TEST_CASE("local_driver: a command that takes too long is timed out",
          "[local_driver]") {
  local_world world;
  auto what = world.command("sleep", {"1000"});
  what.spec.timeout = milliseconds{50};
  auto ended = world.run(what);
  REQUIRE(ended);
  CHECK(ended->timed_out);
  CHECK_FALSE(ended->cancelled);
  CHECK_FALSE(ended->exit_code);
}

TEST_CASE("local_driver: a command that ignores SIGTERM is killed",
          "[local_driver]") {
  local_limits limits;
  limits.term_grace = milliseconds{50};
  local_world world{limits};
  auto sink = std::make_shared<test_sink>();
  auto watch = world.start(
    world.shell("trap '' TERM; echo on; while :; do sleep 1000; done"), sink);
  REQUIRE(sink->says("on"));
  world.uut->cancel(world.shell("").lease, {"exec-1"});
  auto ended = watch.get();
  REQUIRE(ended);
  CHECK(ended->cancelled);
  CHECK_FALSE(ended->exit_code);
  CHECK(ended->signal == "SIGKILL");
}

TEST_CASE("local_driver: the config's time limit holds if the command has none",
          "[local_driver]") {
  local_world world;
  auto what = world.command("sleep", {"1000"});
  what.lease.place.config.text = R"({"timeoutMs":50})";
  auto ended = world.run(what);
  REQUIRE(ended);
  CHECK(ended->timed_out);
}

TEST_CASE("local_driver: a guard that hangs is killed", "[local_driver]") {
  local_limits limits;
  limits.term_grace = milliseconds{20};
  limits.guard_grace = milliseconds{20};
  local_world world{limits};
  auto sink = std::make_shared<test_sink>();
  auto watch = world.start(
    world.shell("kill -STOP $PPID; echo stopped; exec sleep 1000"), sink);
  REQUIRE(sink->says("stopped"));
  world.uut->cancel(world.shell("").lease, {});
  auto ended = watch.get();
  REQUIRE(ended);
  CHECK(ended->cancelled);
  CHECK(ended->signal == "SIGKILL");
}

TEST_CASE("local_driver: destroying a lease ends its commands",
          "[local_driver]") {
  local_world world;
  auto watch = world.start(world.command("sleep", {"1000"}));
  CHECK(ask<done>([&](auto then) {
    world.uut->destroy({world.shell("").lease, true}, std::move(then));
  }));
  CHECK(watch.get().value().cancelled);
}

TEST_CASE("local_driver: a driver that goes takes its commands with it",
          "[local_driver]") {
  local_world world;
  auto sink = std::make_shared<test_sink>();
  auto watch = world.start(world.shell(leave_daemon + "sleep 1000"), sink);
  REQUIRE(sink->says("\n"));
  auto left_behind = std::stoll(sink->out);
  world.uut.reset();
  CHECK(watch.get().error().code == ec::outcome_unknown);
  CHECK(process_ends(left_behind));
  CHECK(watch.count() == 1);
}

TEST_CASE("local_driver: a huge output is bounded and marked",
          "[local_driver]") {
  local_limits limits;
  limits.stdout_max = 1'000;
  local_world world{limits};
  auto sink = std::make_shared<test_sink>();
  auto what = world.shell("yes | head -c 67108864");
  auto ended = world.run(what);
  REQUIRE(ended);
  CHECK(ended->exit_code == 0);
  CHECK(ended->stdout_text.size() < 1'100);
  CHECK(ended->stdout_text.find("\n[leasehold: 67107864 bytes left out]\n")
        != std::string::npos);
}

TEST_CASE("local_driver: a gibibyte of output needs no memory",
          "[local_driver]") {
  local_world world;
  auto ended = world.run(world.shell("yes | head -c 1073741824"));
  REQUIRE(ended);
  CHECK(ended->stdout_text.size() < 1'100'000);
}

TEST_CASE("local_driver: a sink without room holds the command up and loses "
          "nothing",
          "[local_driver]") {
  local_world world;
  auto sink = std::make_shared<test_sink>();
  sink->full = true;
  auto watch
    = world.start(world.command("head", {"-c", "8388608", "/dev/zero"}), sink);
  REQUIRE(sink->wait([&] { return sink->waiting != nullptr; }));
  CHECK(world.run(world.command("true", {})));
  CHECK(sink->wait([&] { return sink->bytes <= 65'536; }));
  sink->make_room();
  CHECK(watch.get().value().exit_code == 0);
  CHECK(sink->bytes == 8'388'608);
}

TEST_CASE("local_driver: a sink that never has room cannot stop a cancel",
          "[local_driver]") {
  local_world world;
  auto sink = std::make_shared<test_sink>();
  sink->full = true;
  auto watch = world.start(world.command("yes", {}), sink);
  REQUIRE(sink->wait([&] { return sink->waiting != nullptr; }));
  world.uut->cancel(world.shell("").lease, {});
  CHECK(watch.get().value().cancelled);
}

TEST_CASE("local_driver: output is valid UTF-8 whatever is printed",
          "[local_driver]") {
  local_world world;
  auto sink = std::make_shared<test_sink>();
  auto ended = world.run(world.shell("printf 'a\\377b\\303'"), sink);
  REQUIRE(ended);
  CHECK(ended->stdout_text
        == "a\xEF\xBF\xBD"
           "b\xEF\xBF\xBD");
  CHECK(sink->out == ended->stdout_text);
}

TEST_CASE("local_driver: fifty commands run at once", "[local_driver]") {
  local_world world;
  std::vector<answer_watch<command_result>> watches;
  for (auto i = 0; i < 50; ++i)
    watches.push_back(world.start(world.shell("exit " + std::to_string(i))));
  for (auto i = 0; i < 50; ++i)
    CHECK(watches[static_cast<size_t>(i)].get().value().exit_code == i);
}

TEST_CASE("local_driver: a command tree ends with the process that ran it",
          "[local_driver]") {
  child_watch host;
  process_world world;
  auto handle = world.start(
    {LEASEHOLD_PARENT_DEATH_HELPER, LEASEHOLD_GUARD,
     leave_daemon
       + "echo $$; trap '' TERM; echo on; while :; do sleep 1000; done"},
    host);
  REQUIRE(host.says("on\n"));
  REQUIRE(host.says_lines(3));
  auto pids = host.numbers();
  REQUIRE(pids.size() == 2);
  CHECK(::kill(static_cast<pid_t>(host.pid()), SIGKILL) == 0);
  CHECK(host.ended().signal == SIGKILL);
  for (auto pid : pids)
    CHECK(process_ends(pid));
}
