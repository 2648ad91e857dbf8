// Providers written with the SDK that fail, in every way that it leaves them.

#include "tests/compat/sdk_host.hpp"

#include <sys/stat.h>

using namespace leasehold;
using namespace leasehold::test;

namespace fs = std::filesystem;

namespace {

/// An engine with the moody provider; the environment's name is `moody`.
struct moody_host : sdk_host {
  /// `more` is what the environment's config has beside the provider.
  void begin(const std::string& more = "") {
    start();
    fs::create_directories(root());
    add_plugin("moody", "", more);
  }

  /// Another worker starts at the next call, and its setup waits.
  void hold_setup() {
    REQUIRE(::mkfifo(gate().c_str(), 0600) == 0);
    put_plugin("moody", R"({"another":true})");
    REQUIRE(events.sees("compat.moody", "stopped"));
  }

  void let_setup_go() {
    std::ofstream{gate()} << "go";
  }

  [[nodiscard]] std::string gate() const {
    return root() + "/setup";
  }

  [[nodiscard]] size_t boxes() const {
    return static_cast<size_t>(std::distance(
      fs::directory_iterator{root() + "/boxes"}, fs::directory_iterator{}));
  }

  std::future<result<lease>> ask_for_lease() {
    return running->acquire({.environment = "moody", .run = "run-1"});
  }

  /// Waits until the worker has started this many times.
  bool starts(size_t count) {
    return eventually([&] {
      size_t seen = 0;
      for (const auto& x : events.all())
        seen += x.subject == "compat.moody" && x.to == "ready" ? 1 : 0;
      return seen >= count;
    });
  }
};

} // namespace

// -- handlers that throw ------------------------------------------------------

TEST_CASE("compat: what acquire throws is the provider's refusal", "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin(R"(,"throws":"acquire","code":-32050)");
  auto why = failure_of(host.ask_for_lease());
  CHECK(why.code == ec::provider_refused);
  CHECK(why.message == "no acquire today");
  // A code of the plugin's own.
  CHECK(why.detail.find("JSON-RPC error -32050 from environmentAcquireLease")
        != std::string::npos);
  auto rows = value_of(host->leases());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].status == "failed");
  CHECK(rows[0].cleanup == "success");
}

TEST_CASE("compat: what validate throws keeps an environment from being saved",
          "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin();
  environment_info bad;
  bad.name = "bad";
  bad.driver = "sandbox";
  bad.config = R"({"provider":"moody","throws":"validate"})";
  auto why = failure_of(host->put_environment(bad));
  CHECK(why.message.find("no validate today") != std::string::npos);
  CHECK(failure_of(host->find_environment("bad")).code
        == ec::unknown_environment);
}

TEST_CASE("compat: what probe throws is what the probe says", "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin(R"(,"throws":"probe")");
  auto probe = value_of(host->probe("moody"));
  CHECK_FALSE(probe.ok);
  CHECK((probe.summary + probe.details).find("no probe today")
        != std::string::npos);
}

TEST_CASE("compat: what realize and execute throw leaves the lease alive",
          "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin(R"(,"throws":"realize")");
  auto lease = host.acquire("moody");
  auto why = failure_of(host->realize(lease, {}));
  CHECK(why.code == ec::provider_refused);
  CHECK(why.message == "no realize today");
  why = failure_of(host->execute(lease, host.own("throw")));
  CHECK(why.code == ec::provider_refused);
  CHECK(why.message == "this cannot be run");
  CHECK(why.detail.find("JSON-RPC error -32002 from environmentExecute")
        != std::string::npos);
  CHECK(host.execute(lease, host.own("say", {"still", "here"})).stdout_text
        == "still\nhere\n");
  CHECK_FALSE(value_of(host->release(lease)).cleanup_owed);
}

TEST_CASE("compat: a release that throws ends the lease and is made good",
          "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin(R"(,"throws":"release")");
  auto lease = host.acquire("moody");
  auto ended = value_of(host->release(lease));
  CHECK(ended.status == "released");
  CHECK(ended.cleanup_owed);
  CHECK(ended.cleanup_error.find("no release today") != std::string::npos);
  // The janitor destroys what was not released.
  CHECK(host.events.sees_cleanup(lease.id, "success"));
  CHECK(host.boxes() == 0);
}

// -- slow setup ---------------------------------------------------------------

TEST_CASE("compat: a setup that takes its time is waited for", "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin();
  host.hold_setup();
  auto lease = host.ask_for_lease();
  // Opening the pipe waits for the setup that reads it.
  host.let_setup_go();
  auto granted = value_of(std::move(lease));
  CHECK(granted.resource == "moody-run-1");
  CHECK_FALSE(value_of(host->release(granted)).cleanup_owed);
}

TEST_CASE("compat: nobody waits for a setup beyond the grace", "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin();
  // As long as nobody opens the pipe, no setup ends.
  host.opts.worker_ready_grace = std::chrono::milliseconds{300};
  REQUIRE(::mkfifo(host.gate().c_str(), 0600) == 0);
  host.start();
  auto why = failure_of(host.ask_for_lease());
  CHECK(why.code == ec::worker_not_ready);
  CHECK(why.message.find("its worker is not running") != std::string::npos);
  CHECK(value_of(host->leases()).empty());
  host.let_setup_go();
  REQUIRE(host.starts(2));
  auto granted = value_of(host.ask_for_lease());
  CHECK(granted.resource == "moody-run-1");
}

// -- crashes ------------------------------------------------------------------

TEST_CASE("compat: a crash during execute leaves the outcome unknown",
          "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin();
  auto lease = host.acquire("moody");
  output_notes said;
  auto why
    = failure_of(host->execute(lease, host.own("crash"), said.callback()));
  CHECK(why.code == ec::outcome_unknown);
  CHECK(why.message.find("Worker process exited (code=3, signal=null)")
        != std::string::npos);
  CHECK(why.detail.find("no way out") != std::string::npos);
  CHECK(said.text() == "here it comes\n");
  CHECK(host.row(lease.id).status == "active");
  // Another worker takes over, and knows the box.
  REQUIRE(host.starts(2));
  CHECK(host.execute(lease, host.own("say", {"back"})).stdout_text == "back\n");
  CHECK_FALSE(value_of(host->release(lease)).cleanup_owed);
  CHECK(host.boxes() == 0);
}

TEST_CASE("compat: an exception that nobody catches is a crash", "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.begin();
  auto lease = host.acquire("moody");
  auto why = failure_of(host->execute(lease, host.own("forget")));
  CHECK(why.code == ec::outcome_unknown);
  CHECK(why.message.find("code=1") != std::string::npos);
  CHECK(host.logs("error: Uncaught exception: nobody catches this"));
  // Whether or not it is back: the lease ends, and nothing is left.
  value_of(host->release(lease));
  CHECK(value_of(host->settled(patience)) == 0);
  CHECK(host.boxes() == 0);
}

// -- health -------------------------------------------------------------------

TEST_CASE("compat: what a worker says of its health is logged", "[compat]") {
  if (sdk_is_missing())
    return;
  moody_host host;
  host.opts.worker_health_interval = std::chrono::milliseconds{200};
  host.begin();
  auto lease = host.acquire("moody");
  auto say = [&](const std::string& text) {
    write_text(host.root() + "/next", text);
    fs::rename(host.root() + "/next", host.root() + "/health");
  };
  say(R"({"status":"degraded","message":"the disk is slow"})");
  CHECK(host.logs("health: degraded, the disk is slow"));
  say(R"({"status":"error","message":"no disk"})");
  CHECK(host.logs("health: error, no disk"));
  // It is alive, and says itself what it cannot do.
  CHECK(host.execute(lease, host.own("say", {"here"})).exit_code == 0);
  say(R"({"status":"ok"})");
  CHECK(host.logs("health: ok"));
  CHECK_FALSE(value_of(host->release(lease)).cleanup_owed);
}
