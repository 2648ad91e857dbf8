#include "drivers/instance_config.hpp"

#include "drivers/config_schema.hpp"
#include "drivers/secret_refs.hpp"
#include "messages/json.hpp"

#include <nlohmann/json.hpp>

namespace leasehold {

namespace {

using nlohmann::json;

bool is_reference(const json& x) {
  return x.is_object() && x.contains("type") && x["type"] == "secret_ref"
         && x.contains("secretId") && x["secretId"].is_string();
}

/// The config with bare ids in place of references, as schemas see it.
json collapsed(const json& x) {
  if (is_reference(x))
    return x["secretId"];
  auto out = x;
  if (x.is_structured())
    for (auto& member : out)
      member = collapsed(member);
  return out;
}

failure spelled_out(const std::string& path) {
  return {ec::invalid_config,
          "The plugin's config spells a secret out at " + path + ".",
          "Keep the value with `leasehold secret put`, bind it with `leasehold "
          "secret bind --plugin KEY`, and write {\"type\": \"secret_ref\", "
          "\"secretId\": ID} there."};
}

} // namespace

result<> check_instance_config(const json_text& manifest,
                               const json_text& config) {
  auto schema = json_member(manifest, "instanceConfigSchema");
  auto parsed = json::parse(config.text, nullptr, false);
  if (!schema || parsed.is_discarded())
    return done{};
  json_text plain{collapsed(parsed).dump()};
  for (const auto& path : secret_paths(*schema))
    if (!raw_secrets(plain, {path}).empty())
      return spelled_out(path);
  return check_against_schema(plain, *schema);
}

} // namespace leasehold
