// What can be told of a JSON text without parsing it.

#include "messages/json_text_scan.hpp"

#include <algorithm>
#include <charconv>

namespace leasehold {

namespace {

constexpr auto npos = std::string_view::npos;

/// The place behind the string that begins at `pos`; `npos` if it is cut off.
size_t skip_string(std::string_view text, size_t pos) {
  for (++pos; pos < text.size(); ++pos) {
    if (text[pos] == '"')
      return pos + 1;
    if (text[pos] == '\\')
      ++pos;
  }
  return npos;
}

size_t skip_space(std::string_view text, size_t pos) {
  return std::min(text.find_first_not_of(" \t\r", pos), text.size());
}

/// How much deeper the text is behind this character.
int step_of(char x) {
  if (x == '{' || x == '[')
    return 1;
  return x == '}' || x == ']' ? -1 : 0;
}

/// The integer at `pos`, if it ends before the text does.
std::optional<int64_t> integer_at(std::string_view text, size_t pos) {
  int64_t out = 0;
  const auto* last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data() + pos, last, out);
  if (error != std::errc{} || end == last || *end == '.' || *end == 'e'
      || *end == 'E')
    return std::nullopt;
  return out;
}

/// The code unit of an escape such as `\ud83d` at `pos`, if there is one.
std::optional<uint16_t> escape_at(std::string_view text, size_t pos) {
  if (text.substr(pos, 2) != "\\u" || text.size() < pos + 6)
    return std::nullopt;
  uint16_t out = 0;
  const auto* digits = text.data() + pos + 2;
  auto [end, error] = std::from_chars(digits, digits + 4, out, 16);
  if (error != std::errc{} || end != digits + 4)
    return std::nullopt;
  return out;
}

bool is_high(std::optional<uint16_t> x) {
  return x && *x >= 0xd800 && *x < 0xdc00;
}

bool is_low(std::optional<uint16_t> x) {
  return x && *x >= 0xdc00 && *x < 0xe000;
}

} // namespace

bool nests_deeper(std::string_view text, size_t limit) {
  // The usual line is too short for it.
  if (text.size() <= limit)
    return false;
  int64_t depth = 0;
  for (size_t pos = 0; pos < text.size();) {
    if (text[pos] == '"') {
      pos = skip_string(text, pos);
      continue;
    }
    depth += step_of(text[pos++]);
    if (depth > static_cast<int64_t>(limit))
      return true;
  }
  return false;
}

std::optional<int64_t> leading_integer(std::string_view head,
                                       std::string_view key,
                                       std::string_view unless) {
  auto depth = 0;
  for (size_t pos = 0; pos < head.size();) {
    if (head[pos] != '"') {
      depth += step_of(head[pos++]);
      continue;
    }
    auto end = skip_string(head, pos);
    if (end == npos)
      return std::nullopt;
    auto name = head.substr(pos + 1, end - pos - 2);
    pos = skip_space(head, end);
    if (depth != 1 || pos == head.size() || head[pos] != ':')
      continue;
    if (name == unless)
      return std::nullopt;
    if (name == key)
      return integer_at(head, skip_space(head, pos + 1));
  }
  return std::nullopt;
}

std::string without_lone_surrogates(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    if (text[pos] != '\\') {
      out += text[pos++];
      continue;
    }
    auto here = escape_at(text, pos);
    size_t length = here ? 6 : 2;
    if (is_high(here) && is_low(escape_at(text, pos + 6)))
      length = 12;
    if (length == 6 && (is_high(here) || is_low(here)))
      out += "\\ufffd";
    else
      out += text.substr(pos, length);
    pos += length;
  }
  return out;
}

} // namespace leasehold
