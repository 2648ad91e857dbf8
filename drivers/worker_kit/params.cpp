#include "drivers/worker_kit/params.hpp"

namespace leasehold::kit {

namespace {

const json& find(const json& params, const std::string& name) {
  static const json none;
  auto pos = params.find(name);
  return pos == params.end() ? none : *pos;
}

std::string text_of(const json& value, const std::string& name) {
  if (!value.is_string())
    reject(name, "must be a string");
  auto text = value.get<std::string>();
  // No path, argument or variable of ours can hold one.
  if (text.find('\0') != std::string::npos)
    reject(name, "must not contain NUL");
  return text;
}

} // namespace

void reject(const std::string& name, std::string_view rule) {
  throw rpc_error{error_code::invalid_params,
                  "Parameter \"" + name + "\" " + std::string{rule}};
}

std::string required_text(const json& params, const std::string& name) {
  auto text = text_of(find(params, name), name);
  if (text.empty())
    reject(name, "must not be empty");
  return text;
}

std::string optional_text(const json& params, const std::string& name) {
  const auto& value = find(params, name);
  return value.is_null() ? std::string{} : text_of(value, name);
}

std::optional<uint64_t>
optional_number(const json& params, const std::string& name, uint64_t least) {
  const auto& value = find(params, name);
  if (value.is_null())
    return std::nullopt;
  if (!value.is_number_unsigned() || value.get<uint64_t>() < least)
    reject(name, "must be a whole number of at least " + std::to_string(least));
  return value.get<uint64_t>();
}

const json& required_object(const json& params, const std::string& name) {
  const auto& value = find(params, name);
  if (!value.is_object())
    reject(name, "must be an object");
  return value;
}

const json& optional_object(const json& params, const std::string& name) {
  static const json empty = json::object();
  const auto& value = find(params, name);
  if (value.is_null())
    return empty;
  if (!value.is_object())
    reject(name, "must be an object");
  return value;
}

std::vector<std::string> optional_texts(const json& params,
                                        const std::string& name) {
  const auto& value = find(params, name);
  std::vector<std::string> out;
  if (value.is_null())
    return out;
  if (!value.is_array())
    reject(name, "must be an array of strings");
  for (const auto& item : value)
    out.push_back(text_of(item, name + "/" + std::to_string(out.size())));
  return out;
}

std::map<std::string, std::string> optional_text_map(const json& params,
                                                     const std::string& name) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : optional_object(params, name).items())
    out.emplace(key, text_of(value, std::string{name}.append("/").append(key)));
  return out;
}

} // namespace leasehold::kit
