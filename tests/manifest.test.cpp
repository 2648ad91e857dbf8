// A plugin's manifest (PB 1.3): what it must say, and what is said if it does
// not.

#include "drivers/manifest.hpp"

#include "drivers/bubblewrap/bubblewrap_manifest.hpp"
#include "tests/support/catch.hpp"

using namespace leasehold;
using nlohmann::json;

namespace {

json good() {
  return json::parse(R"({
    "id": "acme.boxes", "apiVersion": 1, "version": "1.2.3",
    "displayName": "Boxes",
    "capabilities": ["environment.drivers.register"],
    "entrypoints": {"worker": "dist/worker.js"},
    "environmentDrivers": [
      {"driverKey": "boxes", "kind": "sandbox_provider",
       "displayName": "Boxes", "description": "Boxes.",
       "configSchema": {"type": "object"}}]})");
}

result<plugin_manifest> parse(const json& x) {
  return parse_manifest(json_text{x.dump()});
}

std::string why_not(const json& x) {
  auto out = parse(x);
  return out ? "nothing is wrong" : out.error().message;
}

/// The good manifest with one member replaced.
json with(const char* key, json value) {
  auto out = good();
  out[key] = std::move(value);
  return out;
}

/// The good manifest with one member of its driver replaced.
json with_driver(const char* key, json value) {
  auto out = good();
  out["environmentDrivers"][0][key] = std::move(value);
  return out;
}

const std::string key_rule
  = "must start with a lowercase alphanumeric and contain only lowercase "
    "letters, digits, dots, hyphens, or underscores.";

} // namespace

TEST_CASE("manifest: a good one is read", "[manifest]") {
  auto out = parse(good());
  REQUIRE(out);
  CHECK(out->key == "acme.boxes");
  CHECK(out->version == "1.2.3");
  CHECK(out->display_name == "Boxes");
  REQUIRE(out->drivers.size() == 1);
  const auto& driver = out->drivers.front();
  CHECK(driver.key == "boxes");
  CHECK(driver.kind == "sandbox_provider");
  CHECK(driver.display_name == "Boxes");
  CHECK(driver.description == "Boxes.");
  CHECK(driver.config_schema.text == R"({"type":"object"})");
  CHECK(driver.reusable_leases);
}

TEST_CASE("manifest: ours is a good one", "[manifest]") {
  auto out = parse(bubblewrap::manifest());
  REQUIRE(out);
  auto* driver = find_driver(*out, "bubblewrap", "sandbox_provider");
  REQUIRE(driver);
  CHECK(driver->reusable_leases);
}

TEST_CASE("manifest: must be a JSON object", "[manifest]") {
  auto text = GENERATE(as<std::string>{}, "", "[]", "nonsense", "null");
  auto out = parse_manifest(json_text{text});
  CHECK(out.error().code == ec::invalid_config);
  CHECK(out.error().message == "Plugin manifest: it must be a JSON object.");
}

// -- the head -----------------------------------------------------------------

TEST_CASE("manifest: one that nests without end is refused", "[manifest]") {
  const size_t levels = 1u << 20;
  auto text
    = "{\"id\":" + std::string(levels, '[') + std::string(levels, ']') + "}";
  for (auto read : {parse_manifest, accept_manifest}) {
    auto out = read(json_text{text});
    CHECK(out.error().code == ec::invalid_config);
    CHECK(out.error().message
          == "Plugin manifest: it nests deeper than 500 levels.");
  }
}

TEST_CASE("manifest: its id is a key", "[manifest]") {
  for (const auto& id : {json("Acme"), json(""), json("-a"), json(".a"),
                         json("a b"), json(1), json(nullptr), json("ä")})
    CHECK(why_not(with("id", id)) == "Plugin manifest: id " + key_rule);
  for (const auto* id : {"a", "0", "a.b-c_d", "9lives"})
    CHECK(why_not(with("id", id)) == "nothing is wrong");
}

TEST_CASE("manifest: its API version is 1", "[manifest]") {
  for (const auto& version : {json(2), json("1"), json(nullptr), json(true)})
    CHECK(why_not(with("apiVersion", version))
          == "Plugin manifest: apiVersion must be 1.");
}

TEST_CASE("manifest: its version is a semantic one", "[manifest]") {
  for (const auto& version :
       {json("1"), json("1.2"), json("1.2.x"), json(""), json("v1.2.3"),
        json("1..3"), json(1.2), json("1.2.3.4")})
    CHECK(why_not(with("version", version))
          == "Plugin manifest: version must be a semantic version such as "
             "1.2.3.");
  for (const auto* version : {"0.0.1", "10.20.30", "1.2.3-beta.1", "1.2.3+b7"})
    CHECK(why_not(with("version", version)) == "nothing is wrong");
}

TEST_CASE("manifest: its name has 1 to 100 characters", "[manifest]") {
  std::string wide;
  for (auto i = 0; i < 100; ++i)
    wide += "€";
  CHECK(why_not(with("displayName", std::string(100, 'x')))
        == "nothing is wrong");
  CHECK(why_not(with("displayName", wide)) == "nothing is wrong");
  for (const auto& name :
       {json(""), json(std::string(101, 'x')), json(wide + "€"), json(1)})
    CHECK(why_not(with("displayName", name))
          == "Plugin manifest: displayName must have 1 to 100 characters.");
}

TEST_CASE("manifest: it names a capability", "[manifest]") {
  for (const auto& capabilities : {json::array(), json("x"), json(nullptr)})
    CHECK(why_not(with("capabilities", capabilities))
          == "Plugin manifest: capabilities must name at least one "
             "capability.");
}

// -- its drivers --------------------------------------------------------------

TEST_CASE("manifest: it need not declare drivers", "[manifest]") {
  for (const auto& drivers : {json(nullptr), json::array()}) {
    auto plain = with("environmentDrivers", drivers);
    plain["capabilities"] = {"ui"};
    auto out = parse(plain);
    REQUIRE(out);
    CHECK(out->drivers.empty());
  }
}

TEST_CASE("manifest: drivers need their capability", "[manifest]") {
  CHECK(why_not(with("capabilities", {"ui"}))
        == "Plugin manifest: Capability 'environment.drivers.register' is "
           "required when environmentDrivers are declared");
}

TEST_CASE("manifest: no two drivers have one key", "[manifest]") {
  auto twice = good();
  auto& drivers = twice["environmentDrivers"];
  for (const auto* key : {"zoo", "boxes", "ark", "zoo", "zoo"}) {
    drivers.push_back(drivers[0]);
    drivers.back()["driverKey"] = key;
  }
  CHECK(why_not(twice)
        == "Plugin manifest: Duplicate environment driver keys: boxes, zoo");
}

TEST_CASE("manifest: a driver's fields are named when they are wrong",
          "[manifest]") {
  const std::string here = "Plugin manifest: environmentDrivers[0]";
  CHECK(why_not(with_driver("driverKey", "Boxes"))
        == here + ".driverKey " + key_rule);
  CHECK(why_not(with_driver("kind", "printer"))
        == here
             + ".kind must be \"environment_driver\" or \"sandbox_provider\".");
  CHECK(why_not(with_driver("configSchema", "none"))
        == here + ".configSchema must be a JSON schema object.");
  CHECK(why_not(with("environmentDrivers", {1}))
        == here + " must be an object.");
  CHECK(why_not(with("environmentDrivers", "boxes"))
        == "Plugin manifest: environmentDrivers must be an array.");
}

TEST_CASE("manifest: a driver without a kind is an environment driver",
          "[manifest]") {
  auto plain = good();
  plain["environmentDrivers"][0].erase("kind");
  plain["environmentDrivers"][0].erase("configSchema");
  auto out = parse(plain);
  REQUIRE(out);
  CHECK(out->drivers.front().kind == "environment_driver");
  CHECK(out->drivers.front().config_schema.text == "{}");
}

TEST_CASE("manifest: the nested flag for reuse wins over the flat one",
          "[manifest]") {
  auto reuses = [](json flat, json nested) {
    auto x = good();
    auto& driver = x["environmentDrivers"][0];
    if (!flat.is_null())
      driver["supportsReusableLeases"] = flat;
    if (!nested.is_null())
      driver["sandboxCapabilities"]["reusableLeases"] = nested;
    return parse(x).value().drivers.front().reusable_leases;
  };
  CHECK(reuses(nullptr, nullptr));
  CHECK(reuses(true, nullptr));
  CHECK_FALSE(reuses(false, nullptr));
  CHECK(reuses(false, true));
  CHECK_FALSE(reuses(true, false));
}

TEST_CASE("manifest: a driver is found by key and kind", "[manifest]") {
  auto manifest = parse(good()).value();
  CHECK(find_driver(manifest, "boxes", "sandbox_provider"));
  CHECK_FALSE(find_driver(manifest, "boxes", "environment_driver"));
  CHECK_FALSE(find_driver(manifest, "crates", "sandbox_provider"));
}
