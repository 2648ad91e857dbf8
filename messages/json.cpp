#include "messages/json.hpp"

#include "messages/json_members.hpp"
#include "messages/json_text_scan.hpp"
#include "messages/json_writer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace leasehold {

namespace {

using nlohmann::json;

/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
constexpr timestamp first_time{-62'167'219'200'000};
constexpr timestamp last_time{253'402'300'799'999};

/// What a backslash and this character mean; NUL if it takes more of them.
char escaped_char(char x) {
  switch (x) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'u':
      return '\0';
    default:
      return x;
  }
}

bool is_json(std::string_view text) {
  return json_members::plain(text) || json::accept(text);
}

void drop_nulls(json& x) {
  if (x.is_array())
    for (auto& element : x)
      drop_nulls(element);
  if (!x.is_object())
    return;
  for (auto i = x.begin(); i != x.end();) {
    if (i->is_null()) {
      i = x.erase(i);
    } else {
      drop_nulls(*i);
      ++i;
    }
  }
}

/// Reads exactly `count` digits at `pos` and moves on.
bool read_digits(std::string_view text, size_t& pos, size_t count, int& out) {
  if (text.size() < pos + count)
    return false;
  out = 0;
  for (auto c : text.substr(pos, count)) {
    if (c < '0' || c > '9')
      return false;
    out = out * 10 + (c - '0');
  }
  pos += count;
  return true;
}

bool read_char(std::string_view text, size_t& pos, std::string_view any_of) {
  if (pos >= text.size() || any_of.find(text[pos]) == std::string_view::npos)
    return false;
  ++pos;
  return true;
}

/// Seconds and what is left of one, such as `:30.25`, if they are there.
bool read_seconds(std::string_view text, size_t& pos, int& seconds, int& ms) {
  if (!read_char(text, pos, ":"))
    return true;
  if (!read_digits(text, pos, 2, seconds))
    return false;
  if (!read_char(text, pos, ".,"))
    return true;
  auto begin = pos;
  for (auto weight = 100;
       pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; weight /= 10)
    ms += weight * (text[pos++] - '0');
  return pos > begin;
}

/// Whether the calendar and the clock know this day and this time.
bool exists(const std::tm& tm) {
  using namespace std::chrono;
  year_month_day day{year{tm.tm_year}, month{static_cast<unsigned>(tm.tm_mon)},
                     std::chrono::day{static_cast<unsigned>(tm.tm_mday)}};
  auto midnight = tm.tm_hour == 24 && tm.tm_min == 0 && tm.tm_sec == 0;
  return day.ok() && (tm.tm_hour < 24 || midnight) && tm.tm_min < 60
         && tm.tm_sec <= 60;
}

/// Minutes east of Greenwich.
bool read_zone(std::string_view text, size_t& pos, int& minutes) {
  minutes = 0;
  if (read_char(text, pos, "Zz"))
    return pos == text.size();
  if (pos >= text.size() || (text[pos] != '+' && text[pos] != '-'))
    return false;
  auto sign = text[pos++] == '-' ? -1 : 1;
  auto hour = 0;
  auto minute = 0;
  if (!read_digits(text, pos, 2, hour))
    return false;
  read_char(text, pos, ":");
  if (!read_digits(text, pos, 2, minute) || pos != text.size())
    return false;
  minutes = sign * (hour * 60 + minute);
  return hour < 24 && minute < 60;
}

} // namespace

result<json_text> canonical_object(std::string_view text,
                                   std::string_view what) {
  if (nests_deeper(text, json_depth_max))
    return failure{ec::invalid_request,
                   std::string{what} + " nests deeper than "
                     + std::to_string(json_depth_max) + " levels."};
  try {
    auto parsed = json::parse(text);
    if (!parsed.is_object())
      return failure{ec::invalid_request, std::string{what}
                                            + " must be a JSON object, not "
                                            + parsed.type_name() + "."};
    return json_text{parsed.dump()};
  } catch (const json::exception& err) {
    return failure{ec::invalid_request, std::string{what} + " is not JSON.",
                   err.what()};
  }
}

std::string config_fingerprint(const json_text& config,
                               const std::vector<std::string>& ignored) {
  auto parsed = json::parse(config.text, nullptr, false);
  if (!parsed.is_object())
    return {};
  for (const auto& key : ignored)
    parsed.erase(key);
  drop_nulls(parsed);
  return parsed.dump();
}

json_text with_member(const json_text& object, std::string_view key,
                      const json_text& value) {
  auto members = json_members::object(object.text);
  if (!members || !is_json(value.text))
    return object;
  json_writer out;
  auto there = false;
  for (const auto& [name, old] : *members) {
    if (!there && name >= key) {
      out.json(key, value.text);
      there = true;
    }
    if (name != key)
      out.json(name, old);
  }
  if (!there)
    out.json(key, value.text);
  return std::move(out).done();
}

std::string text_member(const json_text& object, std::string_view key) {
  return string_of(json_members::of(object.text).find(key));
}

std::optional<json_text> json_member(const json_text& object,
                                     std::string_view key) {
  auto members = json_members::of(object.text);
  auto value = members.find(key);
  if (value.empty())
    return std::nullopt;
  return json_text{std::string{value}};
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

void append_json_string(std::string& to, std::string_view text) {
  auto dull
    = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (!std::all_of(text.begin(), text.end(), dull)) {
    to += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
    return;
  }
  to += '"';
  to += text;
  to += '"';
}

// -- members of any text ------------------------------------------------------

std::optional<json_members> json_members::object(std::string_view text) {
  if (auto out = plain(text))
    return out;
  auto parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object())
    return std::nullopt;
  std::vector<std::string> kept;
  for (const auto& [key, value] : parsed.items()) {
    kept.push_back(key);
    kept.push_back(value.dump());
  }
  return keeping(std::move(kept));
}

json_members json_members::of(std::string_view text) {
  auto out = object(text);
  return out ? std::move(*out) : json_members{};
}

std::string string_of(std::string_view value) {
  if (!value.starts_with('"'))
    return {};
  auto rest = value.substr(1, value.size() - 2);
  std::string out;
  out.reserve(rest.size());
  for (;;) {
    auto pos = rest.find('\\');
    out += rest.substr(0, pos);
    if (pos == std::string_view::npos)
      return out;
    auto plain = escaped_char(rest[pos + 1]);
    if (plain == '\0')
      return json::parse(value).get<std::string>();
    out += plain;
    rest.remove_prefix(pos + 2);
  }
}

// -- time ---------------------------------------------------------------------

std::optional<timestamp> parse_iso8601(std::string_view text) {
  size_t pos = 0;
  std::tm tm{};
  auto zone = 0;
  auto ms = 0;
  if (!read_digits(text, pos, 4, tm.tm_year) || !read_char(text, pos, "-")
      || !read_digits(text, pos, 2, tm.tm_mon) || !read_char(text, pos, "-")
      || !read_digits(text, pos, 2, tm.tm_mday) || !read_char(text, pos, "Tt ")
      || !read_digits(text, pos, 2, tm.tm_hour) || !read_char(text, pos, ":")
      || !read_digits(text, pos, 2, tm.tm_min)
      || !read_seconds(text, pos, tm.tm_sec, ms) || !read_zone(text, pos, zone)
      || !exists(tm))
    return std::nullopt;
  tm.tm_year -= 1900;
  --tm.tm_mon;
  auto seconds = static_cast<int64_t>(timegm(&tm)) - int64_t{zone} * 60;
  timestamp out{seconds * 1000 + ms};
  // A zone may lead out of the years that can be written.
  if (out < first_time || last_time < out)
    return std::nullopt;
  return out;
}

std::string to_iso8601(timestamp at) {
  auto seconds
    = static_cast<time_t>(at.ms >= 0 ? at.ms / 1000 : (at.ms - 999) / 1000);
  auto ms = static_cast<int>(at.ms - static_cast<int64_t>(seconds) * 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  // strftime's years have as few digits as they can.
  char rest[32];
  std::strftime(rest, sizeof(rest), "-%m-%dT%H:%M:%S", &tm);
  char out[64];
  std::snprintf(out, sizeof(out), "%04d%s.%03dZ", tm.tm_year + 1900, rest, ms);
  return out;
}

} // namespace leasehold
