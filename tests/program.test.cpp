// The real `leasehold` program, as scripts and people use it: runs.

#include "tests/support/program_user.hpp"

using namespace leasehold;
using namespace leasehold::test;

// -- run ----------------------------------------------------------------------

TEST_CASE_METHOD(user, "program: run passes output and exit code on",
                 "[program]") {
  auto kind = GENERATE("local", "bubblewrap");
  auto how = leasehold(run_in(kind) + shell("echo out; echo err >&2; exit 3"));
  CHECK(how.code == 3);
  CHECK(how.out == "out\n");
  CHECK(how.says("err\n"));
  CHECK(how.says("acquired in "));
  CHECK(how.says("command ended in "));
  CHECK(how.says("(exit code 3)"));
  CHECK(how.says("released in "));
  CHECK(boxes().empty());
  CHECK(leases()[0]["status"] == "failed");
}

TEST_CASE_METHOD(user, "program: run tells signals and time-outs apart",
                 "[program]") {
  auto kind = GENERATE("local", "bubblewrap");
  CHECK(leasehold(run_in(kind) + shell("kill -TERM $$")).code == 143);
  CHECK(
    leasehold(run_in(kind) + words{"--timeout", "200ms"} + shell("sleep 1000"))
      .code
    == 124);
  CHECK(leasehold(run_in(kind) + words{"--quiet"} + shell("true")).err.empty());
}

TEST_CASE_METHOD(user, "program: run --json ends with a report", "[program]") {
  auto how = leasehold(run_in("bubblewrap") + words{"--json"}
                       + shell("echo out; exit 4"));
  CHECK(how.code == 4);
  CHECK(how.out == "out\n");
  auto report = json::parse(how.err);
  CHECK(report["exit_code"] == 4);
  CHECK(report["command"]["exit_code"] == 4);
  CHECK(report["lease"]["origin"] == "fresh");
  CHECK(report["ended"]["status"] == "failed");
  CHECK(report["error"] == nullptr);
  CHECK(report["phases"].size() == 3);
}

TEST_CASE_METHOD(user, "program: run builds a real project", "[program]") {
  auto kind = GENERATE("local", "bubblewrap");
  std::filesystem::copy(LEASEHOLD_EXAMPLES "/hello", dir / "hello");
  std::filesystem::remove(dir / "hello/hello");
  auto how = leasehold(run_in(kind) + words{"--workspace", dir / "hello", "--"}
                       + words{"make"});
  CAPTURE(how.out, how.err);
  CHECK(how.code == 0);
  CHECK(how.says("workspace realized in "));
  // In the sandbox it is a copy that was built.
  CHECK(std::filesystem::exists(dir / "hello/hello")
        == (kind == std::string{"local"}));
}

TEST_CASE_METHOD(user, "program: a sandbox hides the host", "[program]") {
  std::filesystem::create_directory(dir / "home");
  write_text(dir / "home/secret", "secret");
  auto how = leasehold(run_in("bubblewrap")
                       + shell("cat " + dir / "home/secret"
                               + "; uname -n; "
                                 "tail -n +3 /proc/net/dev"));
  CHECK(how.out.find("secret") == std::string::npos);
  CHECK(how.out.starts_with("box-"));
  CHECK(how.out.find("eth") == std::string::npos);
}

TEST_CASE_METHOD(user,
                 "program: Ctrl-C cancels the command and releases the "
                 "lease as expired",
                 "[program]") {
  auto kind = GENERATE("local", "bubblewrap");
  auto mark = dir / "mark";
  child_watch watch;
  auto child = start(
    command_line(run_in(kind)
                 + words{"--", "sh", "-c", "echo up; sleep 1000 & wait", mark}),
    watch);
  REQUIRE(watch.says("up"));
  ::kill(static_cast<pid_t>(watch.pid()), SIGINT);
  CHECK(watch.ended().code == 130);
  CHECK(watch.err().find("released in ") != std::string::npos);
  CHECK(leases()[0]["status"] == "expired");
  CHECK(boxes().empty());
  CHECK(eventually([&] { return processes_with(mark).empty(); }));
}

TEST_CASE_METHOD(user,
                 "program: what a killed run leaves, the next command "
                 "cleans up",
                 "[program]") {
  auto kind = GENERATE("local", "bubblewrap");
  auto mark = dir / "mark";
  child_watch watch;
  auto child = start(
    command_line(run_in(kind)
                 + words{"--", "sh", "-c", "echo up; sleep 1000 & wait", mark}),
    watch);
  REQUIRE(watch.says("up"));
  ::kill(static_cast<pid_t>(watch.pid()), SIGKILL);
  CHECK(watch.ended().signal == SIGKILL);
  CHECK(eventually([&] { return processes_with(mark).empty(); }));
  CHECK(eventually([&] { return processes_with(data).empty(); }));
  auto lease = leases()[0];
  CHECK(lease["status"] == "failed");
  CHECK(lease["failure_reason"] == "engine_restart");
  CHECK(lease["cleanup"] == "success");
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(user, "program: a run whose reader leaves ends", "[program]") {
  // The first line is read, and then nobody reads any more.
  auto line = std::string{LEASEHOLD_PROGRAM " --data "} + data
              + " run -- yes | head -1; echo ${PIPESTATUS[0]}";
  auto how = run({"bash", "-c", line});
  CHECK(how.out == "y\n141\n");
  CHECK(leases()[0]["status"] == "expired");
}

TEST_CASE_METHOD(user,
                 "program: a worker that is killed costs its command and "
                 "nothing else",
                 "[program]") {
  child_watch watch;
  auto child = start(
    command_line(run_in("bubblewrap") + shell("echo up; sleep 1000")), watch);
  REQUIRE(watch.says("up"));
  for (const auto& x : processes_with("--state"))
    if (x.words.find(data) != std::string::npos && x.parent == watch.pid())
      ::kill(static_cast<pid_t>(x.pid), SIGKILL);
  CHECK(watch.ended().code == 125);
  CHECK(watch.err().find("nobody saw how it ended") != std::string::npos);
  CHECK(leases()[0]["status"] == "failed");
  CHECK(leases()[0]["cleanup"] == "success");
  CHECK(boxes().empty());
}

// -- leases that stay ---------------------------------------------------------

TEST_CASE_METHOD(user, "program: a kept sandbox stays until it is destroyed",
                 "[program]") {
  auto how = leasehold(run_in("bubblewrap") + words{"--keep"}
                       + shell("echo evidence > note"));
  CHECK(how.says("kept for you"));
  REQUIRE(boxes().size() == 1);
  auto lease = leases()[0];
  CHECK(lease["status"] == "retained");
  auto note = data + "/bubblewrap/boxes/" + boxes()[0] + "/workspace/note";
  CHECK(read_text(note) == "evidence\n");
  auto id = lease["id"].get<std::string>();
  auto gone = told({"lease", "destroy", id.substr(0, 8)});
  CHECK(gone["cleanup_owed"] == false);
  CHECK(boxes().empty());
  auto shown = told({"lease", "show", id});
  CHECK(shown["lease"]["cleanup"] == "success");
  CHECK(shown["history"].size() >= 4);
}

TEST_CASE_METHOD(user, "program: a command runs in what was kept",
                 "[program]") {
  leasehold(run_in("bubblewrap") + words{"--keep"}
            + shell("echo evidence > note"));
  auto id = leases()[0]["id"].get<std::string>().substr(0, 8);
  auto how = leasehold(words{"lease", "resume", id} + shell("cat note"));
  CHECK(how.code == 0);
  CHECK(how.out == "evidence\n");
  CHECK(boxes().empty());
  auto gone = leasehold(words{"lease", "resume", id} + shell("cat note"));
  CHECK(gone.code == 125);
  CHECK(gone.says("left nothing to resume"));
}

TEST_CASE_METHOD(user,
                 "program: a reusable environment is resumed, or replaced "
                 "if somebody removed it",
                 "[program]") {
  told({"env", "add", "box", "--provider", "bubblewrap", "--set",
        "reuseLease=true"});
  auto in_box = words{"run", "--env", "box"};
  auto first = leasehold(in_box + shell("echo kept > note"));
  CHECK(first.says("fresh)"));
  CHECK(first.says("parked)"));
  auto second = leasehold(in_box + shell("cat note"));
  CHECK(second.out == "kept\n");
  CHECK(second.says("resumed)"));
  REQUIRE(boxes().size() == 1);
  std::filesystem::remove_all(data + "/bubblewrap/boxes/" + boxes()[0]);
  auto third = leasehold(in_box + shell("cat note"));
  CHECK(third.code == 1);
  CHECK(third.says("replacement: "));
  CHECK(third.says(" is gone)"));
}

// -- what people get wrong ----------------------------------------------------

TEST_CASE_METHOD(user, "program: an unknown name is answered with the nearest",
                 "[program]") {
  told({"env", "add", "build-box", "--provider", "bubblewrap"});
  auto how = leasehold(words{"run", "--env", "bild-box"} + shell("true"));
  CHECK(how.code == 125);
  CHECK(how.says("\"bild-box\""));
  CHECK(how.says("Did you mean 'build-box'?"));
  how = leasehold(words{"run", "--provider", "bublewrap"} + shell("true"));
  CHECK(how.code == 125);
  CHECK(how.says("Sandbox provider \"bublewrap\" is not registered"));
  CHECK(how.says("Did you mean 'bubblewrap'?"));
  how = leasehold(words{"run", "--driver", "locl"} + shell("true"));
  CHECK(how.says("Did you mean 'local'?"));
  CHECK(leasehold({"probe", "build-bx"}).says("Did you mean 'build-box'?"));
  CHECK(leasehold({"env", "remove", "build-bx"}).code == 1);
  CHECK(leasehold({"plugin", "remove", "leasehold.bublewrap"})
          .says("Did you mean 'leasehold.bubblewrap'?"));
  CHECK(leasehold({"lease", "show", "nothing"}).code == 1);
  CHECK(leasehold({"rnu"}).code == 2);
}

TEST_CASE_METHOD(user, "program: a bad config is told with path and reason",
                 "[program]") {
  auto add = words{"env", "add", "box", "--provider", "bubblewrap"};
  auto how = leasehold(add + words{"--set", "network=maybe"});
  CHECK(how.code == 1);
  CHECK(how.says("network: "));
  how = leasehold(add + words{"--config", "{\"network\":"});
  CHECK(how.code == 1);
  CHECK(how.says("JSON"));
  how = leasehold(add + words{"--set", "colour=red", "--json"});
  CHECK(how.code == 1);
  auto error = json::parse(how.out)["error"];
  CHECK(error["code"] == "invalid_config");
  CHECK(error["message"].get<std::string>().find("colour")
        != std::string::npos);
  CHECK(told({"env", "list"})["environments"].empty());
}

TEST_CASE_METHOD(user, "program: a command that is not there is told",
                 "[program]") {
  auto how = leasehold({"run", "--", "no-such-thing"});
  CHECK(how.code == 125);
  CHECK(how.says("Command \"no-such-thing\" was not found in PATH."));
  CHECK(leases()[0]["status"] == "failed");
  CHECK(
    leasehold({"run", "--provider", "bubblewrap", "--", "no-such-thing"}).code
    == 127);
}

TEST_CASE_METHOD(user, "program: a data directory that cannot be used is told",
                 "[program]") {
  SECTION("a file") {
    write_text(data, "a file");
    auto how = leasehold({"env", "list"});
    CHECK(how.code == 1);
    CHECK(how.says("The data directory " + data
                   + " cannot be used: it is not a directory."));
  }
  SECTION("below a file") {
    write_text(data, "a file");
    data += "/below";
    auto how = leasehold(words{"run"} + shell("true"));
    CHECK(how.code == 125);
    CHECK(how.says("The data directory " + data + " cannot be used: "));
  }
  SECTION("read-only") {
    told({"env", "list"});
    auto how = run(
      words{"bwrap", "--dev-bind", "/", "/", "--ro-bind", data, data, "--"}
      + command_line({"env", "list"}));
    CHECK(how.code == 1);
    CHECK(how.says("Read-only file system"));
  }
  SECTION("somebody else's database") {
    told({"env", "list"});
    write_text(data + "/leasehold.db", std::string(8192, 'x'));
    auto how = leasehold({"env", "list"});
    CHECK(how.code == 1);
    CHECK(how.says("it is not a SQLite database."));
  }
}

TEST_CASE_METHOD(user,
                 "program: a workspace that is not there is told before "
                 "anything is leased",
                 "[program]") {
  auto how = leasehold(run_in("bubblewrap")
                       + words{"--workspace", dir / "missing"} + shell("true"));
  CHECK(how.code == 125);
  CHECK(how.says("The workspace " + dir / "missing" + " cannot be used"));
  CHECK(leases().empty());
}

TEST_CASE_METHOD(user, "program: many runs share a data directory",
                 "[program]") {
  std::vector<std::unique_ptr<child_watch>> watches;
  std::vector<std::shared_ptr<child_process>> children;
  for (auto i = 0; i < 6; ++i) {
    watches.push_back(std::make_unique<child_watch>());
    auto what = run_in(i % 2 == 0 ? "local" : "bubblewrap");
    children.push_back(
      start(command_line(what + shell("exit " + std::to_string(i))),
            *watches.back()));
  }
  for (auto i = 0; i < 6; ++i) {
    CAPTURE(watches[static_cast<size_t>(i)]->err());
    CHECK(watches[static_cast<size_t>(i)]->ended().code == i);
  }
  CHECK(leases().size() == 6);
  CHECK(boxes().empty());
}
