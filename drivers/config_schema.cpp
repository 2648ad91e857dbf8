#include "drivers/config_schema.hpp"

#include "messages/json_text_scan.hpp"

#include <nlohmann/json.hpp>
// Without this, a schema that is none ends the process.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <string>
#include <unordered_map>

namespace leasehold {

namespace {

using nlohmann::json;

/// The library matches patterns by a recursion over the text, which runs out of
/// stack: up to 2 KiB of it a byte, where nothing is optimised.
constexpr size_t pattern_text_max = 1'024;

failure unusable(std::string why) {
  return {ec::invalid_config, "The plugin's configSchema cannot be used.",
          std::move(why)};
}

// -- schemas that lead nowhere ------------------------------------------------

/// What `$ref` names, as the library finds it; null if there is nothing.
const json* target_of(const json& root, const std::string& reference) {
  auto hash = reference.find('#');
  auto pointer
    = hash == std::string::npos ? std::string{} : reference.substr(hash + 1);
  std::string decoded;
  for (size_t i = 0; i < pointer.size(); ++i) {
    auto value = 0u;
    const auto* from = pointer.data() + i + 1;
    if (pointer[i] == '%' && i + 2 < pointer.size()
        && std::from_chars(from, from + 2, value, 16).ptr == from + 2) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += pointer[i];
    }
  }
  while (decoded.ends_with('/'))
    decoded.pop_back();
  try {
    json::json_pointer where{decoded};
    return root.contains(where) ? &root.at(where) : nullptr;
  } catch (const json::exception&) {
    return nullptr;
  }
}

/// Whether a schema asks for itself about one and the same value: the library
/// would ask for ever.
class circle_search {
public:
  explicit circle_search(const json& root) : root_{root} {
    // nop
  }

  bool finds(const json& schema) {
    if (look(schema))
      return true;
    for (const auto& part : schema)
      if (part.is_structured() && finds(part))
        return true;
    return false;
  }

private:
  enum class mark : uint8_t { open, settled };

  bool look(const json& schema) {
    if (!schema.is_object())
      return false;
    auto [pos, fresh] = marks_.emplace(&schema, mark::open);
    if (!fresh)
      return pos->second == mark::open;
    if (marks_open_++ > json_depth_max || look_further(schema))
      return true;
    --marks_open_;
    marks_[&schema] = mark::settled;
    return false;
  }

  bool look_further(const json& schema) {
    if (auto ref = schema.find("$ref"); ref != schema.end()) {
      auto* target = ref->is_string()
                       ? target_of(root_, ref->get<std::string>())
                       : nullptr;
      return target && look(*target);
    }
    for (const auto* key : {"not", "if", "then", "else"})
      if (auto part = schema.find(key); part != schema.end() && look(*part))
        return true;
    for (const auto* key : {"allOf", "anyOf", "oneOf", "extends", "type",
                            "disallow", "dependencies"})
      if (auto parts = schema.find(key);
          parts != schema.end() && look_into(*parts))
        return true;
    return false;
  }

  bool look_into(const json& parts) {
    if (parts.is_object() && look(parts))
      return true;
    return parts.is_structured()
           && std::any_of(parts.begin(), parts.end(),
                          [this](const json& x) { return look(x); });
  }

  const json& root_;
  std::unordered_map<const json*, mark> marks_;
  size_t marks_open_ = 0;
};

// -- divisors -----------------------------------------------------------------

/// Whether a schema asks for multiples of nothing: the library would divide by
/// it, and the process would end.
bool has_zero_divisor(const json& x) {
  if (x.is_object())
    for (const auto* key : {"multipleOf", "divisibleBy"})
      if (auto pos = x.find(key);
          pos != x.end() && pos->is_number() && !(*pos > json(0)))
        return true;
  return x.is_structured() && std::any_of(x.begin(), x.end(), has_zero_divisor);
}

// -- patterns -----------------------------------------------------------------

/// Whether a schema asks for patterns: its own, or those of dates and times.
bool has_patterns(const json& x) {
  if (x.is_object()) {
    if (x.contains("pattern") || x.contains("patternProperties"))
      return true;
    auto format = x.find("format");
    if (format != x.end()
        && (*format == "date" || *format == "time" || *format == "date-time"))
      return true;
  }
  return x.is_structured() && std::any_of(x.begin(), x.end(), has_patterns);
}

/// Whether some text, or some key, is longer.
bool has_longer_text(const json& x, size_t length) {
  if (x.is_string())
    return x.get_ref<const std::string&>().size() > length;
  if (x.is_object())
    for (const auto& [key, value] : x.items())
      if (key.size() > length)
        return true;
  return x.is_structured()
         && std::any_of(x.begin(), x.end(), [&](const json& part) {
              return has_longer_text(part, length);
            });
}

// -- words --------------------------------------------------------------------

/// `<root>[a][b]` as people write it: `a.b`.
std::string path_of(const std::string& context) {
  std::string out;
  size_t pos = 0;
  while ((pos = context.find('[', pos)) != std::string::npos) {
    auto end = context.find(']', pos);
    if (end == std::string::npos)
      break;
    if (!out.empty())
      out += '.';
    out += context.substr(pos + 1, end - pos - 1);
    pos = end;
  }
  return out.empty() ? "config" : out;
}

std::string context_of(const valijson::ValidationResults::Error& error) {
  std::string out;
  for (const auto& part : error.context)
    out += part;
  return out;
}

/// The first error says what is really wrong, the others where that leads to on
/// the way out.
failure explain(valijson::ValidationResults& results) {
  failure out{ec::invalid_config, {}, {}};
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    auto line = path_of(context_of(error)) + ": " + error.description;
    if (out.message.empty())
      out.message = std::move(line);
    else
      out.detail += (out.detail.empty() ? "" : "\n") + line;
  }
  return out;
}

} // namespace

result<> check_against_schema(const json_text& config,
                              const json_text& schema) {
  if (nests_deeper(schema.text, json_depth_max))
    return unusable("It nests too deep.");
  if (nests_deeper(config.text, json_depth_max))
    return failure{ec::invalid_config, "config: nests too deep", {}};
  try {
    auto schema_json = json::parse(schema.text);
    auto config_json = json::parse(config.text);
    if (circle_search{schema_json}.finds(schema_json))
      return unusable("It leads in a circle.");
    if (has_zero_divisor(schema_json))
      return unusable("It asks for multiples of zero, or of less.");
    if (has_patterns(schema_json)
        && has_longer_text(config_json, pattern_text_max))
      return failure{ec::invalid_config,
                     "config: a text is longer than "
                       + std::to_string(pattern_text_max)
                       + " bytes, which is too long for its schema's patterns",
                     {}};
    valijson::Schema parsed;
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter{schema_json},
                          parsed);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(parsed,
                           valijson::adapters::NlohmannJsonAdapter{config_json},
                           &results))
      return done{};
    return explain(results);
  } catch (const std::exception& err) {
    return unusable(err.what());
  }
}

} // namespace leasehold
