#include "drivers/manifest.hpp"

#include "drivers/json_value.hpp"
#include "drivers/utf8.hpp"
#include "messages/json_text_scan.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace leasehold {

namespace {

using nlohmann::json;

failure bad(const std::string& what) {
  return {ec::invalid_config, "Plugin manifest: " + what, {}};
}

bool is_semver(std::string_view x) {
  auto parts = 0;
  auto digits = 0;
  for (auto c : x) {
    if (c >= '0' && c <= '9') {
      ++digits;
    } else if (c == '.' && digits > 0 && parts < 2) {
      ++parts;
      digits = 0;
    } else {
      return parts == 2 && digits > 0 && (c == '-' || c == '+');
    }
  }
  return parts == 2 && digits > 0;
}

/// Whether the driver lets its resources wait (the nested flag wins).
bool reusable(const json& x) {
  auto nested = x.find("sandboxCapabilities");
  if (nested != x.end() && nested->is_object()
      && nested->contains("reusableLeases"))
    return nested->value("reusableLeases", json(true)) == json(true);
  auto flat = x.find("supportsReusableLeases");
  return flat == x.end() || *flat == json(true);
}

result<declared_driver> parse_driver(const json& x, size_t index) {
  auto where = "environmentDrivers[" + std::to_string(index) + "]";
  if (!x.is_object())
    return bad(where + " must be an object.");
  declared_driver out;
  out.key = text_of(x, "driverKey");
  if (!is_driver_key(out.key))
    return bad(where
               + ".driverKey must start with a lowercase alphanumeric and "
                 "contain only lowercase letters, digits, dots, hyphens, or "
                 "underscores.");
  out.kind = x.contains("kind") ? text_of(x, "kind") : "environment_driver";
  if (out.kind != "environment_driver" && out.kind != "sandbox_provider")
    return bad(where
               + ".kind must be \"environment_driver\" or "
                 "\"sandbox_provider\".");
  out.display_name = text_of(x, "displayName");
  out.description = text_of(x, "description");
  if (x.contains("configSchema")) {
    if (!x["configSchema"].is_object())
      return bad(where + ".configSchema must be a JSON schema object.");
    out.config_schema = json_text{x["configSchema"].dump()};
  }
  out.reusable_leases = reusable(x);
  return out;
}

/// Keys that stand there twice, joined by commas.
std::string duplicates_of(std::vector<declared_driver> drivers) {
  std::vector<std::string> keys;
  keys.reserve(drivers.size());
  for (auto& x : drivers)
    keys.push_back(std::move(x.key));
  std::sort(keys.begin(), keys.end());
  std::string out;
  for (auto i = std::adjacent_find(keys.begin(), keys.end()); i != keys.end();
       i = std::adjacent_find(std::upper_bound(i, keys.end(), *i), keys.end()))
    out += (out.empty() ? "" : ", ") + *i;
  return out;
}

bool has_capability(const json& x, std::string_view name) {
  auto pos = x.find("capabilities");
  return pos != x.end() && pos->is_array()
         && std::any_of(pos->begin(), pos->end(),
                        [&](const json& y) { return y == json(name); });
}

std::optional<failure> check_head(const json& x) {
  if (!is_driver_key(text_of(x, "id")))
    return bad("id must start with a lowercase alphanumeric and contain only "
               "lowercase letters, digits, dots, hyphens, or underscores.");
  if (!x.contains("apiVersion") || x["apiVersion"] != json(1))
    return bad("apiVersion must be 1.");
  if (!is_semver(text_of(x, "version")))
    return bad("version must be a semantic version such as 1.2.3.");
  auto name = text_of(x, "displayName");
  if (name.empty() || utf16_length(name) > 100)
    return bad("displayName must have 1 to 100 characters.");
  if (!x.contains("capabilities") || !x["capabilities"].is_array()
      || x["capabilities"].empty())
    return bad("capabilities must name at least one capability.");
  return std::nullopt;
}

} // namespace

bool is_driver_key(std::string_view key) noexcept {
  auto plain
    = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !key.empty() && plain(key[0])
         && std::all_of(key.begin(), key.end(), [&](char c) {
              return plain(c) || c == '.' || c == '_' || c == '-';
            });
}

result<plugin_manifest> parse_manifest(const json_text& text) {
  if (nests_deeper(text.text, json_depth_max))
    return bad("it nests deeper than " + std::to_string(json_depth_max)
               + " levels.");
  auto x = json::parse(text.text, nullptr, false);
  if (!x.is_object())
    return bad("it must be a JSON object.");
  if (auto why = check_head(x))
    return *why;
  plugin_manifest out{
    text_of(x, "id"), text_of(x, "version"), text_of(x, "displayName"), {}, {}};
  for (const auto& capability : x["capabilities"])
    if (capability.is_string())
      out.capabilities.push_back(capability.get<std::string>());
  auto drivers = x.find("environmentDrivers");
  if (drivers == x.end() || drivers->is_null())
    return out;
  if (!drivers->is_array())
    return bad("environmentDrivers must be an array.");
  for (size_t i = 0; i < drivers->size(); ++i) {
    auto driver = parse_driver((*drivers)[i], i);
    if (!driver)
      return driver.error();
    out.drivers.push_back(std::move(driver).value());
  }
  if (!out.drivers.empty()
      && !has_capability(x, "environment.drivers.register"))
    return bad("Capability 'environment.drivers.register' is required when "
               "environmentDrivers are declared");
  if (auto twice = duplicates_of(out.drivers); !twice.empty())
    return bad("Duplicate environment driver keys: " + twice);
  return out;
}

const declared_driver* find_driver(const plugin_manifest& manifest,
                                   std::string_view key) {
  // Keys are unique within a manifest.
  for (const auto& x : manifest.drivers)
    if (x.key == key)
      return &x;
  return nullptr;
}

const declared_driver* find_driver(const plugin_manifest& manifest,
                                   std::string_view key,
                                   std::string_view kind) {
  auto* found = find_driver(manifest, key);
  return found && found->kind == kind ? found : nullptr;
}

} // namespace leasehold
