// Secrets in configs: paths, ids and values.

#include "drivers/secret_refs.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;

namespace {

using texts = std::vector<std::string>;

const std::string id_1 = "11111111-2222-4333-8444-555555555555";
const std::string id_2 = "AAAAAAAA-bbbb-CCCC-dddd-eeeeeeeeeeee";
const std::string id_2_lower = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

texts paths_in(const std::string& schema) {
  return secret_paths(json_text{schema});
}

/// Ids `id-1`, `id-2`, ...
std::function<std::string()> counting() {
  return
    [n = std::make_shared<int>(0)] { return "id-" + std::to_string(++*n); };
}

secured_config secured(const std::string& config, const texts& paths) {
  return secure_config(json_text{config}, paths, counting());
}

std::string stripped(const std::string& metadata, const texts& paths) {
  return strip_secrets(json_text{metadata}, paths).text;
}

} // namespace

// -- paths --------------------------------------------------------------------

TEST_CASE("secret_paths: properties of that format are secrets, at any depth",
          "[secret_refs]") {
  CHECK(paths_in(R"({"properties":{
    "apiKey":{"type":"string","format":"secret-ref"},
    "image":{"type":"string","format":"uri"},
    "auth":{"type":"object","properties":{
      "token":{"format":"secret-ref"},"user":{"type":"string"}}}}})")
        == texts{"apiKey", "auth.token"});
}

TEST_CASE("secret_paths: branches have the prefix of what they belong to",
          "[secret_refs]") {
  CHECK(paths_in(R"({
    "allOf":[{"properties":{"a":{"format":"secret-ref"}}}],
    "anyOf":[{"properties":{"b":{"format":"secret-ref"}}},
             {"oneOf":[{"properties":{"c":{"format":"secret-ref"}}}]}],
    "properties":{"d":{"oneOf":[{"properties":{"e":{"format":"secret-ref"}}}]},
                  "a":{"format":"secret-ref"}}})")
        == texts{"a", "b", "c", "d.e"});
}

TEST_CASE("secret_paths: a secret may have secrets below it", "[secret_refs]") {
  CHECK(paths_in(R"({"properties":{"a":{"format":"secret-ref",
    "properties":{"b":{"format":"secret-ref"}}}}})")
        == texts{"a", "a.b"});
}

TEST_CASE("secret_paths: arrays, references and patterns are not looked into",
          "[secret_refs]") {
  auto schema = GENERATE(
    as<std::string>{},
    R"({"items":{"properties":{"a":{"format":"secret-ref"}}}})",
    R"({"properties":{"l":{"items":{"format":"secret-ref"}}}})",
    R"({"$ref":"#/d","d":{"properties":{"a":{"format":"secret-ref"}}}})",
    R"({"patternProperties":{".":{"format":"secret-ref"}}})",
    R"({"additionalProperties":{"format":"secret-ref"}})",
    R"({"format":"secret-ref"})", R"({"allOf":{"properties":{}}})",
    R"({"properties":[{"format":"secret-ref"}]})",
    R"({"properties":{"a":"secret-ref"}})",
    R"({"properties":{"a":{"format":["secret-ref"]}}})", "[]", "not json", "");
  CAPTURE(schema);
  CHECK(paths_in(schema).empty());
}

TEST_CASE("secret_paths: a schema that nests without end does no harm",
          "[secret_refs]") {
  std::string schema = R"({"format":"secret-ref"})";
  for (int i = 0; i < 500; ++i)
    schema = R"({"allOf":[)" + schema + "]}";
  CHECK(paths_in(schema).empty());
}

TEST_CASE("is_secret_id: any UUID is one, and nothing else", "[secret_refs]") {
  CHECK(is_secret_id(id_1));
  CHECK(is_secret_id(id_2));
  CHECK(is_secret_id("00000000-0000-0000-0000-000000000000"));
  for (auto text : {"", "sk-live-abc", "11111111222243338444555555555555",
                    "11111111-2222-4333-8444-55555555555",
                    "11111111-2222-4333-8444-5555555555555",
                    "g1111111-2222-4333-8444-555555555555",
                    "11111111_2222-4333-8444-555555555555"})
    CHECK_FALSE(is_secret_id(text));
}

// -- for one call -------------------------------------------------------------

TEST_CASE("secret_requests: each id at a secret path is asked for",
          "[secret_refs]") {
  secret_request place;
  place.company = {"acme"};
  place.environment = {"env-1"};
  place.needs_binding = false;
  json_text config{R"({"a":")" + id_1 + R"(","b":{"c":" )" + id_2
                   + R"(\n"},"d":")" + id_1 + R"(","e":"raw","f":7})"};
  auto all
    = secret_requests(config, {"a", "b.c", "e", "f", "g", "a.x", "b"}, place);
  REQUIRE(all.size() == 2);
  CHECK(all[0].secret.value == id_1);
  CHECK(all[0].path == "a");
  CHECK(all[0].company == company_id{"acme"});
  CHECK(all[0].environment == environment_id{"env-1"});
  CHECK_FALSE(all[0].needs_binding);
  CHECK(all[1].secret.value == id_2_lower);
  CHECK(all[1].path == "b.c");
}

TEST_CASE("fill_secrets: values take the place of ids, in the same order",
          "[secret_refs]") {
  json_text config{R"({"a":")" + id_1 + R"(","b":{"c":")" + id_2
                   + R"(","x":1},"e":"raw","image":")" + id_1 + "\"}"};
  CHECK(fill_secrets(config, {"a", "e", "missing", "b.c"}, {"one", "t\"wo"})
        == json_text{R"({"a":"one","b":{"c":"t\"wo","x":1},"e":"raw",)"
                     R"("image":")"
                     + id_1 + "\"}"});
  CHECK(fill_secrets(config, {}, {}) == config);
  // One that is missing leaves its id: nothing moves to another place.
  CHECK(fill_secrets(json_text{R"({"a":")" + id_1 + "\"}"}, {"a"}, {}).text
        == R"({"a":")" + id_1 + "\"}");
}

TEST_CASE("fill_secrets: a value that looks like an id is not taken for one",
          "[secret_refs]") {
  json_text config{R"({"a":")" + id_1 + R"(","b":")" + id_1 + "\"}"};
  CHECK(fill_secrets(config, {"a", "b"}, {id_2, "two"}).text
        == R"({"a":")" + id_2 + R"(","b":"two"})");
}

// -- for the store ------------------------------------------------------------

TEST_CASE("collapse_refs: a reference becomes its bare id", "[secret_refs]") {
  auto version = GENERATE(as<std::string>{}, "", R"(,"version":"latest")",
                          R"(,"version":null)");
  json_text config{R"({"a":{"type":"secret_ref","secretId":")" + id_1 + "\""
                   + version + R"(},"b":{"c":{"type":"secret_ref","secretId":")"
                   + id_2 + R"("}}})"};
  CHECK(collapse_refs(config, {"a", "b.c", "d"}).value().text
        == R"({"a":")" + id_1 + R"(","b":{"c":")" + id_2 + "\"}}");
}

TEST_CASE("collapse_refs: a pinned version is refused", "[secret_refs]") {
  json_text config{R"({"b":{"c":{"type":"secret_ref","secretId":")" + id_1
                   + R"(","version":3}}})"};
  auto why = collapse_refs(config, {"b.c"}).error();
  CHECK(why.code == ec::invalid_config);
  CHECK(why.message
        == "Secret binding at b.c pins version 3; sandbox provider secret "
           "references always resolve the latest version.");
}

TEST_CASE("collapse_refs: other objects, and other places, stay",
          "[secret_refs]") {
  auto config
    = GENERATE(as<std::string>{}, R"({"a":{"secretId":"x","type":"other"}})",
               R"({"a":{"secretId":7,"type":"secret_ref"}})", R"({"a":{}})",
               R"({"a":["secret_ref"]})",
               R"({"z":{"secretId":"x","type":"secret_ref","version":3}})");
  CHECK(collapse_refs(json_text{config}, {"a"}).value().text == config);
}

TEST_CASE("secure_config: values become ids of secrets to be made",
          "[secret_refs]") {
  auto x = secured(R"({"a":" sk-1\n","b":{"c":"sk-2"},"image":"debian"})",
                   {"a", "b.c"});
  CHECK(x.config.text == R"({"a":"id-1","b":{"c":"id-2"},"image":"debian"})");
  REQUIRE(x.raw.size() == 2);
  CHECK(x.raw[0].path == "a");
  CHECK(x.raw[0].value == "sk-1");
  CHECK(x.raw[0].secret == secret_id{"id-1"});
  CHECK(x.raw[1].path == "b.c");
  CHECK(x.raw[1].value == "sk-2");
  CHECK(x.uses == std::vector<secret_use>{{"a", {"id-1"}}, {"b.c", {"id-2"}}});
}

TEST_CASE("secure_config: an id is trimmed and stays; its use is lower case",
          "[secret_refs]") {
  auto x = secured(R"({"a":" )" + id_2 + " \"}", {"a"});
  CHECK(x.config.text == R"({"a":")" + id_2 + "\"}");
  CHECK(x.raw.empty());
  CHECK(x.uses == std::vector<secret_use>{{"a", {id_2_lower}}});
}

TEST_CASE("secure_config: an empty text is removed, and nothing is used there",
          "[secret_refs]") {
  auto x = secured(R"({"a":" \t","b":{"c":""},"d":"x"})", {"a", "b.c", "e"});
  CHECK(x.config.text == R"({"b":{},"d":"x"})");
  CHECK(x.raw.empty());
  CHECK(x.uses == std::vector<secret_use>{{"a", {}}, {"b.c", {}}, {"e", {}}});
}

TEST_CASE("secure_config: what is no text stays", "[secret_refs]") {
  auto config = GENERATE(as<std::string>{}, R"({"a":7})", R"({"a":null})",
                         R"({"a":{"b":"c"}})", R"({"a":["x"]})");
  auto x = secured(config, {"a"});
  CHECK(x.config.text == config);
  CHECK(x.raw.empty());
}

TEST_CASE("secure_fields: a value under one key is named under another",
          "[secret_refs]") {
  const std::vector<secret_field> fields{{"key", "keyRef", "private-key"}};
  auto x = secure_fields(json_text{R"({"host":"h","key":" PEM\n"})"}, fields,
                         counting());
  CHECK(x.config.text
        == R"({"host":"h","key":null,"keyRef":{"secretId":"id-1",)"
           R"("type":"secret_ref","version":"latest"}})");
  REQUIRE(x.raw.size() == 1);
  CHECK(x.raw[0].value == "PEM");
  CHECK(x.raw[0].path == "keyRef");
  CHECK(x.raw[0].name == "private-key");
  CHECK(x.uses == std::vector<secret_use>{{"keyRef", {"id-1"}}});
}

TEST_CASE("secure_fields: a reference stays, whatever version it pins",
          "[secret_refs]") {
  auto raw = GENERATE(as<std::string>{}, R"(,"key":null)", R"(,"key":" ")", "");
  auto config = R"({"keyRef":{"type":"secret_ref","secretId":")" + id_2
                + R"(","version":3})" + raw + "}";
  auto x
    = secure_fields(json_text{config}, {{"key", "keyRef", "k"}}, counting());
  CHECK(x.raw.empty());
  CHECK(x.uses == std::vector<secret_use>{{"keyRef", {id_2_lower}}});
  CHECK(x.config.text.find(R"("version":3)") != std::string::npos);
  CHECK(x.config.text.find("\" \"") == std::string::npos);
}

TEST_CASE("secure_fields: without value and reference nothing is used",
          "[secret_refs]") {
  auto config = GENERATE(as<std::string>{}, R"({})", R"({"keyRef":null})",
                         R"({"key":7,"keyRef":"x"})",
                         R"({"keyRef":{"secretId":"no id"}})");
  auto x
    = secure_fields(json_text{config}, {{"key", "keyRef", "k"}}, counting());
  CHECK(x.config.text == config);
  CHECK(x.uses == std::vector<secret_use>{{"keyRef", {}}});
}

TEST_CASE("keep_secret_ids: a driver cannot turn an id into its value",
          "[secret_refs]") {
  json_text given{R"({"a":")" + id_1 + R"(","b":"raw"})"};
  CHECK(keep_secret_ids(json_text{R"({"a":"value","b":"raw2","c":1})"}, given,
                        {"a", "b"})
          .text
        == R"({"a":")" + id_1 + R"(","b":"raw2","c":1})");
  // It may take the setting away.
  CHECK(keep_secret_ids(json_text{R"({"c":1})"}, given, {"a", "b"}).text
        == R"({"c":1})");
}

TEST_CASE("raw_secrets: texts at secret paths that are no ids",
          "[secret_refs]") {
  json_text config{R"({"a":")" + id_1
                   + R"(","b":" sk ","c":"","d":7,"e":"x"})"};
  CHECK(raw_secrets(config, {"a", "b", "c", "d"}) == texts{"sk"});
}

TEST_CASE("environment_secret_name: driver, environment, field and chance",
          "[secret_refs]") {
  CHECK(environment_secret_name("sandbox", "My  Box!", "apiKey", "0a1b2c3d")
        == "environment-sandbox-my-box-apikey-0a1b2c3d");
  CHECK(environment_secret_name("ssh", "--a--b--", "auth.Token", "0a1b2c3d")
        == "environment-ssh-a-b-auth-token-0a1b2c3d");
  CHECK(environment_secret_name("sandbox", "ÄÖ", "k", "0a1b2c3d")
        == "environment-sandbox-environment-k-0a1b2c3d");
  CHECK(environment_secret_name("sandbox", std::string(60, 'x'), "k", "0")
        == "environment-sandbox-" + std::string(48, 'x') + "-k-0");
}

TEST_CASE("strip_secrets: secrets go, and the objects that they empty",
          "[secret_refs]") {
  CHECK(stripped(R"({"a":"x","b":{"c":{"d":"y"}},"e":1})", {"a", "b.c.d"})
        == R"({"e":1})");
  CHECK(stripped(R"({"b":{"c":{"d":"y"},"z":1}})", {"b.c.d"})
        == R"({"b":{"z":1}})");
  CHECK(stripped(R"({"b":{"c":"x","d":"y"}})", {"b.c", "b.d"}) == "{}");
  // What was empty before is not touched, nor what is not there.
  CHECK(stripped(R"({"b":{},"c":"x"})", {"b.c", "c.d", "z"})
        == R"({"b":{},"c":"x"})");
  // Whatever stands there is one.
  CHECK(stripped(R"({"a":{"type":"secret_ref"},"b":7})", {"a", "b"}) == "{}");
}
