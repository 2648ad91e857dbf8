// The real `leasehold` program, as scripts and people use it.

#include "tests/support/catch.hpp"
#include "tests/support/processes.hpp"

#include <nlohmann/json.hpp>

#include <csignal>

using namespace leasehold;
using namespace leasehold::test;
using nlohmann::json;

namespace {

using words = std::vector<std::string>;

/// What a program said and how it ended.
struct ending {
  int code = -1;
  std::string out;
  std::string err;

  [[nodiscard]] bool says(const std::string& text) const {
    return err.find(text) != std::string::npos;
  }
};

words operator+(words a, const words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A user with a data directory.
struct user {
  /// The command line of the program.
  [[nodiscard]] words command_line(const words& args) const {
    return words{LEASEHOLD_PROGRAM, "--data", data} + args;
  }

  std::shared_ptr<child_process> start(const words& argv, child_watch& watch) {
    launch_spec what;
    what.argv = argv;
    what.env
      = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", dir / "home"}};
    what.cwd = dir.path();
    auto child = world.launcher->start(what, watch.events());
    child->close_stdin();
    return child;
  }

  /// Runs a program to its end.
  ending run(const words& argv) {
    child_watch watch;
    auto child = start(argv, watch);
    ending out{watch.ended().code, {}, {}};
    out.out = watch.out();
    out.err = watch.err();
    return out;
  }

  ending leasehold(const words& args) {
    return run(command_line(args));
  }

  /// What a verb says with `--json`; it must succeed.
  json told(const words& args) {
    auto how = leasehold(words{"--json"} + args);
    CAPTURE(how.err, how.out);
    REQUIRE(how.code == 0);
    return json::parse(how.out);
  }

  /// All leases, latest first.
  json leases() {
    return told({"lease", "list", "--all"})["leases"];
  }

  /// What is on disk of boxes.
  [[nodiscard]] words boxes() const {
    words out;
    for (const auto* room : {"boxes", "new", "trash"}) {
      std::error_code missing;
      auto path = data + "/bubblewrap/" + room;
      for (const auto& x : std::filesystem::directory_iterator{path, missing})
        out.push_back(x.path().filename().string());
    }
    return out;
  }

  temp_dir dir;
  std::string data = dir / "data";
  process_world world;
};

words shell(const std::string& script) {
  return {"--", "sh", "-c", script};
}

/// `run` in a place of this kind.
words run_in(const std::string& kind) {
  if (kind == "local")
    return {"run", "--driver", "local"};
  return {"run", "--provider", "bubblewrap"};
}

} // namespace

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

// -- the other verbs ----------------------------------------------------------

TEST_CASE_METHOD(user, "program: every listing is JSON if asked", "[program]") {
  told({"env", "add", "box", "--provider", "bubblewrap", "--description", "a"});
  CHECK(told({"env", "list"})["environments"][0]["name"] == "box");
  CHECK(told({"env", "show", "box"})["description"] == "a");
  CHECK(told({"plugin", "list"})["plugins"][0]["drivers"][0] == "bubblewrap");
  CHECK(told({"lease", "list"})["leases"].empty());
  CHECK(told({"probe", "box"})["ok"] == true);
  CHECK(told({"version"}).contains("version"));
  CHECK(told({"env", "remove", "box"})["removed"] == "box");
}

TEST_CASE_METHOD(user,
                 "program: a plugin of one's own is added, used and "
                 "removed",
                 "[program]") {
  write_text(dir / "rogue.json",
             R"({"id":"rogue.plugin","apiVersion":1,"version":"1.0.0",
                 "displayName":"Rogue",
                 "capabilities":["environment.drivers.register"],
                 "environmentDrivers":[{"driverKey":"rogue",
                   "kind":"sandbox_provider","displayName":"Rogue"}]})");
  auto added = told({"plugin", "add", "--manifest", dir / "rogue.json",
                     "--config", R"({"region":"eu"})", "--",
                     LEASEHOLD_ROGUE_WORKER, "normal", dir / "rogue"});
  CHECK(added["config"]["region"] == "eu");
  auto how = leasehold({"run", "--provider", "rogue", "--", "echo", "hi"});
  CHECK(how.code == 0);
  CHECK(how.out == "hi\n");
  told({"plugin", "remove", "rogue.plugin"});
  CHECK(leasehold({"run", "--provider", "rogue", "--", "echo"}).code == 125);
}

TEST_CASE_METHOD(user,
                 "program: a plugin in a folder is added, disabled, upgraded "
                 "and shown",
                 "[program]") {
  auto manifest = [&](const std::string& version, const std::string& more) {
    write_text(dir / "boxes/manifest.json",
               R"({"id":"acme.boxes","apiVersion":1,"displayName":"Boxes",
                   "version":")"
                 + version + R"(","entrypoints":{"worker":"worker.js"},
                   "capabilities":["environment.drivers.register")"
                 + more + R"(],"environmentDrivers":[{"driverKey":"boxes",
                   "kind":"sandbox_provider","displayName":"Boxes"}]})");
  };
  std::filesystem::create_directories(dir / "boxes");
  write_text(dir / "boxes/package.json",
             R"({"name":"acme-boxes","paperclipPlugin":{
                 "manifest":"manifest.json"}})");
  write_text(dir / "boxes/worker.js", "");
  manifest("1.0.0", "");
  auto added = told({"plugin", "add", "./boxes"});
  CHECK(added["package_name"] == "acme-boxes");
  CHECK(added["command"] == json{"node", dir / "boxes/worker.js"});
  CHECK(told({"plugin", "drivers", "boxes"})["plugin_key"] == "acme.boxes");
  CHECK(told({"plugin", "disable", "acme.boxes"})["status"] == "disabled");
  auto how = leasehold({"run", "--provider", "boxes", "--", "true"});
  CHECK(how.code == 125);
  CHECK(how.says("but that plugin is currently disabled."));
  CHECK(leasehold({"plugin", "drivers", "boxes"}).code == 1);
  CHECK(told({"plugin", "enable", "acme.boxes"})["status"] == "ready");
  manifest("2.0.0", R"(,"http.outbound")");
  how = leasehold({"plugin", "upgrade", "acme.boxes"});
  CHECK(how.code == 0);
  CHECK(how.out
        == "plugin acme.boxes 1.0.0 is upgrade_pending\n"
           "Version 2.0.0 waits: it also wants http.outbound.\n"
           "Allow it with: leasehold plugin enable acme.boxes\n");
  CHECK(told({"plugin", "enable", "acme.boxes"})["version"] == "2.0.0");
  how = leasehold({"plugin", "show", "acme.boxes"});
  CHECK(how.out.find("http.outbound") != std::string::npos);
  CHECK(leasehold({"plugin", "show", "acme.boxs"})
          .says("Did you mean 'acme.boxes'?"));
  told({"plugin", "remove", "acme.boxes"});
  CHECK(leasehold({"plugin", "add", "./nothing"})
          .says("The plugin package ./nothing cannot be used"));
}

// -- plugin test --------------------------------------------------------------

TEST_CASE_METHOD(user, "program: plugin test gives a verdict per check",
                 "[program]") {
  auto rogue = words{"--", LEASEHOLD_ROGUE_WORKER, "normal", dir / "rogue"};
  auto test = words{"plugin", "test", "--only", "handshake"};
  auto how = leasehold(test + rogue);
  CHECK(how.code == 0);
  CHECK(how.out.starts_with("PASS  handshake         "));
  CHECK(how.out.find("\n1 passed, 0 failed, 0 skipped in ")
        != std::string::npos);
  how = leasehold(test + words{"--only", "health", "--only", "list"} + rogue);
  CHECK(how.code == 1);
  CHECK(how.out.find("\nFAIL  health  ") != std::string::npos);
  CHECK(how.out.find("the status is neither ok nor degraded in {}\n")
        != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(data));
}

TEST_CASE_METHOD(user, "program: plugin test shows the worker's last words",
                 "[program]") {
  auto how = leasehold(words{"plugin", "test", "--only", "launch"}
                       + shell("echo 'no disk' >&2; exit 3"));
  CHECK(how.code == 1);
  CHECK(how.out.find("(exit code 3) before it answered initialize\n")
        != std::string::npos);
  CHECK(how.out.find("standard error:\n  no disk\n") != std::string::npos);
}

TEST_CASE_METHOD(user, "program: plugin test reports as JSON", "[program]") {
  auto report
    = told({"plugin", "test", "--only", "handshake", "--driver-key", "rogue",
            "--", LEASEHOLD_ROGUE_WORKER, "normal", dir / "rogue"});
  CHECK(report["driver_key"] == "rogue");
  CHECK(report["worker"][1] == "normal");
  CHECK(report["passed"] == 1);
  CHECK(report["checks"][0]["id"] == "handshake");
  CHECK(report["checks"][0]["verdict"] == "pass");
  CHECK(told({"plugin", "test", "--list"})["checks"][0]["id"] == "launch");
  CHECK(leasehold({"plugin", "test", "--list"}).out.starts_with("CHECK "));
}

TEST_CASE_METHOD(user, "program: plugin test says what it cannot use",
                 "[program]") {
  auto refused = [this](const words& more, const std::string& text) {
    auto how = leasehold(words{"plugin", "test"} + more);
    CAPTURE(how.err);
    CHECK(how.code == 2);
    CHECK(how.says(text));
  };
  refused({}, "there is no command; it goes after --");
  refused({"--list", "--", "true"}, "--list takes no command");
  refused({"--only", "helth", "--", "true"}, "Did you mean 'health'?");
  refused({"--config", "{", "--", "true"}, "configuration is no JSON object");
  refused({"--manifest", dir / "no.json", "--", "true"}, "no.json");
  refused({"--timeout", "soon", "--", "true"}, "'soon' is no time");
  refused({"--", "no-such-worker"}, "There is no program \"no-such-worker\"");
}

TEST_CASE_METHOD(user, "program: secrets come in by stdin and never out",
                 "[program]") {
  const std::string canary = "canary-4e11-hunter2";
  std::string all;
  auto with_input = [&](const std::string& text, const words& args) {
    write_text(dir / "value", text);
    auto how = run(words{"sh", "-c", R"(exec "$@" < value)", "sh"}
                   + command_line(args));
    std::filesystem::remove(dir / "value");
    all += how.out + how.err;
    return how;
  };
  told({"env", "add", "box", "--driver", "local"});
  auto how = with_input(canary + "\n", {"secret", "put", "api-key"});
  CHECK(how.code == 0);
  CHECK(how.out.starts_with("secret api-key added, id "));
  how = with_input(canary, {"--verbose", "secret", "put", "api-key"});
  CHECK(how.code == 1);
  CHECK(how.says("has a secret named \"api-key\" already."));
  CHECK(with_input("", {"secret", "rotate", "api-key"}).code == 1);
  how = with_input(canary, {"secret", "rotate", "api-kye"});
  CHECK(how.says("Did you mean 'api-key'?"));
  how = with_input(canary + "2", {"secret", "rotate", "api-key", "--json"});
  CHECK(json::parse(how.out)["latest_version"] == 2);
  told({"secret", "bind", "api-key", "--env", "box", "--path", "a"});
  how = leasehold({"secret", "list"});
  CHECK(how.out.find("box:a") != std::string::npos);
  how = leasehold({"secret", "remove", "api-key"});
  CHECK(how.code == 1);
  CHECK(how.says("is bound to environment:"));
  told({"secret", "disable", "api-key"});
  auto listed = told({"secret", "list"});
  CHECK(listed["secrets"][0]["status"] == "disabled");
  all += listed.dump();
  told({"secret", "unbind", "--env", "box", "--path", "a"});
  CHECK(leasehold({"secret", "unbind", "--env", "box", "--path", "a"}).code
        == 1);
  told({"secret", "remove", "api-key"});
  CHECK(told({"secret", "list"})["secrets"].empty());
  CHECK(all.find(canary) == std::string::npos);
  for (const auto& file : std::filesystem::recursive_directory_iterator{data}) {
    CAPTURE(file.path());
    CHECK((!file.is_regular_file()
           || read_text(file.path()).find(canary) == std::string::npos));
  }
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
