// Times as people write and read them.

#include "cli/durations.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace leasehold::cli {

namespace {

using std::chrono::milliseconds;

constexpr int64_t second = 1'000;
constexpr int64_t minute = 60 * second;
constexpr int64_t hour = 60 * minute;
constexpr int64_t day = 24 * hour;
constexpr double longest_ms = 100.0 * 365 * static_cast<double>(day);

struct unit {
  std::string_view name;
  int64_t ms;
};

// `ms` comes before `m`, of which it is no abbreviation.
constexpr std::array<unit, 5> units{
  {{"ms", 1}, {"s", second}, {"m", minute}, {"h", hour}, {"d", day}}};

/// Takes a number without sign from the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  // from_chars alone would accept "inf" and "-1".
  if (text.empty() || text.front() < '0' || text.front() > '9')
    return std::nullopt;
  auto number = 0.0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(),
                                        number, std::chars_format::fixed);
  if (problem != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

/// Takes a unit from the front of `text`.
std::optional<int64_t> take_unit(std::string_view& text) {
  for (const auto& [name, ms] : units) {
    if (text.substr(0, name.size()) == name) {
      text.remove_prefix(name.size());
      return ms;
    }
  }
  return std::nullopt;
}

std::string print(const char* format, double x) {
  std::array<char, 64> buffer{};
  auto n = std::snprintf(buffer.data(), buffer.size(), format, x);
  return {buffer.data(), static_cast<size_t>(n)};
}

/// `2 min 5 s`, and `2 min` where nothing is left.
std::string in_two(int64_t ms, int64_t big, const char* big_name, int64_t small,
                   const char* small_name) {
  auto text = std::to_string(ms / big) + " " + big_name;
  if (auto rest = ms % big / small; rest > 0)
    text += " " + std::to_string(rest) + " " + small_name;
  return text;
}

} // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  auto total_ms = 0.0;
  auto pieces = 0;
  do {
    auto number = take_number(text);
    if (!number)
      return std::nullopt;
    if (pieces == 0 && text.empty()) // a bare number, as timeout(1) takes it
      text = "s";
    auto factor = take_unit(text);
    if (!factor)
      return std::nullopt;
    total_ms += *number * static_cast<double>(*factor);
    ++pieces;
  } while (!text.empty());
  if (total_ms > longest_ms)
    return std::nullopt;
  return milliseconds{std::llround(total_ms)};
}

std::string format_duration(std::chrono::nanoseconds x) {
  auto ms = static_cast<double>(x.count()) / 1e6;
  if (ms < 9.95)
    return print("%.1f ms", ms);
  if (ms < 999.5)
    return print("%.0f ms", ms);
  if (ms < 59'950)
    return print("%.1f s", ms / 1e3);
  auto whole = std::llround(ms);
  if (whole < hour)
    return in_two(whole, minute, "min", second, "s");
  if (whole < 2 * day)
    return in_two(whole, hour, "h", minute, "min");
  return in_two(whole, day, "d", hour, "h");
}

std::string format_relative(int64_t at_ms, int64_t now_ms) {
  auto away = at_ms < now_ms ? now_ms - at_ms : at_ms - now_ms;
  if (away < second)
    return "now";
  auto text = away < minute    ? std::to_string(away / second) + " s"
              : away < hour    ? std::to_string(away / minute) + " min"
              : away < 2 * day ? std::to_string(away / hour) + " h"
                               : std::to_string(away / day) + " d";
  return at_ms < now_ms ? text + " ago" : "in " + text;
}

std::string format_local_time(int64_t at_ms, bool with_ms) {
  auto seconds = static_cast<std::time_t>(at_ms / second);
  std::tm local{};
  if (!localtime_r(&seconds, &local))
    return "?";
  std::array<char, 64> buffer{};
  auto n
    = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S", &local);
  auto text = std::string{buffer.data(), n};
  if (with_ms)
    text += print(".%03.0f", static_cast<double>(at_ms % second));
  return text;
}

int64_t now_ms() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

} // namespace leasehold::cli
