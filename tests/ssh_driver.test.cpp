// The ssh driver: real commands on a real server.

#include "drivers/ssh/ssh_driver.hpp"

#include "messages/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/ssh_world.hpp"

#include <algorithm>
#include <sstream>

using namespace leasehold;
using namespace leasehold::test;

#define NEEDS_SSHD()                                                           \
  if (!ssh_server::available())                                                \
  return

TEST_CASE("ssh_driver: passes the driver contract", "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  check_driver_contract([&] {
    driver_under_test out;
    out.uut = world.make();
    out.place = world.place();
    out.makes_resources = true;
    out.runs_commands = true;
    return out;
  });
}

TEST_CASE("ssh_driver: stores a config with its defaults", "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  auto where = world.place({{"port", "\"22\""}, {"knownHosts", "\" \""}});
  auto config = ask<json_text>(
    [&](auto then) { world.uut->validate(where, std::move(then)); });
  REQUIRE(config);
  CHECK(config->text.find(R"("port":22,"privateKey":null)")
        != std::string::npos);
  CHECK(config->text.find(R"("knownHosts":null)") != std::string::npos);
  auto raw = world.place({{"privateKey", "\"canary\""}});
  auto refused = ask<json_text>(
    [&](auto then) { world.uut->validate(raw, std::move(then)); });
  CHECK(refused.error().code == ec::invalid_config);
  CHECK(refused.error().message.find("canary") == std::string::npos);
}

TEST_CASE("ssh_driver: a lease is a workspace that was made ready",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  plan_lease what;
  what.place = world.place();
  auto plan = ask<lease_plan>(
    [&](auto then) { world.uut->plan(what, std::move(then)); });
  REQUIRE(plan);
  CHECK(plan->provider == "ssh");
  CHECK(plan->makes_resource);
  CHECK_FALSE(plan->exclusive);
  CHECK(plan->policy == lease_policy::ephemeral);
  CHECK(plan->metadata.text
        == R"({"driver":"ssh","executionWorkspaceMode":null})");
  auto lease = lease_in(world.place());
  lease.metadata = plan->metadata;
  auto made = ask<resource_ready>([&](auto then) {
    world.uut->acquire({lease, {}, {}}, std::move(then));
  });
  REQUIRE(made);
  auto port = std::to_string(world.server.port());
  CHECK(made->resource.value
        == "ssh://" + world.server.user() + "@127.0.0.1:" + port + world.work);
  CHECK(made->metadata.text
        == R"({"driver":"ssh","executionWorkspaceMode":null,)"
           R"("host":"127.0.0.1","port":)"
             + port + R"(,"remoteCwd":)" + json_string(world.work)
             + R"(,"remoteWorkspacePath":)" + json_string(world.work)
             + R"(,"username":)" + json_string(world.server.user()) + "}");
  CHECK(std::filesystem::is_directory(world.work));
  REQUIRE(world.secrets.requests.size() == 1);
  CHECK(world.secrets.requests[0].path == "privateKeySecretRef");
  CHECK(world.secrets.requests[0].environment.value == "env");
  CHECK(world.secrets.requests[0].company.value == "company");
  CHECK(world.secrets.requests[0].needs_binding);
}

TEST_CASE("ssh_driver: a probe says what it found", "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  auto at = world.server.user() + "@127.0.0.1";
  auto good = world.probe(world.place());
  REQUIRE(good);
  CHECK(good->ok);
  CHECK(good->summary
        == "Connected to " + at + " and verified the remote workspace path.");
  CHECK(text_member(good->details, "remoteCwd") == world.work);
  // A draft spells its key out.
  auto key = json_string(world.server.key());
  CHECK(world
          .probe(
            world.place({{"privateKey", key}, {"privateKeySecretRef", "null"}}))
          ->ok);
  key = json_string(world.server.other_key());
  auto bad = world.probe(
    world.place({{"privateKey", key}, {"privateKeySecretRef", "null"}}));
  REQUIRE(bad);
  CHECK_FALSE(bad->ok);
  CHECK(bad->summary == "SSH probe failed for " + at + ".");
  CHECK(text_member(bad->details, "error")
        == at + ": Permission denied (publickey).");
  CHECK(bad->details.text.find(R"("code":255)") != std::string::npos);
  auto folder
    = world.probe(world.place({{"remoteWorkspacePath", "\"/proc/nowhere\""}}));
  REQUIRE(folder);
  CHECK_FALSE(folder->ok);
  CAPTURE(folder->details.text);
  CHECK(folder->details.text.find(R"("code":1)") != std::string::npos);
}

TEST_CASE("ssh_driver: streams output and returns it with the exit code",
          "[ssh_driver][pb-12.1.16]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  auto what = world.shell("cat; pwd; echo err >&2; exit 9");
  what.spec.stdin_text = "grüße\n";
  auto ended = world.run(what, sink);
  REQUIRE(ended);
  CHECK(ended->exit_code == 9);
  CHECK(ended->signal.empty());
  CHECK(ended->stdout_text == "grüße\n" + world.work + "\n");
  CHECK(ended->stderr_text == "err\n");
  CHECK(sink->out == ended->stdout_text);
  CHECK(sink->err == "err\n");
}

TEST_CASE("ssh_driver: endings are what was observed, ssh's own aside",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  CHECK(world.run(world.shell("exit 255")).value().exit_code == 255);
  CHECK(world.run(world.shell("exit 143")).value().exit_code == 143);
  CHECK(world.run(world.command("frobnicate", {})).value().exit_code == 127);
  auto ended = world.run(world.shell("kill -SEGV $$")).value();
  CHECK_FALSE(ended.exit_code);
  CHECK(ended.signal == "SIGSEGV");
  CHECK(world.run(world.shell("kill -KILL $$")).value().signal == "SIGKILL");
  // A command that goes on in the background ends with the first one.
  CHECK(world.run(world.shell("sleep 1000 & exit 4")).value().exit_code == 4);
}

TEST_CASE("ssh_driver: commands get their environment to the letter",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto what
    = world.shell(R"(printf '%s|' "$A" "$B" "$1" "$2"; )"
                  R"(echo "$LEASEHOLD_LEASE_ID $LEASEHOLD_LEASE_FENCE")");
  what.spec.args.insert(what.spec.args.end(), {"sh", "it's", "a\nb"});
  what.spec.env = {{"A", "q'\"$HOME`id`\\n\n!x"}, {"B", ""}};
  auto ended = world.run(what);
  REQUIRE(ended);
  CHECK(ended->stdout_text
        == "q'\"$HOME`id`\\n\n!x||it's|a\nb|contract-lease 7\n");
  what.spec.env = {{"1X", "1"}};
  CHECK(world.run(what).error().message
        == "Invalid SSH environment variable key: 1X");
  CHECK(world.run(world.command("echo", {std::string{"a\0b", 3}})).error().code
        == ec::invalid_request);
  CHECK(world.run(world.command("", {})).error().code == ec::invalid_request);
  CHECK(
    world.run(world.command("echo", {std::string(200'000, 'x')})).error().code
    == ec::invalid_request);
}

TEST_CASE("ssh_driver: a command runs in its folder, which must be there",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto in = [&](std::string cwd) {
    auto what = world.command("pwd", {});
    what.spec.cwd = std::move(cwd);
    return world.run(what);
  };
  CHECK(in("/usr").value().stdout_text == "/usr\n");
  CHECK(in("..").value().stdout_text == world.home.path().string() + "\n");
  auto missing = in("/nowhere");
  CHECK(missing.error().code == ec::command_not_started);
  CHECK(missing.error().message
        == "The working directory \"/nowhere\" does not exist on the SSH "
           "host.");
}

TEST_CASE("ssh_driver: input of any kind and length arrives whole",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto length = GENERATE(size_t{0}, size_t{1}, size_t{4'096}, size_t{4'097},
                         size_t{3} << 20);
  auto what = world.shell("cksum");
  for (size_t i = 0; i < length; ++i)
    what.spec.stdin_text += static_cast<char>(i * 7 + i / 256);
  auto file = world.home / "expected";
  write_text(file, what.spec.stdin_text);
  auto same = world.shell("cksum <\"$1\"");
  same.spec.args.insert(same.spec.args.end(), {"sh", file});
  CHECK(world.run(what).value().stdout_text
        == world.run(same).value().stdout_text);
}

TEST_CASE("ssh_driver: a command that ignores long input can be cancelled",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  auto what = world.shell("echo on; sleep 1000");
  what.spec.stdin_text = std::string(1'000'000, 'x');
  auto watch = world.start(what, sink);
  REQUIRE(sink->says("on"));
  world.uut->cancel(world.lease(), {"exec-1"});
  CHECK(watch.get().value().cancelled);
}

TEST_CASE("ssh_driver: a cancel ends the whole remote tree", "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  auto watch = world.start(
    world.shell(leave_daemon + "sleep 1000 & echo $!; echo $$; wait"), sink);
  REQUIRE(sink->wait(
    [&] { return std::count(sink->out.begin(), sink->out.end(), '\n') == 3; }));
  world.uut->cancel(world.lease(), {"other"});
  world.uut->cancel(world.lease(), {"exec-1"});
  auto ended = watch.get();
  REQUIRE(ended);
  CHECK(ended->cancelled);
  CHECK_FALSE(ended->exit_code);
  CHECK(ended->signal == "SIGTERM");
  std::istringstream pids{sink->out};
  for (int64_t pid = 0; pids >> pid;)
    CHECK(process_ends(pid));
  CHECK(world.run(world.shell("exit 3")).value().exit_code == 3);
}

TEST_CASE("ssh_driver: a command that takes too long is timed out, and killed "
          "if it must be",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh::command_limits limits;
  limits.term_grace = milliseconds{1'000};
  ssh_world world{limits};
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  auto what = world.shell("trap '' TERM; echo $$; while :; do sleep 1; done");
  // Long enough for the command to have said who it is.
  what.spec.timeout = milliseconds{2'000};
  auto ended = world.run(what, sink);
  REQUIRE(ended);
  CHECK(ended->timed_out);
  CHECK_FALSE(ended->cancelled);
  CHECK_FALSE(ended->exit_code);
  CHECK(ended->signal == "SIGKILL");
  REQUIRE_FALSE(sink->out.empty());
  CHECK(process_ends(std::stoll(sink->out)));
}

TEST_CASE("ssh_driver: a huge output is streamed whole, and bounded in the "
          "result",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh::command_limits limits;
  limits.stdout_max = 1'000;
  ssh_world world{limits};
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  auto ended = world.run(world.shell("yes | head -c 8388608"), sink);
  REQUIRE(ended);
  CHECK(ended->exit_code == 0);
  CHECK(ended->stdout_text.size() < 1'100);
  CHECK(ended->stdout_text.find("\n[leasehold: 8387608 bytes left out]\n")
        != std::string::npos);
  CHECK(sink->bytes == 8'388'608);
}

TEST_CASE("ssh_driver: a sink without room holds the command up and loses "
          "nothing",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh::command_limits limits;
  limits.linger_grace = milliseconds{50};
  ssh_world world{limits};
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  sink->full = true;
  auto watch
    = world.start(world.command("head", {"-c", "8388608", "/dev/zero"}), sink);
  REQUIRE(sink->wait([&] { return sink->waiting != nullptr; }));
  // Other commands go on meanwhile.
  CHECK(world.run(world.command("true", {})));
  sink->make_room();
  CHECK(watch.get().value().exit_code == 0);
  CHECK(sink->bytes == 8'388'608);
}

TEST_CASE("ssh_driver: more commands run at once than a connection takes",
          "[ssh_driver]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  std::vector<answer_watch<command_result>> watches;
  for (auto i = 0; i < 20; ++i)
    watches.push_back(
      world.start(world.shell("sleep 0.2; exit " + std::to_string(i))));
  for (auto i = 0; i < 20; ++i)
    CHECK(watches[static_cast<size_t>(i)].get().value().exit_code == i);
}
