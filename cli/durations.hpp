#pragma once

// Times as people write and read them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leasehold::cli {

/// Reads `30s`, `500ms`, `1.5m`, `1h30m`, `2d`, or a bare number of seconds;
/// nothing if the text is none of these or longer than a hundred years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// `4.1 ms`, `250 ms`, `1.3 s`, `2 min 5 s`, `3 h 20 min`, `4 d 2 h`.
std::string format_duration(std::chrono::nanoseconds x);

/// `3 s ago`, `in 5 min`, `now`; times in milliseconds since the Unix epoch.
std::string format_relative(int64_t at_ms, int64_t now_ms);

/// `2026-05-11 08:30:00` in the local time zone; `with_ms` adds `.250`.
std::string format_local_time(int64_t at_ms, bool with_ms = false);

/// Milliseconds since the Unix epoch.
int64_t now_ms();

} // namespace leasehold::cli
