// What is JSON within a column.

#include "storage/records.hpp"

#include <nlohmann/json.hpp>

namespace leasehold {

namespace {

/// Texts that came through a process list or a file need not be UTF-8.
std::string dump(const nlohmann::json& x) {
  return x.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Throws `nlohmann::json::exception`.
plugin_offer to_offer(const nlohmann::json& x) {
  plugin_offer out;
  x.at("version").get_to(out.version);
  x.at("manifest").get_to(out.manifest.text);
  x.at("command").get_to(out.command);
  x.at("env").get_to(out.env);
  x.at("packageName").get_to(out.package_name);
  x.at("packagePath").get_to(out.package_path);
  x.at("config").get_to(out.config.text);
  return out;
}

/// Has `take` read the JSON in `text`.
template <class Take>
result<> parse(const std::string& text, Take take) {
  try {
    take(nlohmann::json::parse(text));
    return done{};
  } catch (const nlohmann::json::exception& e) {
    return failure{ec::store_unusable, e.what()};
  }
}

} // namespace

std::string to_json(const std::vector<std::string>& x) {
  return dump(x);
}

std::string to_json(const std::map<std::string, std::string>& x) {
  return dump(x);
}

std::string to_json(const std::optional<plugin_offer>& x) {
  if (!x)
    return {};
  return dump({{"version", x->version},
               {"manifest", x->manifest.text},
               {"command", x->command},
               {"env", x->env},
               {"packageName", x->package_name},
               {"packagePath", x->package_path},
               {"config", x->config.text}});
}

result<> from_json(const std::string& text, std::vector<std::string>& x) {
  return parse(text, [&](const auto& json) { json.get_to(x); });
}

result<> from_json(const std::string& text,
                   std::map<std::string, std::string>& x) {
  return parse(text, [&](const auto& json) { json.get_to(x); });
}

result<> from_json(const std::string& text, std::optional<plugin_offer>& x) {
  if (text.empty())
    return done{};
  return parse(text, [&](const auto& json) { x = to_offer(json); });
}

} // namespace leasehold
