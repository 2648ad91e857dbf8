// The insides of workers' requests, and the configs that they are answered
// with.

#include "drivers/host_methods.hpp"

#include "drivers/instance_config.hpp"
#include "tests/support/catch.hpp"

using namespace leasehold;

namespace {

result<rpc::secret_question> read(const std::string& text) {
  return rpc::parse_secret_question(json_text{text});
}

std::string refusal(const std::string& text) {
  auto x = read(text);
  REQUIRE_FALSE(x);
  CHECK(x.error().code == ec::invalid_request);
  return x.error().message;
}

const json_text manifest{R"({"capabilities": ["a", 7, "b"],
  "instanceConfigSchema": {"type": "object",
    "required": ["region"],
    "properties": {"region": {"type": "string"},
      "auth": {"type": "object", "properties": {
        "key": {"type": "string", "format": "secret-ref"}}}}}})"};

result<> check(const std::string& config) {
  return check_instance_config(manifest, json_text{config});
}

} // namespace

TEST_CASE("host_methods: a secret is named by a reference", "[host_methods]") {
  auto x = read(R"({"secretRef": {"type": "secret_ref", "secretId": "s-1"}})");
  CHECK(x->secret.value == "s-1");
  CHECK(x->version == 0);
  CHECK(x->path.empty());
  x = read(R"({"secretRef": {"type": "secret_ref", "secretId": "s-1",
    "version": 3}, "configPath": "auth.key"})");
  CHECK(x->version == 3);
  CHECK(x->path == "auth.key");
  x = read(R"({"secretRef": {"type": "secret_ref", "secretId": "s-1",
    "version": "latest"}})");
  CHECK(x->version == 0);
}

TEST_CASE("host_methods: whatever else is no reference, and is not repeated",
          "[host_methods]") {
  const std::string advice
    = ". Use { type: \"secret_ref\", secretId, version? }";
  const std::string start = "Invalid secret reference for plugin: ";
  CHECK(refusal(R"({"secretRef": "hunter2"})")
        == start + "it is of type string" + advice);
  CHECK(refusal("{}") == start + "there is none" + advice);
  CHECK(refusal("[]") == start + "there is none" + advice);
  CHECK(refusal(R"({"secretRef": {"secretId": "s"}})")
        == start + "its type is not \"secret_ref\"" + advice);
  CHECK(refusal(R"({"secretRef": {"type": "secret_ref"}})")
        == start + "it has no secretId" + advice);
  for (const auto* version : {"0", "-1", "1.5", "\"2\"", "4294967296"})
    CHECK(refusal(R"({"secretRef": {"type": "secret_ref", "secretId": "s",
      "version": )"
                  + std::string{version} + "}}")
          == start + "its version is neither a number from 1 nor \"latest\""
               + advice);
}

TEST_CASE("host_methods: capabilities are the texts that a manifest lists",
          "[host_methods]") {
  using words = std::vector<std::string>;
  CHECK(rpc::capabilities_of(manifest) == words{"a", "b"});
  CHECK(rpc::capabilities_of(json_text{"{}"}).empty());
  CHECK(rpc::capabilities_of(json_text{"nonsense"}).empty());
}

TEST_CASE("host_methods: a plugin's config names secrets and has none",
          "[host_methods]") {
  CHECK(check(R"({"region": "eu"})"));
  CHECK(check(R"({"region": "eu", "auth": {"key":
    {"type": "secret_ref", "secretId": "0e8d9d5c-7b0a-4c2e-9d3f-1a2b3c4d5e6f",
     "version": 2}}})"));
  auto why = check(R"({"region": "eu", "auth": {"key": "hunter2"}})");
  REQUIRE_FALSE(why);
  CHECK(why.error().code == ec::invalid_config);
  CHECK(why.error().message
        == "The plugin's config spells a secret out at auth.key.");
  CHECK(why.error().detail.find("hunter2") == std::string::npos);
  CHECK(check(R"({"region": 7})").error().code == ec::invalid_config);
  CHECK(check("{}").error().code == ec::invalid_config);
  CHECK(check_instance_config(json_text{"{}"}, json_text{R"({"a": 1})"}));
}
