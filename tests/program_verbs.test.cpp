// The real `leasehold` program, as scripts and people use it: the verbs that
// set things up and show them.

#include "tests/support/program_user.hpp"

using namespace leasehold;
using namespace leasehold::test;

TEST_CASE_METHOD(user, "program: every listing is JSON if asked", "[program]") {
  told({"env", "add", "box", "--provider", "bubblewrap", "--description", "a"});
  CHECK(told({"env", "list"})["environments"][0]["name"] == "box");
  CHECK(told({"env", "show", "box"})["description"] == "a");
  CHECK(told({"env", "show", "box"})["breaker"].is_null());
  CHECK(told({"env", "reset", "box"})["reset"] == "box");
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
  auto added = add_rogue("normal", {"--config", R"({"region":"eu"})"});
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
