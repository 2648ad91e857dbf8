#include "drivers/ssh/ssh_config.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace leasehold::ssh {

namespace {

using nlohmann::json;

constexpr auto white_space = " \t\r\n\v\f";

failure invalid(std::string text) {
  return {ec::invalid_config, std::move(text)};
}

std::string trimmed(std::string_view text) {
  auto begin = text.find_first_not_of(white_space);
  if (begin == std::string_view::npos)
    return {};
  auto end = text.find_last_not_of(white_space);
  return std::string{text.substr(begin, end - begin + 1)};
}

/// The member of that name; null if there is none.
const json& member(const json& object, const char* name) {
  static const json null;
  auto found = object.find(name);
  return found == object.end() ? null : *found;
}

/// The trimmed text of a member; empty if it is not a text.
std::string text_of(const json& object, const char* name) {
  const auto& value = member(object, name);
  return value.is_string() ? trimmed(value.get_ref<const std::string&>())
                           : std::string{};
}

/// A text that may be missing or null, but nothing else.
result<std::string> optional_text(const json& object, const char* name) {
  const auto& value = member(object, name);
  if (value.is_null() || value.is_string())
    return text_of(object, name);
  return invalid("\"" + std::string{name} + "\" must be a string or null.");
}

/// The number that a text spells out; NaN if it does not.
double number_in(const std::string& text) {
  auto out = 0.0;
  if (text.empty())
    return out;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size()
           ? out
           : std::numeric_limits<double>::quiet_NaN();
}

/// What JavaScript makes a number of: PB §2.2 has ports coerced.
double coerced(const json& value) {
  if (value.is_number())
    return value.get<double>();
  if (value.is_string())
    return number_in(trimmed(value.get_ref<const std::string&>()));
  if (value.is_boolean())
    return value.get<bool>() ? 1 : 0;
  return value.is_null() ? 0 : std::numeric_limits<double>::quiet_NaN();
}

result<uint16_t> port_of(const json& object) {
  if (!object.contains("port"))
    return uint16_t{22};
  auto port = coerced(object["port"]);
  if (!(port >= 1 && port <= 65'535) || std::floor(port) != port)
    return invalid("\"port\" must be a whole number from 1 to 65535.");
  return static_cast<uint16_t>(port);
}

/// What would be an option of the SSH client, or several words, is no name.
result<std::string> name_of(const json& object, const char* field,
                            const char* missing) {
  auto text = text_of(object, field);
  if (text.empty())
    return invalid(missing);
  auto is_control = [](unsigned char c) { return c <= ' ' || c == 0x7f; };
  if (text[0] == '-' || std::any_of(text.begin(), text.end(), is_control))
    return invalid("\"" + std::string{field}
                   + "\" must not begin with \"-\" or contain white space or "
                     "control characters.");
  return text;
}

result<std::string> workspace_of(const json& object) {
  auto path = text_of(object, "remoteWorkspacePath");
  if (path.empty())
    return invalid("SSH environments require a remote workspace path.");
  if (path[0] != '/')
    return invalid("SSH remote workspace path must be absolute.");
  if (path.find_first_of(std::string_view{"\0\r\n", 3}) != std::string::npos)
    return invalid("SSH remote workspace path must be a single line.");
  return path;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  constexpr std::string_view digits = "0123456789abcdefABCDEF";
  auto fits = [&](char c, char wanted) {
    return wanted == '-' ? c == '-' : digits.find(c) != digits.npos;
  };
  return text.size() == form.size()
         && std::equal(text.begin(), text.end(), form.begin(), fits);
}

/// The first key that is not one of `known`; empty if there is none.
template <size_t N>
std::string unknown_key(const json& object,
                        const std::array<std::string_view, N>& known) {
  for (const auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return key;
  return {};
}

failure unrecognised(const std::string& path) {
  return invalid("Unrecognized key \"" + path + "\" in the SSH config.");
}

result<uint32_t> version_of(const json& reference) {
  if (!reference.contains("version") || reference["version"] == "latest")
    return uint32_t{0};
  const auto& version = reference["version"];
  constexpr auto last = std::numeric_limits<uint32_t>::max();
  if (version.is_number_unsigned() && version.get<uint64_t>() > 0
      && version.get<uint64_t>() <= last)
    return version.get<uint32_t>();
  return invalid("\"privateKeySecretRef.version\" must be \"latest\" or a "
                 "positive whole number.");
}

result<std::optional<key_reference>> key_of(const json& object) {
  using out = std::optional<key_reference>;
  const auto& value = member(object, "privateKeySecretRef");
  if (value.is_null())
    return out{};
  // The short form that other configs use.
  if (value.is_string() && is_uuid(trimmed(value.get<std::string>())))
    return out{{{trimmed(value.get<std::string>())}, 0}};
  if (!value.is_object() || member(value, "type") != "secret_ref")
    return invalid("\"privateKeySecretRef\" must be null or an object of type "
                   "\"secret_ref\".");
  const auto& secret = member(value, "secretId");
  if (!secret.is_string() || !is_uuid(secret.get_ref<const std::string&>()))
    return invalid("\"privateKeySecretRef.secretId\" must be a UUID.");
  auto version = version_of(value);
  if (!version)
    return version.error();
  constexpr std::array<std::string_view, 3> known{"type", "secretId",
                                                  "version"};
  if (auto key = unknown_key(value, known); !key.empty())
    return unrecognised("privateKeySecretRef." + key);
  return out{{{secret.get<std::string>()}, *version}};
}

/// The fields that say where, and as whom.
result<settings> parse_target(const json& object) {
  settings out;
  auto host = name_of(object, "host", "SSH environments require a host.");
  if (!host)
    return host.error();
  auto port = port_of(object);
  if (!port)
    return port.error();
  auto username
    = name_of(object, "username", "SSH environments require a username.");
  if (!username)
    return username.error();
  auto path = workspace_of(object);
  if (!path)
    return path.error();
  out.host = *host;
  out.port = *port;
  out.username = *username;
  out.workspace_path = *path;
  return out;
}

result<draft> parse(const json& object, bool may_have_key) {
  draft out;
  auto target = parse_target(object);
  if (!target)
    return target.error();
  out.config = *target;
  if (!may_have_key && !member(object, "privateKey").is_null())
    return invalid("\"privateKey\" must be null; the key itself is kept as a "
                   "secret, named by \"privateKeySecretRef\".");
  auto raw = optional_text(object, "privateKey");
  if (!raw)
    return raw.error();
  out.private_key = *raw;
  auto key = key_of(object);
  if (!key)
    return key.error();
  out.config.key = *key;
  auto known_hosts = optional_text(object, "knownHosts");
  if (!known_hosts)
    return known_hosts.error();
  out.config.known_hosts = *known_hosts;
  if (object.contains("strictHostKeyChecking")) {
    if (!object["strictHostKeyChecking"].is_boolean())
      return invalid("\"strictHostKeyChecking\" must be true or false.");
    out.config.strict_host_keys = object["strictHostKeyChecking"].get<bool>();
  }
  constexpr std::array<std::string_view, 8> known{
    "host",       "port",
    "username",   "remoteWorkspacePath",
    "privateKey", "privateKeySecretRef",
    "knownHosts", "strictHostKeyChecking"};
  if (auto unknown = unknown_key(object, known); !unknown.empty())
    return unrecognised(unknown);
  return out;
}

result<draft> parse(const json_text& config, bool may_have_key) {
  auto object = json::parse(config.text, nullptr, false);
  if (object.is_discarded())
    return invalid("The SSH config is not JSON.");
  // PB §2: what is not an object is an empty one.
  return parse(object.is_object() ? object : json::object(), may_have_key);
}

json or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(text);
}

} // namespace

result<settings> parse_settings(const json_text& config) {
  auto out = parse(config, false);
  if (!out)
    return out.error();
  return std::move(out->config);
}

result<draft> parse_draft(const json_text& config) {
  return parse(config, true);
}

json_text to_stored(const settings& config) {
  json out{{"host", config.host},
           {"port", config.port},
           {"username", config.username},
           {"remoteWorkspacePath", config.workspace_path},
           {"privateKey", nullptr},
           {"privateKeySecretRef", nullptr},
           {"knownHosts", or_null(config.known_hosts)},
           {"strictHostKeyChecking", config.strict_host_keys}};
  if (config.key) {
    json version = "latest";
    if (config.key->version > 0)
      version = config.key->version;
    out["privateKeySecretRef"] = {{"type", "secret_ref"},
                                  {"secretId", config.key->secret.value},
                                  {"version", version}};
  }
  return json_text{out.dump(-1, ' ', false, json::error_handler_t::replace)};
}

std::string address_of(const settings& config) {
  return config.username + "@" + config.host;
}

} // namespace leasehold::ssh
