// Secret values in texts that leave the engine.

#include "drivers/scrubber.hpp"

#include "drivers/json_value.hpp"
#include "drivers/secret_refs.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <sstream>

namespace leasehold {

namespace {

using nlohmann::json;

constexpr size_t value_min = 4;
constexpr size_t line_min = 8;
constexpr std::string_view mask = "***";

/// How JSON spells a text, without the quotes.
std::string spelled(const std::string& value, bool ascii_only) {
  auto text
    = json(value).dump(-1, ' ', ascii_only, json::error_handler_t::replace);
  return text.substr(1, text.size() - 2);
}

/// The lines of a value that has several. Logs are read line by line, so that
/// a private key never stands there as a whole. Short ones give nothing away.
std::vector<std::string> lines_of(const std::string& value) {
  std::vector<std::string> out;
  if (value.find('\n') == std::string::npos)
    return out;
  std::istringstream text{value};
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r'))
      line.pop_back();
    if (line.size() >= line_min)
      out.push_back(line);
  }
  return out;
}

const json* member(const json* x, const std::string& key) {
  if (!x || !x->is_object())
    return nullptr;
  auto pos = x->find(key);
  return pos == x->end() ? nullptr : &*pos;
}

/// An id stays whole: four digits of it may well be somebody's value.
std::string without(const std::string& x, const scrubber& by) {
  auto out = by.text(x);
  return out != mask && is_secret_id(x) ? x : out;
}

/// `x` cleaned; `given` is what stays as it is, if anything.
json without(const json& x, const scrubber& by, const json* given) {
  if (given && *given == x)
    return x;
  if (x.is_string())
    return without(x.get_ref<const std::string&>(), by);
  if (x.is_number())
    return by.text(x.dump()) == mask ? json(mask) : x;
  if (x.is_array()) {
    auto out = json::array();
    for (const auto& element : x)
      out.push_back(without(element, by, nullptr));
    return out;
  }
  if (!x.is_object())
    return x;
  auto out = json::object();
  for (const auto& [key, value] : x.items()) {
    const auto* before = member(given, key);
    out[before ? key : by.text(key)] = without(value, by, before);
  }
  return out;
}

} // namespace

scrubber::scrubber(const std::vector<std::string>& values) {
  std::set<std::string> all;
  auto add = [&](const std::string& text) {
    all.insert(text);
    all.insert(spelled(text, false));
    all.insert(spelled(text, true));
  };
  for (const auto& value : values) {
    if (value.size() < value_min)
      continue;
    add(value);
    for (const auto& line : lines_of(value))
      add(line);
  }
  needles_.assign(all.begin(), all.end());
  std::stable_sort(
    needles_.begin(), needles_.end(),
    [](const auto& x, const auto& y) { return x.size() > y.size(); });
}

std::string scrubber::text(std::string_view x) const {
  std::string out;
  while (!x.empty()) {
    auto pos = std::find_if(needles_.begin(), needles_.end(),
                            [&](const auto& y) { return x.starts_with(y); });
    if (pos != needles_.end()) {
      out += mask;
      x.remove_prefix(pos->size());
    } else {
      out += x.front();
      x.remove_prefix(1);
    }
  }
  return out;
}

json_text scrubber::json(const json_text& x) const {
  return added(x, json_text{std::string{}});
}

json_text scrubber::added(const json_text& x, const json_text& given) const {
  if (empty())
    return x;
  auto parsed = nlohmann::json::parse(x.text, nullptr, false);
  if (parsed.is_discarded())
    return json_text{text(x.text)};
  auto before = nlohmann::json::parse(given.text, nullptr, false);
  return pack(
    without(parsed, *this, before.is_discarded() ? nullptr : &before));
}

json_text scrubber::json_but(const json_text& x,
                             const std::vector<std::string>& members) const {
  if (empty())
    return x;
  auto parsed = nlohmann::json::parse(x.text, nullptr, false);
  auto kept = nlohmann::json::object();
  for (const auto& key : members)
    if (const auto* value = member(&parsed, key))
      kept[key] = *value;
  return added(x, pack(kept));
}

failure scrubber::error(failure x) const {
  if (empty())
    return x;
  x.message = text(x.message);
  x.detail = text(x.detail);
  return x;
}

} // namespace leasehold
