// What the engine says to what it cannot do: one clear failure, nothing lost,
// nothing left running.

#include "tests/support/child_watch.hpp"
#include "tests/support/engine_host.hpp"

#include <fcntl.h>
#include <sqlite3.h>

#include <cstdlib>

using namespace leasehold;
using namespace leasehold::test;

namespace {

struct strict : engine_host {
  strict() {
    start();
  }

  std::string place(const std::string& kind) {
    return kind == "local" ? add_local() : add_bubblewrap();
  }

  failure acquire_fails(const std::string& environment) {
    acquire_request what;
    what.environment = environment;
    return failure_of(running->acquire(what));
  }

  failure put_fails(const std::string& driver, const std::string& config,
                    const std::string& status = "active") {
    environment_info what;
    what.name = "box";
    what.driver = driver;
    what.config = config;
    what.status = status;
    return failure_of(running->put_environment(what));
  }

  failure plugin_fails(const std::string& manifest,
                       std::vector<std::string> words = {"/bin/true"}) {
    plugin_info what;
    what.manifest = manifest;
    what.command = std::move(words);
    return failure_of(running->put_plugin(what));
  }
};

/// A store that may be anything, and what opening it says.
struct odd_store {
  temp_dir dir;
  std::string path = dir / "leasehold.db";

  failure open() {
    options opts;
    opts.store = path;
    auto opened = engine::open(opts);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ec::store_unusable);
    return opened.error();
  }

  std::string says(const std::string& why) {
    return "Store \"" + path + "\": " + why;
  }

  /// Runs the victim where this directory is as `how` says.
  std::string victim(const std::vector<std::string>& how,
                     const std::vector<std::string>& words) {
    process_world world;
    child_watch watch;
    std::vector<std::string> argv{"bwrap", "--dev-bind", "/", "/"};
    argv.insert(argv.end(), how.begin(), how.end());
    argv.insert(argv.end(), {"--", LEASEHOLD_ENGINE_VICTIM});
    argv.insert(argv.end(), words.begin(), words.end());
    auto child = world.start(argv, watch);
    watch.ended();
    return watch.out() + watch.err();
  }
};

} // namespace

// -- names --------------------------------------------------------------------

TEST_CASE_METHOD(strict, "engine: an unknown name is named", "[engine]") {
  auto why = acquire_fails("nowhere");
  CHECK(why.code == ec::unknown_environment);
  CHECK(why.message.find("\"nowhere\"") != std::string::npos);
  CHECK(failure_of(running->probe("nowhere")).code == ec::unknown_environment);
  CHECK(failure_of(running->remove_environment("nowhere")).code
        == ec::unknown_environment);
  lease_filter filter;
  filter.environment = "nowhere";
  CHECK(failure_of(running->leases(filter)).code == ec::unknown_environment);
  CHECK(failure_of(running->find_lease("nothing")).code == ec::unknown_lease);
  lease unknown{.id = "nothing"};
  CHECK(failure_of(running->release(unknown)).code == ec::unknown_lease);
  CHECK(failure_of(running->destroy(unknown)).code == ec::unknown_lease);
  CHECK(failure_of(running->execute(unknown, shell("true"))).code
        == ec::unknown_lease);
  CHECK(failure_of(running->remove_plugin("ghost")).code == ec::unknown_plugin);
}

TEST_CASE_METHOD(strict,
                 "engine: an unknown driver is answered with the known "
                 "ones",
                 "[engine]") {
  auto why = put_fails("teleport", "{}");
  CHECK(why.code == ec::unknown_driver);
  CHECK(why.message == "Unsupported environment driver \"teleport\".");
  CHECK(why.detail == "There are: local, plugin, sandbox, ssh.");
}

TEST_CASE_METHOD(strict,
                 "engine: an unknown provider is told in Paperclip's "
                 "words",
                 "[engine]") {
  auto why = put_fails("sandbox", R"({"provider":"atlantis"})");
  CHECK(why.code == ec::unknown_provider);
  CHECK(
    why.message
    == "Sandbox provider \"atlantis\" is not installed or its plugin worker "
       "is not running.");
  CHECK(why.detail
        == "Sandbox provider \"atlantis\" is not registered as a built-in "
           "provider and no matching plugin is available.");
  CHECK(put_fails("sandbox", R"({"provider":"fake"})").message
        == "Built-in fake sandbox environments are reserved for internal "
           "probes and cannot be saved.");
}

TEST_CASE_METHOD(strict,
                 "engine: an environment that is archived or gone takes "
                 "no leases",
                 "[engine]") {
  environment_info here;
  here.name = "here";
  here.driver = "local";
  here.status = "archived";
  value_of(running->put_environment(here));
  CHECK(acquire_fails("here").code == ec::environment_inactive);
  CHECK(put_fails("local", "{}", "sleeping").message
        == "An environment is `active` or `archived`, not `sleeping`.");
  here.status = "active";
  value_of(running->put_environment(here));
  auto lease = acquire("here");
  auto why = failure_of(running->remove_environment("here"));
  CHECK(why.code == ec::in_use);
  value_of(running->release(lease));
  value_of(running->remove_environment("here"));
  CHECK(acquire_fails("here").code == ec::unknown_environment);
}

// -- configs ------------------------------------------------------------------

TEST_CASE_METHOD(strict, "engine: a config that is no JSON object is refused",
                 "[engine]") {
  auto config = GENERATE("", "{", "[]", "\"text\"", "{\"a\":}", "\xff");
  auto why = put_fails("local", config);
  CHECK(why.code == ec::invalid_config);
  CHECK(why.message.find("The environment's config") == 0);
}

TEST_CASE_METHOD(strict,
                 "engine: a config that does not fit says where and why",
                 "[engine]") {
  add_bubblewrap();
  auto refused = [this](const std::string& more) {
    auto why
      = put_fails("sandbox", R"({"provider":"bubblewrap",)" + more + "}");
    CHECK(why.code == ec::invalid_config);
    return why.message;
  };
  CHECK(refused(R"("network":"yes")").starts_with("network: "));
  CHECK(
    refused(R"("readOnlyPaths":["/usr",7])").starts_with("readOnlyPaths.1: "));
  CHECK(refused(R"("env":{"A":1})").starts_with("env.A: "));
  CHECK(refused(R"("colour":"red")").find("colour") != std::string::npos);
  CHECK(refused(R"("timeoutMs":0)")
        == "timeoutMs must be between 1 and 86400000.");
  CHECK(refused(R"("reuseLease":1)") == "reuseLease must be true or false.");
  CHECK(refused(R"("onResumeFailure":"cry")")
        == "onResumeFailure must be \"acquire\" or \"preserve\".");
  // The last good config is still there.
  CHECK(value_of(running->find_environment("box")).config.find("\"provider\"")
        != std::string::npos);
}

TEST_CASE_METHOD(strict, "engine: a config is stored with its defaults",
                 "[engine]") {
  add_bubblewrap(R"(,"network":true)");
  auto config = value_of(running->find_environment("box")).config;
  CHECK(config.find(R"("network":true)") != std::string::npos);
  CHECK(config.find(R"("workspaceMode":"copy")") != std::string::npos);
  CHECK(config.find(R"("provider":"bubblewrap")") != std::string::npos);
}

TEST_CASE_METHOD(strict, "engine: a manifest that makes no sense is refused",
                 "[engine]") {
  CHECK(plugin_fails("{").message.find("The plugin's manifest") == 0);
  CHECK(plugin_fails("{}").message.find("Plugin manifest: id must") == 0);
  CHECK(plugin_fails(R"({"id":"a.b"})").message
        == "Plugin manifest: apiVersion must be 1.");
  CHECK(plugin_fails(manifest_of("ok"), {}).message
        == "Plugin \"ok.plugin\" needs the command that starts its worker.");
  auto broken_schema = manifest_of("odd", R"({"type":7})");
  plugin_info what;
  what.manifest = broken_schema;
  what.command = {LEASEHOLD_ROGUE_WORKER, "normal", dir / "rogue"};
  value_of(running->put_plugin(what));
  CHECK(put_fails("sandbox", R"({"provider":"odd"})").message
        == "The plugin's configSchema cannot be used.");
}

// -- commands -----------------------------------------------------------------

TEST_CASE_METHOD(strict, "engine: a command that is not there is named",
                 "[engine]") {
  auto lease = acquire(place("local"));
  auto why = failure_of(running->execute(lease, {.command = "no-such-thing"}));
  CHECK(why.code == ec::command_not_started);
  CHECK(why.message == "Command \"no-such-thing\" was not found in PATH.");
  CHECK(failure_of(running->execute(lease, {.command = ""})).code
        == ec::invalid_request);
  auto nowhere = shell("true");
  nowhere.cwd = "/no/such/folder";
  why = failure_of(running->execute(lease, nowhere));
  CHECK(why.code == ec::command_not_started);
  CHECK(why.message.find("/no/such/folder") != std::string::npos);
  workspace missing{.local_path = dir / "missing"};
  CHECK(
    failure_of(running->realize(lease, missing)).message.find(dir / "missing")
    != std::string::npos);
}

TEST_CASE_METHOD(strict, "engine: a command that is not there is 127 in a box",
                 "[engine]") {
  auto lease = acquire(place("bubblewrap"));
  auto done = execute(lease, {.command = "no-such-thing"});
  CHECK(done.exit_code == 127);
  CHECK(done.stderr_text.find("no-such-thing") != std::string::npos);
}

TEST_CASE_METHOD(strict, "engine: daemons end with their command", "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  auto mark = "daemon-of-" + lease.id;
  auto what = shell(leave_daemon);
  what.args[1] = "(setsid sh -c 'trap \"\" TERM HUP; echo up >&3; while :; do "
                 "sleep 1000; done' "
                 + mark + " 3>&1 </dev/null >/dev/null 2>&1 &) | head -1";
  auto done = execute(lease, what);
  CHECK(done.exit_code == 0);
  CHECK(done.stdout_text == "up\n");
  CHECK(eventually([&] { return processes_with(mark).empty(); }));
}

TEST_CASE_METHOD(strict,
                 "engine: a gibibyte of output is streamed, and kept in "
                 "part",
                 "[engine]") {
  auto lease = acquire(place("local"));
  size_t bytes = 0;
  auto done = value_of(
    running->execute(lease, shell("yes 'a line of text' | head -c 1073741824"),
                     [&](const output& piece) { bytes += piece.text.size(); }));
  CHECK(done.exit_code == 0);
  CHECK(bytes == 1'073'741'824);
  CHECK(done.stdout_text.size() > 1'000);
  CHECK(done.stdout_text.size() < 64u << 20);
  CHECK(done.stdout_text.find("a line of text") == 0);
}

TEST_CASE_METHOD(strict,
                 "engine: much output of a box is streamed, and kept in "
                 "part",
                 "[engine]") {
  auto lease = acquire(place("bubblewrap"));
  size_t bytes = 0;
  auto done = value_of(
    running->execute(lease, shell("yes 'a line of text' | head -c 2500000"),
                     [&](const output& piece) { bytes += piece.text.size(); }));
  CHECK(done.exit_code == 0);
  CHECK(bytes > 1'000'000);
  CHECK(done.stdout_text.size() > 1'000);
  CHECK(done.stdout_text.size() < 2u << 20);
}

TEST_CASE_METHOD(strict,
                 "engine: a command that closes its input gets no more "
                 "of it",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  auto what = shell("exec <&-; echo closed");
  what.stdin_text = std::string(4u << 20, 'x');
  auto done = execute(lease, what);
  CHECK(done.exit_code == 0);
  CHECK(done.stdout_text == "closed\n");
}

TEST_CASE_METHOD(strict, "engine: what is no text does not break anything",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  auto done = execute(lease, shell("printf '\\377\\376ok\\000'"));
  CHECK(done.exit_code == 0);
  CHECK(done.stdout_text.find("ok") != std::string::npos);
  command what{.command = "sh", .args = {std::string{"-c\0true", 7}}};
  CHECK_FALSE(outcome_of(running->execute(lease, what)));
}

// -- stores -------------------------------------------------------------------

TEST_CASE_METHOD(odd_store, "engine: a store in no directory is refused",
                 "[engine]") {
  path = dir / "missing/leasehold.db";
  CHECK(open().message
        == says("the directory \"" + dir / "missing"
                + "\" does not exist. Create it or choose another data "
                  "directory."));
}

TEST_CASE_METHOD(odd_store, "engine: a file that is no database is refused",
                 "[engine]") {
  write_text(path, std::string(4096, 'x'));
  CHECK(open().message
        == says("it is not a SQLite database. Choose another file."));
  CHECK(read_text(path) == std::string(4096, 'x'));
  path = dir.path().string();
  CHECK(open().message.find("it cannot be opened") != std::string::npos);
}

TEST_CASE_METHOD(odd_store, "engine: a store of a newer leasehold is refused",
                 "[engine]") {
  { engine first{{.store = path}}; }
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  REQUIRE(
    sqlite3_exec(db, "PRAGMA user_version = 99", nullptr, nullptr, nullptr)
    == SQLITE_OK);
  sqlite3_close(db);
  CHECK(open().message.find("its schema has version 99, and this leasehold "
                            "knows versions up to ")
        != std::string::npos);
  CHECK_THROWS_AS(engine{options{.store = path}}, bad_result);
}

TEST_CASE_METHOD(odd_store,
                 "engine: a store's URL that makes no sense is not "
                 "repeated",
                 "[engine]") {
  path = "postgres://me:hunter2%zz@here/leases";
  CHECK(open().message.find("hunter2") == std::string::npos);
}

TEST_CASE_METHOD(odd_store, "engine: a store that cannot be written is refused",
                 "[engine]") {
  { engine first{{.store = path}}; }
  auto words = victim({"--ro-bind", dir.path(), dir.path()}, {"open", path});
  CHECK(words.find("store_unusable: "
                   + says("it is read-only. Give this user "
                          "the right to write"))
        == 0);
}

TEST_CASE_METHOD(odd_store,
                 "engine: a full disk is told, and forgotten once "
                 "there is room",
                 "[engine]") {
  // A file system of 2 MiB, one of which can be given back.
  auto room = dir / "room";
  std::filesystem::create_directory(room);
  write_text(dir / "ballast", std::string(1u << 20, 'x'));
  process_world world;
  child_watch watch;
  auto script = "cp " + dir / "ballast" + " " + room
                + "/ballast && exec " LEASEHOLD_ENGINE_VICTIM " fill " + room
                + "/leasehold.db " + room + "/ballast";
  auto child
    = world.start({"bwrap", "--dev-bind", "/", "/", "--size", "2097152",
                   "--tmpfs", room, "--", "sh", "-c", script},
                  watch);
  auto ended = watch.ended();
  CAPTURE(watch.err());
  CHECK(ended.code == 0);
  CHECK(watch.out()
        == "store_unavailable: Store \"" + room
             + "/leasehold.db\": the disk is full. Free some space; everything "
               "confirmed so far is safe.\nworks again\n");
}
