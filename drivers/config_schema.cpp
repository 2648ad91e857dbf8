#include "drivers/config_schema.hpp"

#include "drivers/schema_table.hpp"
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
#include <exception>
#include <string>
#include <string_view>

namespace leasehold {

namespace {

using nlohmann::json;

/// The library matches patterns by a recursion over the text, which runs out of
/// stack: up to 2 KiB of it a byte, where nothing is optimised.
constexpr size_t pattern_text_max = 1'024;

/// Bytes of a pattern.
constexpr size_t pattern_length_max = 1'024;

/// Digits of a number in a pattern.
constexpr size_t pattern_digits_max = 4;

failure unusable(std::string why) {
  return {ec::invalid_config, "The plugin's configSchema cannot be used.",
          std::move(why)};
}

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

size_t digits_at(std::string_view text, size_t pos) {
  auto end = text.find_first_not_of("0123456789", pos);
  return std::min(end, text.size()) - std::min(pos, text.size());
}

/// Whether a pattern counts further, in `{5,10}` or `\5`, than anybody needs:
/// the library would count until its integers are over.
bool counts_too_far(std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{' && pattern[i] != '\\')
      continue;
    auto digits = digits_at(pattern, i + 1);
    if (digits > pattern_digits_max)
      return true;
    if (pattern[i] == '\\') {
      i += std::max<size_t>(digits, 1);
    } else if (auto comma = i + 1 + digits;
               comma < pattern.size() && pattern[comma] == ',') {
      if (digits_at(pattern, comma + 1) > pattern_digits_max)
        return true;
    }
  }
  return false;
}

/// The library takes patterns apart by a recursion, too.
bool is_beyond_us(std::string_view pattern) {
  return pattern.size() > pattern_length_max || counts_too_far(pattern);
}

bool has_pattern_beyond_us(const json& x) {
  if (x.is_object()) {
    if (auto pos = x.find("pattern");
        pos != x.end() && pos->is_string()
        && is_beyond_us(pos->get_ref<const std::string&>()))
      return true;
    if (auto pos = x.find("patternProperties");
        pos != x.end() && pos->is_object())
      for (const auto& [pattern, schema] : pos->items())
        if (is_beyond_us(pattern))
          return true;
  }
  return x.is_structured()
         && std::any_of(x.begin(), x.end(), has_pattern_beyond_us);
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

// -- depth --------------------------------------------------------------------

size_t depth_of(const json& x) {
  size_t out = 0;
  if (x.is_structured())
    for (const auto& part : x)
      out = std::max(out, depth_of(part));
  return out + 1;
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
  // Of a schema that is `false` the library has nothing to say.
  if (out.message.empty())
    out.message = "config: its schema allows none";
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
    if (has_zero_divisor(schema_json))
      return unusable("It asks for multiples of zero, or of less.");
    if (has_pattern_beyond_us(schema_json))
      return unusable("It has a pattern that is longer than 1024 bytes, or "
                      "counts further than 9999.");
    auto patterns = has_patterns(schema_json);
    if (tabulate(schema_json) * depth_of(config_json) > checks_nested_max)
      return failure{
        ec::invalid_config, "config: nests too deep for its schema", {}};
    if (patterns && has_longer_text(config_json, pattern_text_max))
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
