// One canary on every path that a secret can take: through each driver, into a
// plugin, into a worker that repeats it wherever it can. Then a look everywhere
// where it must not be.

#include "messages/json.hpp"
#include "tests/support/engine_host.hpp"
#include "tests/support/ssh_server.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <iostream>

using namespace leasehold;
using namespace leasehold::test;

namespace fs = std::filesystem;

namespace {

/// Nobody else on this host has it.
std::string canary(const std::string& path) {
  return "canary-" + std::to_string(::getpid()) + "-" + path;
}

constexpr const char* manifest = R"({"id":"cages","apiVersion":1,
"version":"1.0.0","displayName":"Cages","capabilities":
["environment.drivers.register","secrets.read-ref","metrics.write"],
"environmentDrivers":[
{"driverKey":"cage","kind":"sandbox_provider","displayName":"Cage",
"configSchema":{"type":"object","properties":
{"apiKey":{"type":"string","format":"secret-ref"}}}},
{"driverKey":"aviary","kind":"environment_driver","displayName":"Aviary",
"configSchema":{"type":"object","properties":{"auth":{"type":"object",
"properties":{"token":{"type":"string","format":"secret-ref"}}}}}}]})";

/// Every text of every row of every table of a database.
std::vector<std::string> dump(const std::string& path) {
  std::vector<std::string> out;
  sqlite3* db = nullptr;
  REQUIRE(::sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  auto take = [](void* to, int count, char** values, char**) {
    for (auto i = 0; i < count; ++i)
      static_cast<std::vector<std::string>*>(to)->emplace_back(
        values[i] ? values[i] : "");
    return 0;
  };
  std::vector<std::string> tables;
  ::sqlite3_exec(db, "SELECT name FROM sqlite_schema WHERE type = 'table'",
                 take, &tables, nullptr);
  CHECK(tables.size() > 5);
  for (const auto& table : tables)
    CHECK(::sqlite3_exec(db, ("SELECT * FROM " + table).c_str(), take, &out,
                         nullptr)
          == SQLITE_OK);
  ::sqlite3_close(db);
  return out;
}

/// An engine that is told canaries, and all that it has said.
struct birdcage : engine_host {
  birdcage() {
    opts.worker_ready_grace = patience;
    opts.worker_initialize_timeout = patience;
    opts.worker_call_timeout = patience;
    opts.worker_health_interval = patience;
    start();
    REQUIRE(::mkfifo(gate().c_str(), 0600) == 0);
  }

  // -- what there is ----------------------------------------------------------

  [[nodiscard]] std::string gate() const {
    return dir / "gate";
  }

  /// A secret that must be nowhere. Of one with several lines, no line.
  std::string keep(const std::string& value) {
    std::istringstream lines{value};
    for (std::string line; std::getline(lines, line);)
      if (line.find("-----") == std::string::npos)
        canaries.push_back(line);
    return value;
  }

  /// The plugin, and its own secret.
  void add_cages() {
    auto token = keep(canary("token-1") + "\n" + canary("token-2"));
    auto made = value_of(running->put_secret({"token", token}));
    plugin_info what;
    what.manifest = manifest;
    what.command = {LEASEHOLD_PYTHON, LEASEHOLD_CANARY_WORKER, gate()};
    what.config
      = R"({"token":{"type":"secret_ref","secretId":")" + made.id + "\"}}";
    hear(value_of(running->put_plugin(what)).config);
    value_of(running->bind_secret({"token", {}, "cages", "token"}));
  }

  /// A sandbox whose config spells a canary out.
  environment_info cage(const std::string& throws) {
    environment_info out;
    out.name = "cage-" + throws;
    out.driver = "sandbox";
    out.config = R"({"provider":"cage","reuseLease":true,"apiKey":)"
                 + json_string(keep(canary("key-" + throws))) + R"(,"throws":")"
                 + throws + "\"}";
    return out;
  }

  /// The same for an environment that a plugin's driver makes.
  environment_info aviary(const std::string& throws) {
    environment_info out;
    out.name = "aviary-" + throws;
    out.driver = "plugin";
    out.config = R"({"pluginKey":"cages","driverKey":"aviary","driverConfig":)"
                 R"({"auth":{"token":)"
                 + json_string(keep(canary("vm-" + throws))) + R"(},"throws":")"
                 + throws + "\"}}";
    return out;
  }

  environment_info host_of(const ssh_server& server) {
    environment_info out;
    out.name = "host";
    out.driver = "ssh";
    out.config = R"({"host":"127.0.0.1","port":)"
                 + std::to_string(server.port()) + R"(,"username":)"
                 + json_string(server.user()) + R"(,"remoteWorkspacePath":)"
                 + json_string(dir / "remote") + R"(,"privateKey":)"
                 + json_string(keep(server.key())) + R"(,"knownHosts":)"
                 + json_string(server.known_hosts()) + "}";
    return out;
  }

  // -- what it says -----------------------------------------------------------

  void hear(const std::string& text) {
    heard.push_back(text);
  }

  void hear(const failure& x) {
    hear(x.message + "\n" + x.detail);
  }

  /// Hears an outcome; says whether it is a success.
  template <class T, class Tell>
  bool hear(const result<T>& x, Tell tell) {
    if (x)
      tell(*x);
    else
      hear(x.error());
    return x.has_value();
  }

  bool save(const environment_info& what) {
    return hear(outcome_of(running->put_environment(what)),
                [this](const environment_info& x) { hear(x.config); });
  }

  void probe(const std::string& name) {
    hear(outcome_of(running->probe(name)),
         [this](const probe_result& x) { hear(x.summary + x.details); });
  }

  std::optional<lease> take(const std::string& name) {
    auto x = outcome_of(running->acquire({.environment = name, .run = name}));
    hear(x, [this](const lease& granted) { hear(granted.metadata); });
    return x ? std::optional{*x} : std::nullopt;
  }

  void realize(const lease& which) {
    hear(outcome_of(running->realize(which, {})),
         [this](const realized_workspace& x) { hear(x.cwd + x.metadata); });
  }

  bool run(const lease& which, const command& what) {
    return hear(outcome_of(running->execute(which, what)),
                [this](const finished& x) {
                  hear(x.metadata + x.signal + x.stdout_text + x.stderr_text);
                });
  }

  void end(const lease& which, bool destroys) {
    auto x = outcome_of(destroys ? running->destroy(which)
                                 : running->release(which));
    hear(x, [this](const ended_lease& how) {
      hear(how.cleanup_error + how.failure_reason);
    });
  }

  /// What the engine knows of the past.
  void read_records() {
    for (const auto& x : value_of(running->leases({.limit = 1'000}))) {
      hear(x.resource + x.failure_reason + x.metadata);
      for (const auto& line : value_of(running->history(x.id)))
        hear(line.from + line.to + line.note);
    }
    for (const auto& x : value_of(running->environments()))
      hear(x.config + x.description);
    for (const auto& x : value_of(running->plugins()))
      hear(x.config + x.last_error + x.manifest);
    for (const auto& x : value_of(running->secrets()))
      hear(x.name + x.description);
  }

  // -- where it must not be ---------------------------------------------------

  /// What must be nowhere, if the text has it.
  [[nodiscard]] std::string found_in(const std::string& text) const {
    for (const auto& value : canaries)
      if (text.find(value) != std::string::npos)
        return value;
    return {};
  }

  void check(const std::string& where, const std::string& text) const {
    auto found = found_in(text);
    if (found.empty())
      return;
    CAPTURE(where, text.substr(0, 500));
    CHECK(found == "");
  }

  /// Of all that runs on this host, but for us.
  void check_processes() const {
    size_t seen = 0;
    for (const auto& x : processes()) {
      if (x.pid == ::getpid())
        continue;
      auto place = "/proc/" + std::to_string(x.pid);
      check("argv of " + x.words, read_text(place + "/cmdline"));
      check("environment of " + x.words, read_text(place + "/environ"));
      ++seen;
    }
    CHECK(seen > 0);
  }

  void check_store() const {
    for (const auto& text : dump(dir / "leasehold.db"))
      check("a row", text);
    for (const auto& entry : fs::directory_iterator{dir.path()})
      if (entry.is_regular_file())
        check(entry.path().string(), read_text(entry.path()));
  }

  void check_words() const {
    for (const auto& line : log.all())
      check("the log", line);
    for (const auto& x : events.all())
      check("an event", x.subject + x.from + x.to + x.note);
    for (const auto& text : heard)
      check("an answer", text);
    CHECK(heard.size() > 5);
  }

  /// While a command waits for the pipe, `look` looks.
  template <class Look>
  void hold(const lease& which, const command& what, const std::string& sign,
            Look look) {
    output_notes said;
    auto running_command = running->execute(which, what, said.callback());
    if (!sign.empty())
      REQUIRE(said.says(sign));
    // Opening it waits until the command, or the worker, reads it.
    std::ofstream key{gate()};
    look();
    key << "go\n";
    key.close();
    hear(outcome_of(std::move(running_command)), [this](const finished& x) {
      hear(x.metadata + x.stdout_text + x.stderr_text);
    });
  }

  /// Everything that can be done with a lease of this environment.
  void live(const std::string& name) {
    probe(name);
    auto lease = take(name);
    if (!lease)
      return;
    realize(*lease);
    run(*lease, {.command = "nothing"});
    end(*lease, false);
    if (auto again = take(name))
      end(*again, true);
  }

  std::vector<std::string> canaries;
  std::vector<std::string> heard;
};

bool python_is_missing() {
  if (std::string{LEASEHOLD_PYTHON}.empty())
    std::cout << "SKIPPED: there is no python3\n";
  return std::string{LEASEHOLD_PYTHON}.empty();
}

} // namespace

TEST_CASE("canary: a worker repeats it everywhere, and nobody hears it",
          "[canary][promise-7]") {
  if (python_is_missing())
    return;
  birdcage host;
  host.add_cages();
  for (auto make : {&birdcage::cage, &birdcage::aviary})
    for (const auto* throws :
         {"-", "validate", "ValidateConfig", "probe", "Probe", "AcquireLease",
          "ResumeLease", "ReleaseLease", "DestroyLease", "RealizeWorkspace",
          "Execute"}) {
      CAPTURE(throws);
      auto place = (host.*make)(throws);
      if (host.save(place))
        host.live(place.name);
    }
  host.read_records();
  host.check_words();
  host.check_store();
  // It did get both, and did repeat them.
  for (const auto* line :
       {"[plugin stderr] stderr: *** ***", "error: *** ***",
        "ignored notification no such notification *** ***",
        "unparseable message from worker: Invalid JSON: this is no JSON: ***"})
    CHECK(host.logs(line));
  host.stop();
  host.check_store();
  host.check_words();
}

TEST_CASE("canary: no process has it in its arguments or environment",
          "[canary][promise-7]") {
  if (python_is_missing())
    return;
  birdcage host;
  host.add_cages();
  for (auto make : {&birdcage::cage, &birdcage::aviary}) {
    auto place = (host.*make)("-");
    REQUIRE(host.save(place));
    auto lease = host.take(place.name).value();
    host.hold(lease, {.command = "hold"}, "", [&] {
      host.check_processes();
      host.check_store();
    });
    // Whoever dies has the last word.
    CHECK_FALSE(host.run(lease, {.command = "die"}));
    host.end(lease, true);
  }
  // Commands on this host are nobody's to tell, either.
  auto here = host.acquire(host.add_local());
  auto wait = shell("echo waiting; cat < " + host.gate() + "; env");
  host.hold(here, wait, "waiting", [&] { host.check_processes(); });
  host.read_records();
  host.check_words();
  host.check_store();
}

TEST_CASE("canary: a private key for SSH is nowhere but where it is used",
          "[canary]") {
  if (!ssh_server::available())
    return;
  birdcage host;
  ssh_server server;
  auto place = host.host_of(server);
  REQUIRE(host.save(place));
  host.probe("host");
  auto lease = host.take("host").value();
  auto wait = shell("echo waiting; cat < " + host.gate() + "; env");
  host.hold(lease, wait, "waiting", [&] {
    host.check_processes();
    host.check_store();
  });
  server.stop();
  CHECK_FALSE(host.run(lease, shell("true")));
  host.end(lease, false);
  // One that is refused is no less secret.
  auto wrong = host.host_of(server);
  wrong.name = "wrong";
  wrong.config = R"({"host":"127.0.0.1","port":1,"username":"x",)"
                 R"("remoteWorkspacePath":"/tmp/x","privateKey":)"
                 + json_string(host.keep("no key " + canary("ssh")))
                 + R"(,"knownHosts":)" + json_string(server.known_hosts())
                 + "}";
  if (host.save(wrong)) {
    host.probe("wrong");
    CHECK_FALSE(host.take("wrong"));
  }
  host.read_records();
  host.check_words();
  host.check_store();
}

TEST_CASE("canary: who asks for what is not theirs hears nothing of it",
          "[canary]") {
  if (python_is_missing())
    return;
  birdcage host;
  host.add_cages();
  auto place = host.cage("-");
  REQUIRE(host.save(place));
  value_of(host->unbind_secret({"token", {}, "cages", "token"}));
  host.live(place.name);
  value_of(host->bind_secret({"token", {}, "cages", "token"}));
  for (const auto& x : value_of(host->secrets()))
    if (x.name != "token")
      value_of(host->enable_secret({x.id}, false));
  host.live(place.name);
  host.read_records();
  host.check_words();
  host.check_store();
}
