// Configs against the JSON schemas that plugins declare for them. The schema is
// the one that our bubblewrap plugin ships.

#include "drivers/config_schema.hpp"

#include "drivers/bubblewrap/bubblewrap_manifest.hpp"
#include "drivers/manifest.hpp"
#include "tests/support/catch.hpp"

using namespace leasehold;

namespace {

json_text bubblewrap_schema() {
  json_text text{bubblewrap::manifest().dump()};
  return parse_manifest(text).value().drivers.front().config_schema;
}

failure check(const std::string& config) {
  auto out = check_against_schema(json_text{config}, bubblewrap_schema());
  return out.error();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("config_schema: a config that fits is accepted", "[config_schema]") {
  auto config = GENERATE(
    as<std::string>{}, "{}", R"({"network":true,"timeoutMs":60000})",
    R"({"readOnlyPaths":["/opt","/srv/data"],"env":{"A":"b"}})",
    R"({"workspaceMode":"bind","hostname":"box-1","reuseLease":true})");
  CHECK(check(config) == failure{});
}

TEST_CASE("config_schema: an error names the path and the reason",
          "[config_schema]") {
  struct wrong {
    const char* config;
    const char* path;
    const char* reason;
  };
  const wrong all[]{
    {R"({"network":"yes"})", "network: ", "type"},
    {R"({"timeoutMs":0})", "timeoutMs: ", "greater than"},
    {R"({"timeoutMs":1.5})", "timeoutMs: ", "type"},
    {R"({"workspaceMode":"move"})", "workspaceMode: ", "enum"},
    {R"({"readOnlyPaths":["/a","b"]})", "readOnlyPaths.1: ", "regex"},
    {R"({"env":{"A":1}})", "env.A: ", "type"},
    {R"({"hostname":"Box 1"})", "hostname: ", "regex"},
    {R"({"colour":"red"})", "", "colour"},
  };
  for (const auto& x : all) {
    auto why = check(x.config);
    CAPTURE(x.config, why.message, why.detail);
    CHECK(why.code == ec::invalid_config);
    CHECK(why.message.starts_with(x.path));
    CHECK(contains(why.message, x.reason));
  }
}

TEST_CASE("config_schema: the rest is in the detail", "[config_schema]") {
  auto why = check(R"({"env":{"A":1}})");
  CHECK(contains(why.detail, "env"));
  CHECK_FALSE(contains(why.detail, why.message));
}

TEST_CASE("config_schema: what is wrong with the config itself has a path too",
          "[config_schema]") {
  auto why = check("[]");
  CHECK(why.code == ec::invalid_config);
  CHECK(why.message.starts_with("config: "));
}

TEST_CASE("config_schema: a schema that is none is an error, not a crash",
          "[config_schema]") {
  auto schema
    = GENERATE(as<std::string>{}, "nonsense", "[]", "1", R"({"type":7})",
               R"({"properties":[]})", R"({"pattern":"("})");
  CAPTURE(schema);
  auto out = check_against_schema(json_text{R"({"a":"x"})"}, json_text{schema});
  if (!out)
    CHECK(out.error().code == ec::invalid_config);
  else
    // Only what says nothing about objects may let one pass.
    CHECK(schema == R"({"pattern":"("})");
}

TEST_CASE("config_schema: a config that is not JSON is an error",
          "[config_schema]") {
  CHECK(check("nonsense").code == ec::invalid_config);
}

TEST_CASE("config_schema: a schema that leads in a circle is an error",
          "[config_schema]") {
  auto schema = GENERATE(as<std::string>{}, R"({"$ref":"#"})",
                         R"({"$ref":"nowhere"})", R"({"allOf":[{"$ref":"#"}]})",
                         R"({"not":{"anyOf":[{"$ref":"#"}]}})",
                         R"({"properties":{"a":{"$ref":"#/properties/b"},
                      "b":{"$ref":"#/properties/%61"}}})");
  auto out = check_against_schema(json_text{R"({"a":1})"}, json_text{schema});
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().message == "The plugin's configSchema cannot be used.");
  CHECK(out.error().detail == "It leads in a circle.");
}

TEST_CASE("config_schema: nothing is a multiple of zero", "[config_schema]") {
  auto schema
    = GENERATE(as<std::string>{}, R"({"properties":{"a":{"multipleOf":0}}})",
               R"({"properties":{"a":{"multipleOf":-1}}})",
               R"({"properties":{"a":{"divisibleBy":0.0}}})");
  auto out = check_against_schema(json_text{R"({"a":7})"}, json_text{schema});
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().detail == "It asks for multiples of zero, or of less.");
}

TEST_CASE("config_schema: a schema may speak of itself in a part",
          "[config_schema]") {
  json_text schema{R"({"type":"object","properties":{"a":{"$ref":"#"}}})"};
  CHECK(check_against_schema(json_text{R"({"a":{"a":{}}})"}, schema));
  CHECK_FALSE(check_against_schema(json_text{R"({"a":{"a":1}})"}, schema));
}

TEST_CASE("config_schema: a text is too long for a pattern before the stack is "
          "too short",
          "[config_schema]") {
  json_text schema{
    R"({"properties":{"a":{"type":"string","pattern":"^(a|b)*$"}}})"};
  auto config = [](size_t length) {
    return json_text{R"({"a":")" + std::string(length, 'a') + R"("})"};
  };
  CHECK(check_against_schema(config(1'024), schema));
  auto out = check_against_schema(config(1'000'000), schema);
  CHECK(out.error().message
        == "config: a text is longer than 1024 bytes, which is too long for "
           "its schema's patterns");
}

TEST_CASE("config_schema: what nests without end is refused",
          "[config_schema]") {
  const size_t levels = 1u << 20;
  auto deep = std::string(levels, '[') + std::string(levels, ']');
  json_text config{"{\"a\":" + deep + "}"};
  CHECK_FALSE(check_against_schema(config, json_text{"{}"}));
  CHECK_FALSE(check_against_schema(json_text{"{}"}, config));
}
