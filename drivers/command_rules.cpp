#include "drivers/command_rules.hpp"

#include <algorithm>

namespace leasehold {

bool is_variable_name(std::string_view key) {
  auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !key.empty() && !is_digit(key[0])
         && std::all_of(key.begin(), key.end(),
                        [&](char c) { return is_letter(c) || is_digit(c); });
}

bool has_nul(const command_spec& spec) {
  auto cut = [](const std::string& text) {
    return text.find('\0') != std::string::npos;
  };
  return cut(spec.command) || cut(spec.cwd)
         || std::any_of(spec.args.begin(), spec.args.end(), cut)
         || std::any_of(spec.env.begin(), spec.env.end(),
                        [&](const auto& x) { return cut(x.second); });
}

} // namespace leasehold
