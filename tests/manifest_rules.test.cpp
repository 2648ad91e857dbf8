// All that a manifest must be when a plugin is added (PB 1.3).

#include "drivers/bubblewrap/bubblewrap_manifest.hpp"
#include "drivers/manifest.hpp"
#include "tests/support/catch.hpp"

using namespace leasehold;
using nlohmann::json;

namespace {

/// As a plugin that is written with the SDK has it, with every field.
json good() {
  return json::parse(R"({
    "id": "acme.boxes", "apiVersion": 1, "version": "1.2.3",
    "displayName": "Boxes", "description": "Makes boxes.", "author": "Acme",
    "categories": ["automation"], "minimumHostVersion": "1.0.0",
    "capabilities": ["environment.drivers.register"],
    "entrypoints": {"worker": "./dist/worker.js", "ui": "./dist/ui"},
    "instanceConfigSchema": {"type": "object"}, "jobs": [], "tools": [],
    "environmentDrivers": [
      {"driverKey": "boxes", "kind": "sandbox_provider",
       "displayName": "Boxes", "description": "Boxes.",
       "supportsReusableLeases": true,
       "sandboxCapabilities": {"reusableLeases": true, "nativeSyncIn": false,
                               "somethingOfNextYear": true},
       "supportsInteractiveSetup": true,
       "interactiveSetupConnectionTypes": ["ssh"],
       "supportsTemplateCapture": true, "templateRefKind": "snapshot",
       "templateConfigBinding": {"field": "image", "unsetFields": ["size"]},
       "templateIdentityPaths": ["region"], "supportsTemplateDelete": false,
       "supportsLoginPty": false,
       "configSchema": {"type": "object"}}]})");
}

std::string why_not(const json& x) {
  auto out = accept_manifest(json_text{x.dump()});
  if (out)
    return "nothing is wrong";
  CHECK(out.error().code == ec::invalid_config);
  return out.error().message;
}

/// The good manifest with the value at a path replaced.
json with(const std::string& path, json value) {
  auto out = good();
  out[json::json_pointer{path}] = std::move(value);
  return out;
}

json without(const std::string& key) {
  auto out = good();
  out.erase(key);
  return out;
}

const std::string here = "Plugin manifest: ";
const std::string driver = here + "environmentDrivers[0].";

} // namespace

TEST_CASE("manifest_rules: good ones are accepted", "[manifest]") {
  CHECK(why_not(good()) == "nothing is wrong");
  CHECK(accept_manifest(json_text{bubblewrap::manifest().dump()}));
  // What a worker in another language has no use for.
  for (const auto* key : {"description", "author", "categories", "entrypoints",
                          "minimumHostVersion", "environmentDrivers"})
    CHECK(why_not(without(key)) == "nothing is wrong");
  CHECK(why_not(with("/description", nullptr)) == "nothing is wrong");
}

TEST_CASE("manifest_rules: what the engine relies on is checked first",
          "[manifest]") {
  CHECK(why_not(with("/apiVersion", 2)) == here + "apiVersion must be 1.");
  CHECK(why_not(without("capabilities"))
        == here + "capabilities must name at least one capability.");
}

TEST_CASE("manifest_rules: texts have their length", "[manifest]") {
  CHECK(why_not(with("/description", std::string(500, 'x')))
        == "nothing is wrong");
  for (const auto& wrong : {json(std::string(501, 'x')), json(7)})
    CHECK(why_not(with("/description", wrong))
          == here + "description must be a text of at most 500 characters.");
  CHECK(why_not(with("/author", std::string(201, 'x')))
        == here + "author must be a text of at most 200 characters.");
  CHECK(why_not(with("/minimumHostVersion", 1))
        == here + "minimumHostVersion must be a text of 1 to 100 characters.");
}

TEST_CASE("manifest_rules: categories are known ones", "[manifest]") {
  CHECK(why_not(with("/categories", "ui"))
        == here + "categories must be an array of texts.");
  CHECK(why_not(with("/categories", {"ui", "games"}))
        == here
             + "categories[1] must be \"connector\", \"workspace\", "
               "\"automation\" or \"ui\".");
}

TEST_CASE("manifest_rules: capabilities have names", "[manifest]") {
  CHECK(why_not(with("/capabilities/1", ""))
        == here + "capabilities[1] must be the name of a capability.");
}

TEST_CASE("manifest_rules: entrypoints name the worker", "[manifest]") {
  CHECK(why_not(with("/entrypoints", "worker.js"))
        == here + "entrypoints must be an object.");
  for (const auto& wrong :
       {json::object(), json{{"worker", ""}}, json{{"worker", nullptr}}})
    CHECK(why_not(with("/entrypoints", wrong))
          == here
               + "entrypoints.worker must be the path of the worker's "
                 "program.");
}

TEST_CASE("manifest_rules: a driver's fields are named when they are wrong",
          "[manifest]") {
  auto at = [](const std::string& key, json value) {
    return why_not(with("/environmentDrivers/0/" + key, std::move(value)));
  };
  CHECK(at("displayName", "")
        == driver + "displayName must be a text of 1 to 100 characters.");
  CHECK(at("description", std::string(501, 'x'))
        == driver + "description must be a text of at most 500 characters.");
  CHECK(at("supportsReusableLeases", "yes")
        == driver + "supportsReusableLeases must be true or false.");
  CHECK(at("sandboxCapabilities", true)
        == driver + "sandboxCapabilities must be an object.");
  CHECK(at("sandboxCapabilities/nativeSyncIn", 1)
        == driver + "sandboxCapabilities.nativeSyncIn must be true or false.");
  CHECK(
    at("interactiveSetupConnectionTypes", std::vector<std::string>(11, "ssh"))
    == driver
         + "interactiveSetupConnectionTypes must be an array of at most "
           "10 texts.");
  CHECK(at("templateIdentityPaths", "region")
        == driver
             + "templateIdentityPaths must be an array of at most 20 texts.");
  CHECK(at("templateRefKind", 1)
        == driver + "templateRefKind must be a text of 1 to 100 characters.");
  CHECK(at("templateConfigBinding", 1)
        == driver + "templateConfigBinding must be an object.");
  CHECK(at("templateConfigBinding/field", 1)
        == driver
             + "templateConfigBinding.field must be the name of a field of "
               "the config.");
}

TEST_CASE("manifest_rules: a plugin that was added before a rule goes on",
          "[manifest]") {
  auto old = with("/categories", "games");
  CHECK(parse_manifest(json_text{old.dump()}));
  CHECK_FALSE(accept_manifest(json_text{old.dump()}));
}

TEST_CASE("manifest_rules: capabilities are read", "[manifest]") {
  auto x = with("/capabilities", {"environment.drivers.register", "a.b"});
  CHECK(accept_manifest(json_text{x.dump()}).value().capabilities
        == std::vector<std::string>{"environment.drivers.register", "a.b"});
}
