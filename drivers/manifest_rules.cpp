// What a manifest must look like when a plugin is added (PB §1.3). What the
// engine needs of it later is in manifest.cpp.

#include "drivers/manifest.hpp"
#include "drivers/utf8.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace leasehold {

namespace {

using nlohmann::json;
using complaint = std::optional<std::string>;

constexpr std::array categories{"connector", "workspace", "automation", "ui"};

constexpr std::array driver_flags{
  "supportsReusableLeases",  "supportsInteractiveSetup",
  "supportsTemplateCapture", "supportsTemplateDelete",
  "supportsLoginPty",        "supportsSetupTokenLogin"};

/// The member; null if it is not there or says nothing.
const json* find(const json& x, const char* key) {
  auto pos = x.find(key);
  return pos == x.end() || pos->is_null() ? nullptr : &*pos;
}

bool is_text(const json& x, size_t shortest, size_t longest) {
  if (!x.is_string())
    return false;
  auto length = utf16_length(x.get_ref<const std::string&>());
  return length >= shortest && length <= longest;
}

complaint check_text(const json& x, const char* key, size_t longest,
                     const std::string& where, size_t shortest = 0) {
  const auto* text = find(x, key);
  if (!text || is_text(*text, shortest, longest))
    return std::nullopt;
  auto least = shortest > 0 ? std::to_string(shortest) + " to " : "at most ";
  return where + key + " must be a text of " + least + std::to_string(longest)
         + " characters.";
}

/// `a, b or c`, quoted.
template <class Texts>
std::string choice_of(const Texts& all) {
  std::string out;
  for (size_t i = 0; i < all.size(); ++i)
    out += (i == 0                ? ""
            : i + 1 == all.size() ? " or "
                                  : ", ")
           + ("\"" + std::string{all[i]} + "\"");
  return out;
}

complaint check_categories(const json& x) {
  const auto* all = find(x, "categories");
  if (!all)
    return std::nullopt;
  if (!all->is_array())
    return "categories must be an array of texts.";
  for (size_t i = 0; i < all->size(); ++i)
    if (std::ranges::none_of(categories,
                             [&](auto* y) { return (*all)[i] == json(y); }))
      return "categories[" + std::to_string(i) + "] must be "
             + choice_of(categories) + ".";
  return std::nullopt;
}

complaint check_capabilities(const json& x) {
  const auto& all = x["capabilities"];
  for (size_t i = 0; i < all.size(); ++i)
    if (!is_text(all[i], 1, 200))
      return "capabilities[" + std::to_string(i)
             + "] must be the name of a capability.";
  return std::nullopt;
}

/// A plugin in another language may have none: its command is given with it.
complaint check_entrypoints(const json& x) {
  const auto* all = find(x, "entrypoints");
  if (!all)
    return std::nullopt;
  if (!all->is_object())
    return "entrypoints must be an object.";
  const auto* worker = find(*all, "worker");
  if (!worker || !is_text(*worker, 1, 1'000))
    return "entrypoints.worker must be the path of the worker's program.";
  return check_text(*all, "ui", 1'000, "entrypoints.", 1);
}

/// At most so many texts.
complaint check_texts(const json& x, const char* key, size_t most,
                      const std::string& where) {
  const auto* all = find(x, key);
  if (!all)
    return std::nullopt;
  auto fits
    = all->is_array() && all->size() <= most
      && std::ranges::all_of(*all, [](auto& y) { return is_text(y, 1, 200); });
  if (fits)
    return std::nullopt;
  return where + key + " must be an array of at most " + std::to_string(most)
         + " texts.";
}

complaint check_sandbox_capabilities(const json& x, const std::string& where) {
  const auto* all = find(x, "sandboxCapabilities");
  if (!all)
    return std::nullopt;
  if (!all->is_object())
    return where + "sandboxCapabilities must be an object.";
  // Later versions of the format name more of them.
  for (const auto& [key, value] : all->items())
    if (!value.is_boolean())
      return std::string{where}.append("sandboxCapabilities.").append(key)
             + " must be true or false.";
  return std::nullopt;
}

complaint check_template_binding(const json& x, const std::string& where) {
  const auto* binding = find(x, "templateConfigBinding");
  if (!binding)
    return std::nullopt;
  auto here = where + "templateConfigBinding";
  if (!binding->is_object())
    return here + " must be an object.";
  const auto* field = find(*binding, "field");
  if (!field || !is_text(*field, 1, 100))
    return here + ".field must be the name of a field of the config.";
  return check_texts(*binding, "unsetFields", 20, here + ".");
}

complaint check_driver(const json& x, const std::string& where) {
  if (auto bad = check_text(x, "displayName", 100, where, 1))
    return bad;
  if (auto bad = check_text(x, "description", 500, where))
    return bad;
  for (const auto* flag : driver_flags)
    if (const auto* value = find(x, flag); value && !value->is_boolean())
      return where + flag + " must be true or false.";
  if (auto bad = check_sandbox_capabilities(x, where))
    return bad;
  if (auto bad = check_texts(x, "interactiveSetupConnectionTypes", 10, where))
    return bad;
  if (auto bad = check_texts(x, "templateIdentityPaths", 20, where))
    return bad;
  if (auto bad = check_text(x, "templateRefKind", 100, where, 1))
    return bad;
  return check_template_binding(x, where);
}

complaint check_all(const json& x) {
  if (auto bad = check_text(x, "description", 500, ""))
    return bad;
  if (auto bad = check_text(x, "author", 200, ""))
    return bad;
  if (auto bad = check_categories(x))
    return bad;
  if (auto bad = check_capabilities(x))
    return bad;
  if (auto bad = check_entrypoints(x))
    return bad;
  if (auto bad = check_text(x, "minimumHostVersion", 100, "", 1))
    return bad;
  const auto* drivers = find(x, "environmentDrivers");
  for (size_t i = 0; drivers && i < drivers->size(); ++i)
    if (auto bad = check_driver((*drivers)[i], "environmentDrivers["
                                                 + std::to_string(i) + "]."))
      return bad;
  return std::nullopt;
}

} // namespace

result<plugin_manifest> accept_manifest(const json_text& text) {
  auto manifest = parse_manifest(text);
  if (!manifest)
    return manifest;
  if (auto bad = check_all(json::parse(text.text)))
    return failure{ec::invalid_config, "Plugin manifest: " + *bad};
  return manifest;
}

} // namespace leasehold
