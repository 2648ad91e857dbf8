#include "drivers/config_schema.hpp"

#include <nlohmann/json.hpp>
// Without this, a schema that is none ends the process.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <exception>
#include <string>

namespace leasehold {

namespace {

using nlohmann::json;

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
  try {
    auto schema_json = json::parse(schema.text);
    auto config_json = json::parse(config.text);
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
    return failure{ec::invalid_config,
                   "The plugin's configSchema cannot be used.", err.what()};
  }
}

} // namespace leasehold
