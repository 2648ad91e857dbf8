// Environments whose configs name secrets or spell them out.

#include "tests/support/engine_host.hpp"

#include <filesystem>

using namespace leasehold;
using namespace leasehold::test;

namespace {

const std::string hidden_value = "canary-6b7e-hunter2";

/// The schema of a provider with secrets.
constexpr const char* schema = R"({"type":"object","properties":{
  "apiKey":{"type":"string","format":"secret-ref"},
  "auth":{"type":"object","properties":{
    "token":{"type":"string","format":"secret-ref"}}}}})";

struct secure_host : engine_host {
  secure_host() {
    start();
  }

  /// Registers the provider `rogue`, whose worker does as `mode` says.
  void add_provider(const std::string& mode = "normal") {
    plugin_info what;
    what.manifest = manifest_of("rogue", schema);
    what.command = {LEASEHOLD_ROGUE_WORKER, mode, dir / "rogue"};
    value_of(running->put_plugin(what));
  }

  std::future<result<environment_info>> try_to_add(const std::string& more) {
    environment_info what;
    what.name = "My Den";
    what.driver = "sandbox";
    what.config = R"({"provider":"rogue",)" + more + "}";
    return running->put_environment(what);
  }

  std::string stored() {
    return value_of(running->find_environment("My Den")).config;
  }

  std::vector<secret_info> secrets() {
    return value_of(running->secrets());
  }

  /// No value is in any file, in the log, or in an event.
  void check_silence() {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator{dir.path()}) {
      CAPTURE(entry.path());
      CHECK(
        (!entry.is_regular_file()
         || read_text(entry.path()).find(hidden_value) == std::string::npos));
    }
    for (const auto& line : log.all())
      CHECK(line.find(hidden_value) == std::string::npos);
    for (const auto& x : events.all())
      CHECK((x.subject + x.from + x.to + x.note).find(hidden_value)
            == std::string::npos);
  }
};

} // namespace

TEST_CASE_METHOD(secure_host,
                 "engine: a value in a config becomes a secret, bound to its "
                 "place",
                 "[engine][secure_config]") {
  add_provider();
  auto made = value_of(try_to_add(R"("apiKey":")" + hidden_value
                                  + R"(","auth":{"token":")" + hidden_value
                                  + R"(-2"})"));
  CHECK(made.config.find(hidden_value) == std::string::npos);
  auto all = secrets();
  REQUIRE(all.size() == 2);
  CHECK(all[0].name.starts_with("environment-sandbox-my-den-apikey-"));
  CHECK(all[0].name.size()
        == std::string{"environment-sandbox-my-den-apikey-"}.size() + 8);
  CHECK(all[0].description == "Secret for My Den apikey.");
  CHECK(all[0].made_for == made.id);
  REQUIRE(all[0].bindings.size() == 1);
  CHECK(all[0].bindings[0].target_id == made.id);
  CHECK(all[0].bindings[0].path == "apiKey");
  CHECK(all[1].bindings.at(0).path == "auth.token");
  CHECK(stored()
        == R"({"apiKey":")" + all[0].id + R"(","auth":{"token":")" + all[1].id
             + R"("},"provider":"rogue","reuseLease":false})");
  check_silence();
}

TEST_CASE_METHOD(secure_host,
                 "engine: what environments brought along goes with them",
                 "[engine][secure_config]") {
  add_provider();
  value_of(try_to_add(R"("apiKey":")" + hidden_value + "\""));
  value_of(running->put_secret({"mine", hidden_value}));
  value_of(running->remove_environment("My Den"));
  REQUIRE(secrets().size() == 1);
  CHECK(secrets()[0].name == "mine");
  check_silence();
}

TEST_CASE_METHOD(secure_host, "engine: an id in a config stays, and is bound",
                 "[engine][secure_config]") {
  add_provider();
  auto mine = value_of(running->put_secret({"mine", hidden_value}));
  auto spelling = GENERATE(as<std::string>{}, "plain", "object");
  auto value = spelling == "plain"
                 ? "\"" + mine.id + "\""
                 : R"({"type":"secret_ref","secretId":")" + mine.id + "\"}";
  value_of(try_to_add("\"apiKey\":" + value));
  CHECK(stored()
        == R"({"apiKey":")" + mine.id
             + R"(","provider":"rogue","reuseLease":false})");
  CHECK(secrets().at(0).bindings.at(0).path == "apiKey");
  // Saved again with another value, it is not bound there any more.
  value_of(try_to_add(R"("apiKey":"")"));
  CHECK(stored() == R"({"provider":"rogue","reuseLease":false})");
  CHECK(secrets().at(0).bindings.empty());
}

TEST_CASE_METHOD(secure_host,
                 "engine: a config that names no secret that exists is refused",
                 "[engine][secure_config]") {
  add_provider();
  auto why = failure_of(
    try_to_add(R"("apiKey":"11111111-2222-4333-8444-555555555555",)"
               R"("auth":{"token":")"
               + hidden_value + "\"}"));
  CHECK(why.code == ec::unknown_secret);
  CHECK(why.message == "Secret not found");
  CHECK(secrets().empty());
  CHECK(failure_of(running->find_environment("My Den")).code
        == ec::unknown_environment);
  check_silence();
}

TEST_CASE_METHOD(secure_host, "engine: a pinned version in a config is refused",
                 "[engine][secure_config]") {
  add_provider();
  auto why = failure_of(
    try_to_add(R"("apiKey":{"type":"secret_ref","secretId":"x","version":3})"));
  CHECK(why.code == ec::invalid_config);
  CHECK(why.message
        == "Secret binding at apiKey pins version 3; sandbox provider secret "
           "references always resolve the latest version.");
}

TEST_CASE_METHOD(secure_host,
                 "engine: a worker that repeats a value elsewhere is not "
                 "believed",
                 "[engine][secure_config]") {
  add_provider("echo-config");
  value_of(try_to_add(R"("apiKey":")" + hidden_value + "\""));
  CHECK(stored().find(R"("echo":["Bearer ***"])") != std::string::npos);
  CHECK(stored().find(secrets().at(0).id) != std::string::npos);
  check_silence();
}

TEST_CASE_METHOD(secure_host,
                 "engine: a worker that quotes a value in a refusal is cut "
                 "short",
                 "[engine][secure_config]") {
  add_provider("quote-config");
  auto why = failure_of(try_to_add(R"("apiKey":")" + hidden_value + "\""));
  CHECK(why.message == "No such key: ***");
  CHECK(why.detail.find(hidden_value) == std::string::npos);
  CHECK(secrets().empty());
  check_silence();
}

TEST_CASE_METHOD(
  secure_host,
  "engine: without its master key an environment with a value is "
  "not saved",
  "[engine][secure_config]") {
  add_provider();
  value_of(running->put_secret({"mine", hidden_value}));
  std::filesystem::remove(dir / "master.key");
  start();
  auto why = failure_of(try_to_add(R"("apiKey":")" + hidden_value + "\""));
  CHECK(why.code == ec::secret_unusable);
  CHECK(failure_of(running->find_environment("My Den")).code
        == ec::unknown_environment);
  check_silence();
}

// -- ssh ----------------------------------------------------------------------

TEST_CASE_METHOD(secure_host,
                 "engine: the private key of an ssh environment becomes a "
                 "secret",
                 "[engine][secure_config]") {
  auto add = [this](const std::string& more) {
    environment_info what;
    what.name = "host";
    what.driver = "ssh";
    what.config = R"({"host":"h","username":"u","remoteWorkspacePath":"/w",)"
                  + more + "}";
    return running->put_environment(what);
  };
  auto made = value_of(add(R"("privateKey":")" + hidden_value + "\\n\""));
  auto key = secrets().at(0);
  CHECK(key.name.starts_with("environment-ssh-host-private-key-"));
  CHECK(key.made_for == made.id);
  CHECK(key.bindings.at(0).path == "privateKeySecretRef");
  CHECK(made.config.find(R"("privateKey":null)") != std::string::npos);
  auto reference = R"("privateKeySecretRef":{"secretId":")" + key.id
                   + R"(","type":"secret_ref","version":"latest"})";
  CHECK(made.config.find(reference) != std::string::npos);
  // Saved again as it was read, it stays as it is.
  CHECK(value_of(add(reference)).config == made.config);
  REQUIRE(secrets().size() == 1);
  CHECK(secrets().at(0).bindings.size() == 1);
  // A config that is refused makes no secret.
  CHECK(failure_of(add(R"("port":0,"privateKey":")" + hidden_value + "\"")).code
        == ec::invalid_config);
  CHECK(secrets().size() == 1);
  value_of(running->remove_environment("host"));
  CHECK(secrets().empty());
  check_silence();
}
