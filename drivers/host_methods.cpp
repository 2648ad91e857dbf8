#include "drivers/host_methods.hpp"

#include "drivers/json_value.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <optional>

namespace leasehold::rpc {

namespace {

using nlohmann::json;

/// A number from 1, or zero for the latest; nothing if it is neither.
std::optional<uint32_t> version_of(const json& reference) {
  auto pos = reference.find("version");
  if (pos == reference.end() || pos->is_null() || *pos == json("latest"))
    return 0;
  if (!pos->is_number_integer() || *pos < 1
      || *pos > std::numeric_limits<uint32_t>::max())
    return std::nullopt;
  return pos->get<uint32_t>();
}

failure invalid(const std::string& what) {
  return {ec::invalid_request,
          "Invalid secret reference for plugin: " + what
            + ". Use { type: \"secret_ref\", secretId, version? }"};
}

} // namespace

result<secret_question> parse_secret_question(const json_text& params) {
  auto x = json::parse(params.text, nullptr, false);
  auto reference = x.is_object() ? x.find("secretRef") : x.end();
  if (!x.is_object() || reference == x.end())
    return invalid("there is none");
  if (!reference->is_object())
    return invalid(std::string{"it is of type "} + reference->type_name());
  if (text_of(*reference, "type") != "secret_ref")
    return invalid("its type is not \"secret_ref\"");
  secret_question out;
  out.secret.value = text_of(*reference, "secretId");
  if (out.secret.empty())
    return invalid("it has no secretId");
  auto version = version_of(*reference);
  if (!version)
    return invalid("its version is neither a number from 1 nor \"latest\"");
  out.version = *version;
  out.path = text_of(x, "configPath");
  return out;
}

std::vector<std::string> capabilities_of(const json_text& manifest) {
  std::vector<std::string> out;
  auto x = json::parse(manifest.text, nullptr, false);
  auto listed = x.is_object() ? x.find("capabilities") : x.end();
  if (!x.is_object() || listed == x.end() || !listed->is_array())
    return out;
  for (const auto& name : *listed)
    if (name.is_string())
      out.push_back(name.get<std::string>());
  return out;
}

} // namespace leasehold::rpc
