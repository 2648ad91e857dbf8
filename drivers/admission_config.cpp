#include "drivers/admission_config.hpp"

#include "messages/json.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <string>

namespace leasehold {

namespace {

using nlohmann::json;

constexpr const char* own_key = "admission";

failure wrong(const std::string& path, const std::string& rule) {
  return {ec::invalid_config, own_key + path + " " + rule + "."};
}

constexpr int64_t timeout_max = int64_t{24} * 3'600'000;

/// A whole number that fits; nothing if it is none.
std::optional<int64_t> whole(const json& x, int64_t least, int64_t most) {
  if (!x.is_number_integer() || x < json(least) || x > json(most))
    return std::nullopt;
  return x.get<int64_t>();
}

result<> read_weights(const json& x, admission_limits& to) {
  if (!x.is_object())
    return wrong(".weights", "must be an object of whole numbers");
  for (const auto& [company, weight] : x.items()) {
    auto number = whole(weight, 1, 1'000);
    if (!number)
      return wrong(".weights." + company,
                   "must be a whole number from 1 to 1000");
    to.weights[company] = static_cast<uint32_t>(*number);
  }
  return done{};
}

result<> read_entry(const std::string& key, const json& value,
                    admission_limits& to) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  if (key == "weights")
    return read_weights(value, to);
  if (key == "queueTimeoutMs") {
    auto time = whole(value, 1, timeout_max);
    if (!time)
      return wrong(".queueTimeoutMs",
                   "must be a whole number from 1 to 86400000");
    to.queue_timeout = milliseconds{*time};
    return done{};
  }
  auto* field = key == "maxLeases"      ? &to.leases_max
                : key == "maxAcquiring" ? &to.acquires_max
                : key == "maxQueued"    ? &to.queue_max
                                        : nullptr;
  if (!field)
    return wrong("." + key, "is unknown; there are maxLeases, maxAcquiring, "
                            "maxQueued, queueTimeoutMs and weights");
  auto number = whole(value, 0, most);
  if (!number)
    return wrong("." + key, "must be a whole number of at least 0");
  *field = static_cast<uint32_t>(*number);
  return done{};
}

} // namespace

result<admission_limits> admission_of(const json_text& config,
                                      const admission_limits& otherwise) {
  auto out = otherwise;
  auto own = json_member(config, own_key);
  if (!own)
    return out;
  auto parsed = json::parse(own->text, nullptr, false);
  if (!parsed.is_object())
    return wrong("", "must be an object");
  for (const auto& [key, value] : parsed.items())
    if (auto read = read_entry(key, value, out); !read)
      return read.error();
  return out;
}

json_text without_admission(const json_text& config) {
  // Hardly any config has it.
  if (config.text.find(own_key) == std::string::npos)
    return config;
  auto parsed = json::parse(config.text, nullptr, false);
  if (!parsed.is_object() || parsed.erase(own_key) == 0)
    return config;
  return json_text{parsed.dump(-1, ' ', false, json::error_handler_t::replace)};
}

json_text with_admission(const json_text& config, const json_text& other) {
  auto own = json_member(other, own_key);
  return own ? with_member(config, own_key, *own) : config;
}

} // namespace leasehold
