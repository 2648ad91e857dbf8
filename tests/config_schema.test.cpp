// Configs against the JSON schemas that plugins declare for them. The schema is
// the one that our bubblewrap plugin ships.

#include "drivers/config_schema.hpp"

#include "drivers/bubblewrap/bubblewrap_manifest.hpp"
#include "drivers/manifest.hpp"
#include "tests/support/catch.hpp"

using namespace leasehold;
using namespace std::string_literals;

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
                         R"({"allOf":[{"$ref":"#"}]})",
                         R"({"not":{"anyOf":[{"$ref":"#"}]}})",
                         R"({"properties":{"a":{"$ref":"#/properties/b"},
                      "b":{"$ref":"#/properties/%61"}}})");
  auto out = check_against_schema(json_text{R"({"a":1})"}, json_text{schema});
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().message == "The plugin's configSchema cannot be used.");
  CHECK(out.error().detail == "It leads in a circle.");
}

TEST_CASE("config_schema: a reference that leads nowhere is an error",
          "[config_schema]") {
  // Taken less strictly, each of the first four leads to itself.
  auto ref = GENERATE(as<std::string>{}, "#//properties/a", "#/properties/a/",
                      "#/allOf/00", "#/properties/b%2Fc", "#/none", "#anchor");
  auto schema = R"({"allOf":[{"$ref":"REF"}],
                    "properties":{"a":{"$ref":"REF"},"b/c":{"$ref":"REF"}}})"s;
  for (auto pos = schema.find("REF"); pos != std::string::npos;
       pos = schema.find("REF", pos + ref.size()))
    schema.replace(pos, 3, ref);
  CAPTURE(schema);
  auto out = check_against_schema(json_text{R"({"a":1})"}, json_text{schema});
  CHECK(out.error().message == "The plugin's configSchema cannot be used.");
  CHECK(out.error().detail == "Its $ref \"" + ref + "\" leads nowhere.");
}

TEST_CASE("config_schema: a reference to another document is an error",
          "[config_schema]") {
  auto refers_to = [](const std::string& ref) {
    json_text schema{R"({"$id":"http://example.org/own#","properties":
      {"a":{"$ref":")"
                     + ref + R"("}},"definitions":{"x":{"type":"null"}}})"};
    return check_against_schema(json_text{R"({"a":1})"}, schema).error();
  };
  CHECK(refers_to("http://example.org/own#/definitions/x").message
        == "a: Value type not permitted by 'type' constraint.");
  CHECK(refers_to("http://example.org/other#/definitions/x").detail
        == "Its $ref \"http://example.org/other#/definitions/x\" names another "
           "document.");
  CHECK(refers_to("other").detail
        == "Its $ref \"other\" names another document.");
}

TEST_CASE("config_schema: what only looks like a reference is none",
          "[config_schema]") {
  json_text schema{R"({"properties":{"a":{"enum":[{"$ref":"x"}]},
    "$ref":{"type":"integer"}},"definitions":{"unused":{"$ref":"y"}}})"};
  CHECK(check_against_schema(json_text{R"({"a":{"$ref":"x"}})"}, schema));
  CHECK_FALSE(check_against_schema(json_text{R"({"a":{}})"}, schema));
  CHECK_FALSE(check_against_schema(json_text{R"({"$ref":"x"})"}, schema));
}

TEST_CASE("config_schema: the part that has no schema is named",
          "[config_schema]") {
  json_text schema{R"({"properties":{"a/b":{"items":7}}})"};
  auto out = check_against_schema(json_text{"{}"}, schema);
  CHECK(out.error().detail
        == "It has no schema at /properties/a~1b/items, but a value of type "
           "number.");
  out = check_against_schema(json_text{"{}"}, json_text{"[]"});
  CHECK(out.error().detail
        == "It has no schema at its root, but a value of type array.");
}

// The library takes a schema for the one that has it, if that one is referred
// to; and some keywords for one and the same part.
TEST_CASE("config_schema: parts are told apart", "[config_schema]") {
  json_text names{R"({"properties":{"a":{"$ref":"#/definitions/x"}},
    "definitions":{"x":{"type":"object","propertyNames":{"maxLength":3}}}})"};
  CHECK(check_against_schema(json_text{R"({"a":{"abc":1}})"}, names));
  CHECK_FALSE(check_against_schema(json_text{R"({"a":{"abcd":1}})"}, names));
  json_text no_names{R"({"propertyNames":false})"};
  CHECK(check_against_schema(json_text{"{}"}, no_names));
  CHECK_FALSE(check_against_schema(json_text{R"({"a":1})"}, no_names));
  json_text others{R"({"dependencies":{"a":{"required":["c"]},
    "b":{"$ref":"#/definitions/none"},"d":["e"]},"definitions":{"none":{}}})"};
  CHECK(check_against_schema(json_text{R"({"b":1})"}, others));
  CHECK_FALSE(check_against_schema(json_text{R"({"a":1})"}, others));
  CHECK_FALSE(check_against_schema(json_text{R"({"d":1})"}, others));
}

TEST_CASE("config_schema: every keyword's schemas are found",
          "[config_schema]") {
  struct keyword {
    const char* schema;
    const char* good;
    const char* bad;
  };
  const keyword all[]{
    {R"({"allOf":[REF]})", "1", "\"x\""},
    {R"({"anyOf":[REF,{"type":"null"}]})", "null", "\"x\""},
    {R"({"oneOf":[REF,{"type":"null"}]})", "1", "\"x\""},
    {R"({"not":REF})", "\"x\"", "1"},
    {R"({"if":REF,"then":{"minimum":2},"else":false})", "2", "1"},
    {R"({"if":true,"then":REF})", "1", "\"x\""},
    {R"({"if":false,"else":REF})", "1", "\"x\""},
    {R"({"items":REF})", "[1,2]", "[1,\"x\"]"},
    {R"({"items":[REF],"additionalItems":false})", "[1]", "[1,2]"},
    {R"({"items":[true],"additionalItems":REF})", "[\"x\",2]", "[1,\"x\"]"},
    {R"({"contains":REF})", "[\"x\",1]", "[\"x\"]"},
    {R"({"properties":{"a":REF}})", R"({"a":1})", R"({"a":"x"})"},
    {R"({"patternProperties":{"^/":REF}})", R"({"/":1})", R"({"/":"x"})"},
    {R"({"additionalProperties":REF})", R"({"a":1})", R"({"a":"x"})"},
    {R"({"dependencies":{"a":{"properties":{"b":REF}}}})", R"({"b":"x"})",
     R"({"a":1,"b":"x"})"},
  };
  for (auto part : {R"({"type":"integer"})", R"({"$ref":"#/definitions/n"})"})
    for (const auto& x : all) {
      std::string schema = x.schema;
      schema.replace(schema.find("REF"), 3, part);
      json_text whole{R"({"properties":{"v":)" + schema
                      + R"(},"definitions":{"n":{"type":"integer"}}})"};
      CAPTURE(whole.text, x.good, x.bad);
      auto config
        = [](std::string value) { return json_text{R"({"v":)" + value + "}"}; };
      CHECK(check_against_schema(config(x.good), whole));
      CHECK_FALSE(check_against_schema(config(x.bad), whole));
    }
}

TEST_CASE("config_schema: a schema that allows nothing is a reason",
          "[config_schema]") {
  auto schema
    = GENERATE(as<std::string>{}, "false", R"({"$ref":"#/a","a":false})");
  auto out = check_against_schema(json_text{"{}"}, json_text{schema});
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().message == "config: its schema allows none");
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

TEST_CASE("config_schema: a schema nests as deep as the stack is long",
          "[config_schema]") {
  auto chain = [](size_t levels) {
    auto out = R"({"$ref":"#/definitions/1","definitions":{)"s;
    for (size_t i = 1; i < levels; ++i)
      out += '"' + std::to_string(i)
             + R"(":{"additionalProperties":{"$ref":"#/definitions/)"
             + std::to_string(i + 1) + "\"}},";
    return json_text{out + '"' + std::to_string(levels)
                     + R"(":{"type":"object"}}})"};
  };
  CHECK(check_against_schema(json_text{"{}"}, chain(64)));
  auto out = check_against_schema(json_text{"{}"}, chain(65));
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().detail == "Its schemas nest deeper than 64 levels.");
  CHECK_FALSE(check_against_schema(json_text{"{}"}, chain(20'000)));
}

// The library remembers what it has read, so that its depth depends on where it
// begins: these look shallow to who begins elsewhere.
TEST_CASE("config_schema: depth is what the library's order makes of it",
          "[config_schema]") {
  auto first = GENERATE(
    as<std::string>{},
    R"("properties":{"a":{"items":[{"$ref":"#"},ALL]},"z":ONE})",
    R"("items":[ALL],"additionalItems":ONE)",
    R"("then":{"items":[ALL]},"properties":{"a":ONE})",
    R"("properties":{"b":{"additionalItems":{"items":[ALL]}},"c":ONE})");
  const auto levels = 20'000;
  auto ref = [](int i) {
    return R"({"$ref":"#/definitions/)" + std::to_string(i) + "\"}";
  };
  std::string all;
  for (auto i = levels; i > 0; --i)
    all += (all.empty() ? "" : ",") + ref(i);
  auto schema = "{" + first + R"(,"definitions":{)";
  schema.replace(schema.find("ONE"), 3, ref(1));
  schema.replace(schema.find("ALL"), 3, all);
  for (auto i = 1; i < levels; ++i)
    schema += '"' + std::to_string(i) + R"(":{"additionalProperties":)"
              + ref(i + 1) + "},";
  schema += '"' + std::to_string(levels) + "\":{}}}";
  auto out = check_against_schema(json_text{"{}"}, json_text{schema});
  CHECK((out || out.error().code == ec::invalid_config));
}

TEST_CASE("config_schema: references that lead to references have a limit",
          "[config_schema]") {
  auto chain = [](int links) {
    auto out = R"({"properties":{)"s;
    for (auto i = 0; i < links; ++i)
      out += "\"p" + std::to_string(i) + R"(":{"$ref":"#/properties/p)"
             + std::to_string(i + 1) + "\"},";
    return json_text{out + "\"p" + std::to_string(links) + "\":{}}}"};
  };
  CHECK(check_against_schema(json_text{"{}"}, chain(64)));
  auto out = check_against_schema(json_text{"{}"}, chain(20'000));
  CHECK(out.error().detail == "Its schemas nest deeper than 64 levels.");
}

TEST_CASE("config_schema: the whole may be written with a slash",
          "[config_schema]") {
  json_text schema{R"({"type":"object","properties":{"a":{"$ref":"#/"}}})"};
  CHECK(check_against_schema(json_text{R"({"a":{}})"}, schema));
  CHECK_FALSE(check_against_schema(json_text{R"({"a":1})"}, schema));
}

TEST_CASE("config_schema: a config nests as deep as the stack is long",
          "[config_schema]") {
  // Ten schemas for each value.
  auto schema = R"({"additionalProperties":{"$ref":"#"}})"s;
  for (auto i = 0; i < 9; ++i)
    schema = R"({"oneOf":[)" + schema + "]}";
  auto nested = [](size_t levels) {
    std::string out;
    for (size_t i = 1; i < levels; ++i)
      out += R"({"a":)";
    return json_text{out + "{}" + std::string(levels - 1, '}')};
  };
  CHECK(check_against_schema(nested(100), json_text{schema}));
  auto out = check_against_schema(nested(101), json_text{schema});
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().message == "config: nests too deep for its schema");
}

TEST_CASE("config_schema: schemas that speak of one value have a limit",
          "[config_schema]") {
  // The later ones are found first, and so each alone.
  auto schema = R"({"properties":{)"s;
  for (auto i = 3'000; i > 0; --i)
    schema += "\"" + std::to_string(10'000 - i) + R"(":{"not":)"
              + (i == 3'000 ? "true"
                            : R"({"$ref":"#/properties/)"
                                + std::to_string(10'000 - i - 1) + "\"}")
              + "},";
  schema.back() = '}';
  auto out = check_against_schema(json_text{"{}"}, json_text{schema + '}'});
  CHECK(out.error().code == ec::invalid_config);
}

TEST_CASE("config_schema: a pattern counts to 9999", "[config_schema]") {
  auto pattern
    = GENERATE(as<std::string>{}, "a{99999999999999999999}", "a{1,10000}",
               "a{2,99999999999999999999}", "(a)\\\\10000", "a{10000",
               std::string(1'025, 'a'), std::string(20'000, '('));
  auto schema
    = GENERATE(as<std::string>{}, R"({"properties":{"a":{"pattern":"P"}}})",
               R"({"patternProperties":{"P":{}}})");
  schema.replace(schema.find("\"P\"") + 1, 1, pattern);
  CAPTURE(schema);
  auto out = check_against_schema(json_text{R"({"a":"a"})"}, json_text{schema});
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().detail
        == "It has a pattern that is longer than 1024 bytes, or counts further "
           "than 9999.");
  json_text fits{R"({"properties":{"a":{"pattern":"^a{1,200},12345$"}}})"};
  CHECK(check_against_schema(json_text{R"({"a":"aaa,12345"})"}, fits));
  json_text escaped{R"({"properties":{"a":{"pattern":"^\\\\12345,12345$"}}})"};
  CHECK(check_against_schema(json_text{R"({"a":"\\12345,12345"})"}, escaped));
}

TEST_CASE("config_schema: a schema that doubles with each level is refused",
          "[config_schema]") {
  auto doubling = [](int levels) {
    auto out = R"({"$ref":"#/definitions/0","definitions":{)"s;
    for (auto i = 0; i < levels; ++i) {
      auto next = R"({"$ref":"#/definitions/)" + std::to_string(i + 1) + "\"}";
      out += '"' + std::to_string(i) + R"(":{"allOf":[)" + next + ',' + next
             + "]},";
    }
    return json_text{out + '"' + std::to_string(levels) + "\":{}}}"};
  };
  CHECK(check_against_schema(json_text{"{}"}, doubling(10)));
  auto out = check_against_schema(json_text{"{}"}, doubling(60));
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().detail
        == "It asks more than 100000 times about one and the same value.");
}

TEST_CASE("config_schema: a keyword that says nothing alone is not looked into",
          "[config_schema]") {
  auto schema = GENERATE(as<std::string>{}, R"({"then":{"$ref":"#"}})",
                         R"({"else":7})", R"({"additionalItems":7})",
                         R"({"items":{},"additionalItems":7})");
  CAPTURE(schema);
  CHECK(check_against_schema(json_text{"[1]"}, json_text{schema}));
}

TEST_CASE("config_schema: what nests without end is refused",
          "[config_schema]") {
  const size_t levels = 1u << 20;
  auto deep = std::string(levels, '[') + std::string(levels, ']');
  json_text config{"{\"a\":" + deep + "}"};
  CHECK_FALSE(check_against_schema(config, json_text{"{}"}));
  CHECK_FALSE(check_against_schema(json_text{"{}"}, config));
}
