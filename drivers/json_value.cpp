#include "drivers/json_value.hpp"

#include <nlohmann/json.hpp>

namespace leasehold {

using nlohmann::json;

json_text pack(const json& x) {
  return json_text{x.dump(-1, ' ', false, json::error_handler_t::replace)};
}

std::string text_of(const json& x, const char* key) {
  auto pos = x.find(key);
  return pos != x.end() && pos->is_string() ? pos->get<std::string>()
                                            : std::string{};
}

} // namespace leasehold
