// Texts and configs as people give them: on the command line, in files, on
// standard input.

#include "cli/config_input.hpp"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>

namespace leasehold::cli {

namespace {

using nlohmann::json;

failure bad_config(const std::string& why) {
  return {ec::invalid_request, why, {}};
}

/// The engine takes no more; what nests without end could not even be sent.
constexpr int depth_max = 500;

/// Parses a text that may nest as deep as it likes; throws as the library does.
/// What nests too deep is left out of the value, which nobody may use then.
json parse_bounded(const std::string& text, bool& too_deep) {
  auto keep = [&](int depth, json::parse_event_t, const json&) {
    too_deep = too_deep || depth > depth_max;
    return !too_deep;
  };
  return json::parse(text, keep);
}

/// Reads a JSON object; the library's words about a bad one lose their prefix.
result<json> parse_object(const std::string& text) {
  try {
    auto too_deep = false;
    auto parsed = parse_bounded(text, too_deep);
    if (too_deep)
      return bad_config("--config nests deeper than "
                        + std::to_string(depth_max) + " levels.");
    if (parsed.is_object())
      return parsed;
    return bad_config("--config is not a JSON object.");
  } catch (const json::exception& why) {
    std::string words{why.what()};
    if (auto end = words.find("] "); end != std::string::npos)
      words.erase(0, end + 2);
    return bad_config("--config is not valid JSON: " + words + ".");
  }
}

result<json> config_from(
  const std::string& given,
  const std::function<result<std::string>(const std::string&)>& read) {
  if (given.empty())
    return json::object();
  if (given != "-" && given.front() != '@')
    return parse_object(given);
  auto text = read(given == "-" ? given : given.substr(1));
  return text ? parse_object(*text) : result<json>{text.error()};
}

/// `true` and `3` are JSON, `debian` is text, and so is what no engine takes.
json value_of(const std::string& text) {
  try {
    auto too_deep = false;
    auto parsed = parse_bounded(text, too_deep);
    return too_deep ? json(text) : parsed;
  } catch (const json::exception&) {
    return text;
  }
}

} // namespace

result<std::string> read_text(const std::string& path) {
  using iterator = std::istreambuf_iterator<char>;
  if (path == "-")
    return std::string{iterator{std::cin}, iterator{}};
  std::ifstream file{path, std::ios::binary};
  // Opening a directory succeeds; reading it does not.
  if (!file || (file.peek(), file.bad()))
    return failure{ec::invalid_request,
                   "The file " + path + " cannot be read: "
                     + std::generic_category().message(errno) + ".",
                   {}};
  file.clear();
  return std::string{iterator{file}, iterator{}};
}

result<std::string> read_option(const std::string& given) {
  if (given == "-" || given.starts_with('@'))
    return read_text(given == "-" ? given : given.substr(1));
  return given;
}

result<environment_info> environment_from(
  const env_add_arguments& what,
  const std::function<result<std::string>(const std::string&)>& read) {
  auto config = config_from(what.config, read);
  if (!config)
    return config.error();
  for (const auto& setting : what.settings) {
    auto middle = setting.find('=');
    if (middle == std::string::npos || middle == 0)
      return bad_config("--set: '" + setting + "' is not KEY=VALUE.");
    (*config)[setting.substr(0, middle)] = value_of(setting.substr(middle + 1));
  }
  if (!what.provider.empty()) {
    auto named = config->find("provider");
    if (named != config->end() && *named != what.provider)
      return bad_config("--provider says " + what.provider
                        + ", the configuration says something else.");
    (*config)["provider"] = what.provider;
  }
  environment_info result;
  result.name = what.name;
  result.description = what.description;
  result.driver = what.provider.empty() ? what.driver : "sandbox";
  result.config = config->dump(-1, ' ', false, json::error_handler_t::replace);
  return result;
}

} // namespace leasehold::cli
