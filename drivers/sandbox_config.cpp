#include "drivers/sandbox_config.hpp"

#include "drivers/json_value.hpp"
#include "drivers/manifest.hpp"
#include "drivers/worker_params.hpp"
#include "messages/json.hpp"
#include "messages/json_members.hpp"
#include "messages/json_writer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>

namespace leasehold::sandbox {

namespace {

using nlohmann::json;

constexpr milliseconds overhead{30'000};
constexpr int64_t timeout_max = 86'400'000;
constexpr int64_t parked_ttl_max = 366 * timeout_max;

json parse(const json_text& x) {
  auto out = json::parse(x.text, nullptr, false);
  return out.is_object() ? out : json::object();
}

json value_of(std::string_view text) {
  if (auto number = integer_of(text))
    return *number;
  return text.starts_with('"') ? json(string_of(text)) : json::parse(text);
}

/// What the engine itself reads of a config; the rest is the provider's.
json known_members(const json_text& config) {
  auto all = json_members::of(config.text);
  auto out = json::object();
  for (const auto* key :
       {"bridgeRequestTimeoutMs", "leasePolicy", "onResumeFailure",
        "parkedTtlMs", "provider", "reuseLease", "timeoutMs"})
    if (auto value = all.find(key); !value.empty())
      out[key] = value_of(value);
  return out;
}

json nullable(const std::string& x) {
  return x.empty() ? json(nullptr) : json(x);
}

failure bad(std::string why) {
  return {ec::invalid_config, std::move(why)};
}

std::string trimmed(const std::string& x) {
  constexpr auto* white = " \t\r\n\f\v";
  auto first = x.find_first_not_of(white);
  if (first == std::string::npos)
    return {};
  return x.substr(first, x.find_last_not_of(white) + 1 - first);
}

/// A member that is there and not null.
const json* given(const json& x, const char* key) {
  auto pos = x.find(key);
  return pos == x.end() || pos->is_null() ? nullptr : &*pos;
}

/// A text of digits is the number it spells, as forms send it.
void coerce(json& x, const char* key) {
  auto* value = given(x, key);
  if (!value || !value->is_string())
    return;
  auto text = trimmed(value->get<std::string>());
  if (!text.empty() && text.size() < 16
      && text.find_first_not_of("0123456789") == std::string::npos)
    x[key] = std::strtoll(text.c_str(), nullptr, 10);
}

/// Every text rule of PB §2.3 in order: the first one that is broken is told.
std::optional<failure> check(const json& x, const std::string& provider) {
  auto* name = given(x, "provider");
  if (name && !name->is_string())
    return bad("Sandbox provider is required.");
  if (!is_driver_key(provider))
    return bad("Sandbox provider key must start with a lowercase alphanumeric "
               "and contain only lowercase letters, digits, dots, hyphens, or "
               "underscores");
  auto* timeout = given(x, "timeoutMs");
  if (timeout
      && (!timeout->is_number() || *timeout < json(1)
          || *timeout > json(timeout_max)))
    return bad("timeoutMs must be between 1 and 86400000.");
  auto* reuse = given(x, "reuseLease");
  if (reuse && !reuse->is_boolean())
    return bad("reuseLease must be true or false.");
  auto* parked = given(x, "parkedTtlMs");
  if (parked
      && (!parked->is_number_integer() || *parked < json(0)
          || *parked > json(parked_ttl_max)))
    return bad("parkedTtlMs must be a whole number of milliseconds, up to a "
               "year; 0 means for ever.");
  auto* on_failure = given(x, "onResumeFailure");
  if (on_failure && *on_failure != json("acquire")
      && *on_failure != json("preserve"))
    return bad("onResumeFailure must be \"acquire\" or \"preserve\".");
  return std::nullopt;
}

result<std::optional<lease_policy>> policy_in(const json& x, bool reuse) {
  std::optional<lease_policy> out;
  auto* wanted = given(x, "leasePolicy");
  if (!wanted)
    return out;
  out.emplace();
  if (!wanted->is_string() || !from_string(wanted->get<std::string>(), *out))
    return bad("leasePolicy must be \"ephemeral\", \"reuse_by_environment\", "
               "\"reuse_by_execution_workspace\" or \"retain_on_failure\".");
  if (is_reusable(*out) != reuse)
    return bad(reuse ? "leasePolicy contradicts reuseLease: true."
                     : "leasePolicy " + to_string(*out)
                         + " needs reuseLease: true.");
  return out;
}

/// What the built-in provider takes.
result<json_text> normalize_fake(const json& x) {
  for (const auto& [key, unused] : x.items())
    if (key != "provider" && key != "image" && key != "reuseLease")
      return bad("Unrecognized key \"" + key
                 + "\" in the config of the built-in fake provider.");
  auto* image = given(x, "image");
  auto name = !image               ? std::string{"ubuntu:24.04"}
              : image->is_string() ? trimmed(image->get<std::string>())
                                   : std::string{};
  if (name.empty())
    return bad("Fake sandbox environments require an image.");
  auto* reuse = given(x, "reuseLease");
  return pack({{"provider", "fake"},
               {"image", name},
               {"reuseLease", reuse && *reuse == json(true)}});
}

} // namespace

result<settings> parse_settings(const json_text& config) {
  auto x = known_members(config);
  coerce(x, "timeoutMs");
  coerce(x, "parkedTtlMs");
  settings out;
  auto* name = given(x, "provider");
  if (name && name->is_string())
    if (auto text = trimmed(name->get<std::string>()); !text.empty())
      out.provider = text;
  if (auto why = check(x, out.provider))
    return *why;
  auto* reuse = given(x, "reuseLease");
  out.reuse_lease = reuse && *reuse == json(true);
  auto policy = policy_in(x, out.reuse_lease);
  if (!policy)
    return policy.error();
  out.policy = *policy;
  auto* on_failure = given(x, "onResumeFailure");
  out.preserve_on_resume_failure
    = on_failure && *on_failure == json("preserve");
  auto time_at = [&x](const char* key) {
    auto* value = given(x, key);
    return value ? wire::time_in(value->dump()) : milliseconds{0};
  };
  out.timeout = time_at("timeoutMs");
  out.bridge_timeout = time_at("bridgeRequestTimeoutMs");
  return out;
}

result<json_text> normalize(const json_text& config) {
  auto parsed = parse_settings(config);
  if (!parsed)
    return parsed.error();
  auto x = parse(config);
  if (parsed->provider == "fake")
    return normalize_fake(x);
  coerce(x, "timeoutMs");
  coerce(x, "parkedTtlMs");
  x["provider"] = parsed->provider;
  x["reuseLease"] = parsed->reuse_lease;
  return pack(x);
}

std::string fake_image(const json_text& config) {
  auto x = parse(config);
  auto* image = given(x, "image");
  return image && image->is_string() ? image->get<std::string>()
                                     : "ubuntu:24.04";
}

std::string fingerprint_of(const settings& config, const json_text& stored) {
  auto ignored = wire::envelope_keys;
  ignored.emplace_back("reuseLease");
  return config.provider + ":" + config_fingerprint(stored, ignored);
}

lease_policy policy_of(const plan_lease& what, const settings& config,
                       bool can_resume) {
  auto wanted = config.policy.value_or(config.reuse_lease
                                         ? lease_policy::reuse_by_environment
                                         : lease_policy::ephemeral);
  if (!is_reusable(wanted))
    return wanted;
  // Nobody but its workspace could ever claim it.
  auto homeless = wanted == lease_policy::reuse_by_execution_workspace
                  && what.workspace.empty();
  return can_resume && !what.run.empty() && !homeless ? wanted
                                                      : lease_policy::ephemeral;
}

json_text plan_metadata(const plan_lease& what, const settings& config,
                        lease_policy policy, const plugin_row& plugin,
                        const std::vector<std::string>& secret_paths) {
  auto reuse = is_reusable(policy);
  json_writer own{what.place.config.text.size() + 8};
  for (const auto& [key, value] : json_members::of(what.place.config.text))
    if (key == "reuseLease")
      own.flag(key, reuse);
    else
      own.json(key, value);
  // Sorted, as all that is stored.
  json_writer out{what.place.config.text.size() + 512};
  out.json("config", std::move(own).done().text).text("driver", "sandbox");
  if (what.workspace_mode.empty())
    out.json("executionWorkspaceMode", "null");
  else
    out.text("executionWorkspaceMode", what.workspace_mode);
  out.text("pluginId", plugin.id.value)
    .text("pluginKey", plugin.key)
    .text("provider", config.provider)
    .flag("reuseLease", reuse)
    .flag("sandboxProviderPlugin", true);
  if (!secret_paths.empty())
    out.json("secretPaths", pack(secret_paths).text);
  return std::move(out).done();
}

json_text fake_metadata(const plan_lease& what, const settings& config) {
  return pack({{"driver", "sandbox"},
               {"executionWorkspaceMode", nullable(what.workspace_mode)},
               {"image", fake_image(what.place.config)},
               {"provider", config.provider},
               {"reuseLease", config.reuse_lease}});
}

milliseconds verb_timeout(const settings& config) {
  auto base = std::max(config.timeout, config.bridge_timeout);
  return base.count() > 0 ? base + overhead : milliseconds{0};
}

} // namespace leasehold::sandbox
