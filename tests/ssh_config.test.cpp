// The rules for an ssh environment's config, one row each (PB §2.2).

#include "drivers/ssh/ssh_config.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace leasehold;

namespace {

const std::string uuid = "0e8d9d5c-7b0a-4c2e-9d3f-1A2B3C4D5E6F";

/// A config that is valid, with more members.
json_text with(const std::string& more) {
  return json_text{R"({"host":"box","username":"me",)"
                   R"("remoteWorkspacePath":"/srv/work")"
                   + (more.empty() ? "" : "," + more) + "}"};
}

std::string refusal(const json_text& config) {
  auto parsed = ssh::parse_settings(config);
  return parsed ? "accepted" : parsed.error().message;
}

} // namespace

TEST_CASE("ssh_config: what is left out has its default", "[ssh_config]") {
  auto parsed = ssh::parse_settings(with(""));
  REQUIRE(parsed);
  CHECK(parsed->host == "box");
  CHECK(parsed->port == 22);
  CHECK(parsed->username == "me");
  CHECK(parsed->workspace_path == "/srv/work");
  CHECK_FALSE(parsed->key);
  CHECK(parsed->known_hosts.empty());
  CHECK(parsed->strict_host_keys);
  CHECK(ssh::to_stored(*parsed).text
        == R"({"host":"box","knownHosts":null,"port":22,"privateKey":null,)"
           R"("privateKeySecretRef":null,"remoteWorkspacePath":"/srv/work",)"
           R"("strictHostKeyChecking":true,"username":"me"})");
}

TEST_CASE("ssh_config: texts are trimmed, ports coerced, empty is null",
          "[ssh_config]") {
  auto parsed = ssh::parse_settings(json_text{
    R"({"host":" box\n","port":"2222","username":" me ",)"
    R"("remoteWorkspacePath":" /w ","privateKey":null,"knownHosts":" ",)"
    R"("strictHostKeyChecking":false})"});
  REQUIRE(parsed);
  CHECK(parsed->host == "box");
  CHECK(parsed->port == 2222);
  CHECK(parsed->username == "me");
  CHECK(parsed->workspace_path == "/w");
  CHECK(parsed->known_hosts.empty());
  CHECK_FALSE(parsed->strict_host_keys);
  CHECK(ssh::parse_settings(with(R"("port":true)"))->port == 1);
  CHECK(ssh::parse_settings(with(R"("port":65535)"))->port == 65'535);
  CHECK(ssh::parse_settings(with(R"("knownHosts":" box ssh-ed25519 A\n")"))
          ->known_hosts
        == "box ssh-ed25519 A");
  auto known = ssh::parse_settings(with(R"("knownHosts":"x y")"));
  CHECK(ssh::parse_settings(ssh::to_stored(*known)).value() == *known);
}

TEST_CASE("ssh_config: each rule has its text, and the first issue counts",
          "[ssh_config]") {
  struct row {
    json_text config;
    std::string text;
  };
  const std::string port = "\"port\" must be a whole number from 1 to 65535.";
  const std::string host = "SSH environments require a host.";
  const std::string username = "SSH environments require a username.";
  const std::string path = "SSH environments require a remote workspace path.";
  const std::string reference = "\"privateKeySecretRef\" must be null or an "
                                "object of type \"secret_ref\".";
  const std::string version = "\"privateKeySecretRef.version\" must be "
                              "\"latest\" or a positive whole number.";
  auto ref = [](const std::string& members) {
    return with(R"("privateKeySecretRef":{"type":"secret_ref","secretId":")"
                + uuid + "\"" + members + "}");
  };
  auto name = [](const std::string& field) {
    return "\"" + field
           + "\" must not begin with \"-\" or contain white space or "
             "control characters.";
  };
  const std::vector<row> rows{
    {json_text{"[]"}, host},
    {json_text{"{"}, "The SSH config is not JSON."},
    {json_text{R"({"host":" "})"}, host},
    {json_text{R"({"host":7})"}, host},
    {json_text{R"({"host":"-oProxyCommand=x"})"}, name("host")},
    {json_text{R"({"host":"a b"})"}, name("host")},
    {json_text{R"({"host":"a\u0000b"})"}, name("host")},
    {json_text{R"({"host":"a","port":0})"}, port},
    {json_text{R"({"host":"a","port":65536})"}, port},
    {json_text{R"({"host":"a","port":22.5})"}, port},
    {json_text{R"({"host":"a","port":"22x"})"}, port},
    {json_text{R"({"host":"a","port":""})"}, port},
    {json_text{R"({"host":"a","port":null})"}, port},
    {json_text{R"({"host":"a","port":[22]})"}, port},
    {json_text{R"({"host":"a"})"}, username},
    {json_text{R"({"host":"a","username":"\t"})"}, username},
    {json_text{R"({"host":"a","username":"-l"})"}, name("username")},
    {json_text{R"({"host":"a","username":"b"})"}, path},
    {json_text{R"({"host":"a","username":"b","remoteWorkspacePath":"c"})"},
     "SSH remote workspace path must be absolute."},
    {json_text{R"({"host":"a","username":"b","remoteWorkspacePath":"/c\nd"})"},
     "SSH remote workspace path must be a single line."},
    {with(R"("privateKey":"")"),
     "\"privateKey\" must be null; the key itself is kept as a secret, named "
     "by \"privateKeySecretRef\"."},
    {with(R"("privateKeySecretRef":"my-secret")"), reference},
    {with(R"("privateKeySecretRef":[])"), reference},
    {with(R"("privateKeySecretRef":{"type":"x"})"), reference},
    {with(R"("privateKeySecretRef":{"type":"secret_ref","secretId":"x"})"),
     "\"privateKeySecretRef.secretId\" must be a UUID."},
    {ref(R"(,"version":0)"), version},
    {ref(R"(,"version":1.5)"), version},
    {ref(R"(,"version":"newest")"), version},
    {ref(R"(,"version":null)"), version},
    {ref(R"(,"name":"x")"),
     "Unrecognized key \"privateKeySecretRef.name\" in the SSH config."},
    {with(R"("knownHosts":7)"), "\"knownHosts\" must be a string or null."},
    {with(R"("strictHostKeyChecking":"no")"),
     "\"strictHostKeyChecking\" must be true or false."},
    {with(R"("timeoutMs":7)"),
     "Unrecognized key \"timeoutMs\" in the SSH config."},
    {with(R"("reuse":true,"port":0)"), port},
  };
  for (const auto& row : rows) {
    INFO(row.config.text);
    CHECK(refusal(row.config) == row.text);
  }
}

TEST_CASE("ssh_config: a key is named by its secret and version",
          "[ssh_config]") {
  auto key = [](const std::string& value) {
    auto parsed = ssh::parse_settings(with("\"privateKeySecretRef\":" + value));
    REQUIRE(parsed);
    auto reread = ssh::parse_settings(ssh::to_stored(*parsed));
    REQUIRE(reread);
    CHECK(*reread == *parsed);
    return parsed->key;
  };
  auto object = R"({"type":"secret_ref","secretId":")" + uuid + "\"";
  CHECK(key(object + "}") == ssh::key_reference{{uuid}, 0});
  CHECK(key(object + R"(,"version":"latest"})")
        == ssh::key_reference{{uuid}, 0});
  CHECK(key(object + R"(,"version":3})") == ssh::key_reference{{uuid}, 3});
  CHECK(key("\"" + uuid + "\"") == ssh::key_reference{{uuid}, 0});
  CHECK_FALSE(key("null"));
}

TEST_CASE("ssh_config: a draft may spell out its key, which is never stored",
          "[ssh_config]") {
  auto draft = ssh::parse_draft(with(R"("privateKey":" canary\n ")"));
  REQUIRE(draft);
  CHECK(draft->private_key == "canary");
  CHECK(ssh::to_stored(draft->config).text.find("canary") == std::string::npos);
  CHECK(ssh::parse_draft(with(R"("privateKey":"")"))->private_key.empty());
  CHECK(ssh::parse_draft(with(R"("privateKey":7)")).error().message
        == "\"privateKey\" must be a string or null.");
}
