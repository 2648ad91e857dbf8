// Secrets in configs: paths, ids and values.

#include "drivers/secret_refs.hpp"

#include "drivers/json_value.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace leasehold {

namespace {

using nlohmann::json;
using texts = std::vector<std::string>;

/// Schemas come from plugins; a human never nests that deep.
constexpr int depth_max = 64;

json object_of(const json_text& x) {
  auto out = json::parse(x.text, nullptr, false);
  return out.is_object() ? out : json::object();
}

// -- paths --------------------------------------------------------------------

texts keys_of(std::string_view path) {
  texts out;
  for (size_t begin = 0; begin <= path.size();) {
    auto end = std::min(path.find('.', begin), path.size());
    out.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// The value at a path; null if there is none.
json* at_path(json& x, std::string_view path) {
  auto* here = &x;
  for (const auto& key : keys_of(path)) {
    if (!here->is_object())
      return nullptr;
    auto pos = here->find(key);
    if (pos == here->end())
      return nullptr;
    here = &*pos;
  }
  return here;
}

/// Removes what stands at a path; says whether something did.
bool erase_path(json& x, std::string_view path) {
  auto end = path.rfind('.');
  auto is_nested = end != std::string_view::npos;
  auto* parent = is_nested ? at_path(x, path.substr(0, end)) : &x;
  if (!parent || !parent->is_object())
    return false;
  auto key = std::string{is_nested ? path.substr(end + 1) : path};
  return parent->erase(key) > 0;
}

void collect(const json& schema, const std::string& prefix, int depth,
             std::set<std::string>& to);

void collect_branches(const json& schema, const std::string& prefix, int depth,
                      std::set<std::string>& to) {
  for (const auto* key : {"allOf", "anyOf", "oneOf"}) {
    auto branches = schema.find(key);
    if (branches == schema.end() || !branches->is_array())
      continue;
    for (const auto& branch : *branches)
      collect(branch, prefix, depth + 1, to);
  }
}

void collect(const json& schema, const std::string& prefix, int depth,
             std::set<std::string>& to) {
  if (!schema.is_object() || depth > depth_max)
    return;
  collect_branches(schema, prefix, depth, to);
  auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object())
    return;
  for (const auto& [key, property] : properties->items()) {
    if (!property.is_object())
      continue;
    auto path = prefix;
    if (!path.empty())
      path += '.';
    path += key;
    auto format = property.find("format");
    if (format != property.end() && *format == "secret-ref")
      to.insert(path);
    collect(property, path, depth + 1, to);
  }
}

// -- texts --------------------------------------------------------------------

bool is_hex(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
         || (c >= 'A' && c <= 'F');
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view x) {
  std::string out{x};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return lower(c); });
  return out;
}

std::string trimmed(std::string_view x) {
  constexpr auto space = " \t\r\n\v\f";
  auto begin = x.find_first_not_of(space);
  if (begin == std::string_view::npos)
    return {};
  return std::string{x.substr(begin, x.find_last_not_of(space) + 1 - begin)};
}

/// Lower case, with one `-` for each run of other characters.
std::string dashed(std::string_view x) {
  std::string out;
  for (auto c : lower(x)) {
    auto plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      out += c;
    else if (out.empty() || out.back() != '-')
      out += '-';
  }
  return out;
}

std::string without_dashes_around(const std::string& x) {
  auto begin = x.find_first_not_of('-');
  if (begin == std::string::npos)
    return {};
  return x.substr(begin, x.find_last_not_of('-') + 1 - begin);
}

/// The id at a path, or nothing.
std::string id_at(json& config, const std::string& path) {
  auto* value = at_path(config, path);
  if (!value || !value->is_string())
    return {};
  auto text = trimmed(value->get_ref<const std::string&>());
  return is_secret_id(text) ? text : std::string{};
}

} // namespace

// -- where they are -----------------------------------------------------------

std::vector<std::string> secret_paths(const json_text& schema) {
  std::set<std::string> all;
  collect(object_of(schema), {}, 0, all);
  return {all.begin(), all.end()};
}

bool is_secret_id(std::string_view text) noexcept {
  if (text.size() != 36)
    return false;
  for (size_t i = 0; i < text.size(); ++i) {
    auto is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : !is_hex(text[i]))
      return false;
  }
  return true;
}

// -- for one call -------------------------------------------------------------

std::vector<secret_request> secret_requests(const json_text& config,
                                            const texts& paths,
                                            const secret_request& place) {
  std::vector<secret_request> out;
  if (paths.empty())
    return out;
  auto x = object_of(config);
  for (const auto& path : paths) {
    auto id = id_at(x, path);
    if (id.empty())
      continue;
    auto& request = out.emplace_back(place);
    request.secret = {lower(id)};
    request.path = path;
  }
  return out;
}

json_text fill_secrets(const json_text& config, const texts& paths,
                       const texts& values) {
  auto x = object_of(config);
  size_t next = 0;
  for (const auto& path : paths)
    if (next < values.size() && !id_at(x, path).empty())
      *at_path(x, path) = values[next++];
  return pack(x);
}

// -- for the store ------------------------------------------------------------

result<json_text> collapse_refs(const json_text& config, const texts& paths) {
  auto x = object_of(config);
  for (const auto& path : paths) {
    auto* value = at_path(x, path);
    if (!value || !value->is_object()
        || value->value("type", json()) != "secret_ref"
        || !value->value("secretId", json()).is_string())
      continue;
    auto version = value->value("version", json("latest"));
    if (version != "latest" && !version.is_null())
      return failure{
        ec::invalid_config,
        "Secret binding at " + path + " pins version "
          + version.dump(-1, ' ', false, json::error_handler_t::replace)
          + "; sandbox provider secret references always resolve "
            "the latest version."};
    auto id = (*value)["secretId"].get<std::string>();
    *value = std::move(id);
  }
  return pack(x);
}

secured_config secure_config(const json_text& config, const texts& paths,
                             const std::function<std::string()>& make_id) {
  secured_config out;
  auto x = object_of(config);
  for (const auto& path : paths) {
    auto& use = out.uses.emplace_back(secret_use{path, {}});
    auto* value = at_path(x, path);
    if (!value || !value->is_string())
      continue;
    auto text = trimmed(value->get_ref<const std::string&>());
    if (text.empty()) {
      erase_path(x, path);
      continue;
    }
    if (is_secret_id(text)) {
      use.secret = {lower(text)};
    } else {
      use.secret = {make_id()};
      out.raw.push_back(
        {path, std::exchange(text, use.secret.value), use.secret});
    }
    *value = std::move(text);
  }
  out.config = pack(x);
  return out;
}

secured_config secure_fields(const json_text& config,
                             const std::vector<secret_field>& fields,
                             const std::function<std::string()>& make_id) {
  secured_config out;
  auto x = object_of(config);
  for (const auto& field : fields) {
    auto& use = out.uses.emplace_back(secret_use{field.reference, {}});
    auto raw = x.find(field.raw);
    if (raw != x.end() && raw->is_string()) {
      auto text = trimmed(raw->get_ref<const std::string&>());
      *raw = nullptr;
      if (!text.empty()) {
        use.secret = {make_id()};
        x[field.reference] = {{"type", "secret_ref"},
                              {"secretId", use.secret.value},
                              {"version", "latest"}};
        out.raw.push_back(
          {field.reference, std::move(text), use.secret, field.name});
        continue;
      }
    }
    if (auto id = id_at(x, field.reference + ".secretId"); !id.empty())
      use.secret = {lower(id)};
  }
  out.config = pack(x);
  return out;
}

json_text keep_secret_ids(const json_text& validated, const json_text& given,
                          const texts& paths) {
  auto x = object_of(validated);
  auto before = object_of(given);
  for (const auto& path : paths) {
    auto id = id_at(before, path);
    auto* value = at_path(x, path);
    if (!id.empty() && value && value->is_string())
      *value = std::move(id);
  }
  return pack(x);
}

std::vector<std::string> raw_secrets(const json_text& config,
                                     const texts& paths) {
  texts out;
  auto x = object_of(config);
  for (const auto& path : paths) {
    auto* value = at_path(x, path);
    if (!value || !value->is_string() || !id_at(x, path).empty())
      continue;
    auto text = trimmed(value->get_ref<const std::string&>());
    if (!text.empty())
      out.push_back(std::move(text));
  }
  return out;
}

std::string secret_field_of(std::string_view path) {
  return dashed(path);
}

std::string environment_secret_name(std::string_view driver,
                                    std::string_view environment,
                                    std::string_view path,
                                    std::string_view tag) {
  constexpr size_t slug_max = 48;
  auto slug = without_dashes_around(dashed(environment)).substr(0, slug_max);
  if (slug.empty())
    slug = "environment";
  return "environment-" + std::string{driver} + "-" + slug + "-"
         + secret_field_of(path) + "-" + std::string{tag};
}

json_text strip_secrets(const json_text& metadata, const texts& paths) {
  auto x = object_of(metadata);
  for (std::string_view path : paths) {
    if (!erase_path(x, path))
      continue;
    for (auto end = path.rfind('.'); end != std::string_view::npos;
         end = path.rfind('.')) {
      path = path.substr(0, end);
      auto* parent = at_path(x, path);
      if (!parent || !parent->empty())
        break;
      erase_path(x, path);
    }
  }
  return pack(x);
}

} // namespace leasehold
