// A provider written with the SDK that is given a config and secrets, asks for
// more, and repeats them wherever it can.

#include "tests/compat/sdk_host.hpp"

using namespace leasehold;
using namespace leasehold::test;

namespace {

const std::string api_key = "canary-aa17-apikey";
const std::string token = "canary-bb28-token";

/// An engine with the keyed provider. Its token is a secret that is bound to
/// it, the environment's key one that its config spelled out.
struct keyed_host : sdk_host {
  void begin() {
    start();
    auto made = value_of(running->put_secret({"token", token}));
    put_plugin("keyed", R"({"region":"eu","token":{"type":"secret_ref",)"
                        R"("secretId":")"
                          + made.id + "\"}}");
  }

  void bind() {
    value_of(running->bind_secret({"token", {}, "compat.keyed", "token"}));
  }

  std::string add_keyed() {
    return add("keyed", "sandbox",
               R"({"provider":"keyed","apiKey":")" + api_key + "\"}");
  }

  /// No file of the store has them, nor has a line of the log or an event.
  void check_silence() {
    for (const auto& value : {api_key, token}) {
      for (const auto* name : {"leasehold.db", "leasehold.db-wal"})
        CHECK(read_text(dir / name).find(value) == std::string::npos);
      for (const auto& line : log.all())
        CHECK(line.find(value) == std::string::npos);
      for (const auto& x : events.all())
        CHECK((x.subject + x.note).find(value) == std::string::npos);
    }
  }
};

} // namespace

TEST_CASE("compat: secrets are there for the call, and nowhere else",
          "[compat]") {
  if (sdk_is_missing())
    return;
  keyed_host host;
  host.begin();
  host.bind();
  auto lease = host.acquire(host.add_keyed());
  CHECK(host.logs("info: setting up for eu"));
  CHECK(host.logs("info: opening with *** and ***"));
  CHECK(host.logs("[plugin stderr] opening with *** and ***"));
  CHECK(lease.metadata.find(R"({"*** and ***":["*** and ***"]})")
        != std::string::npos);
  auto done = host.execute(lease, host.own("show"));
  CHECK(done.stdout_text == api_key + " " + token + "\n");
  CHECK(done.metadata == R"({"said":"*** ***\n"})");
  auto ended = value_of(host->release(lease));
  CHECK(ended.cleanup_owed);
  CHECK(ended.cleanup_error.find("cannot close with *** and ***")
        != std::string::npos);
  CHECK(host.events.sees_cleanup(lease.id, "success"));
  host.check_silence();
}

TEST_CASE("compat: a secret's next value is seen by the next call",
          "[compat][pb-12.1.9]") {
  if (sdk_is_missing())
    return;
  keyed_host host;
  host.begin();
  host.bind();
  auto lease = host.acquire(host.add_keyed());
  CHECK(host.execute(lease, host.own("resolve")).stdout_text == token);
  value_of(host->rotate_secret({"token"}, "canary-cc39-next"));
  CHECK(host.execute(lease, host.own("resolve")).stdout_text
        == "canary-cc39-next");
  value_of(host->destroy(lease));
  host.check_silence();
}

TEST_CASE("compat: a secret that is not bound is not resolved", "[compat]") {
  if (sdk_is_missing())
    return;
  keyed_host host;
  host.begin();
  auto where = host.add_keyed();
  auto why = failure_of(host->acquire({.environment = where, .run = "run-1"}));
  CHECK(why.code == ec::provider_refused);
  CHECK(why.message.starts_with("Secret is not bound to plugin:"));
  CHECK(why.message.ends_with(" at token"));
  CHECK(host.logs("secrets.resolve refused: Secret is not bound to plugin:"));
  host.bind();
  auto lease = host.acquire(where);
  value_of(host->enable_secret({"token"}, false));
  why = failure_of(host->execute(lease, host.own("resolve")));
  CHECK(why.message == "Secret is not active");
  value_of(host->destroy(lease));
}

TEST_CASE("compat: a plugin hears of its config when it starts, and anew",
          "[compat][pb-12.2.30]") {
  if (sdk_is_missing())
    return;
  keyed_host host;
  host.begin();
  host.bind();
  auto lease = host.acquire(host.add_keyed());
  CHECK(host.execute(lease, host.own("region")).stdout_text
        == "eu for default\n");
  host.put_plugin("keyed", R"({"region":"us"})");
  CHECK(host.execute(lease, host.own("region")).stdout_text
        == "us for default\n");
  // One that is not given keeps what is there.
  host.put_plugin("keyed");
  CHECK(host.execute(lease, host.own("region")).stdout_text
        == "us for default\n");
  value_of(host->destroy(lease));
}

TEST_CASE("compat: a plugin's config spells no secret out", "[compat]") {
  if (sdk_is_missing())
    return;
  keyed_host host;
  host.start();
  plugin_info what;
  what.manifest = read_text(LEASEHOLD_COMPAT "/plugins/keyed.json");
  what.command = {"node"};
  auto refusal = [&](const std::string& config) {
    what.config = config;
    auto why = failure_of(host->put_plugin(what));
    CHECK(why.code == ec::invalid_config);
    return why.message + why.detail;
  };
  auto words = refusal(R"({"token":")" + token + "\"}");
  CHECK(words.find("spells a secret out at token") != std::string::npos);
  CHECK(words.find(token) == std::string::npos);
  refusal("[]");
  refusal(R"({"region":7})");
  CHECK(value_of(host->plugins()).empty());
}

TEST_CASE("compat: what this host does not do is an error for the plugin",
          "[compat]") {
  if (sdk_is_missing())
    return;
  keyed_host host;
  host.begin();
  host.bind();
  auto lease = host.acquire(host.add_keyed());
  auto why = failure_of(host->execute(lease, host.own("state")));
  CHECK(why.message == "state.get is not implemented by this host");
  value_of(host->destroy(lease));
}
