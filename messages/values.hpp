#pragma once

// Small values that many messages share.

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <utility>

namespace leasehold {

using milliseconds = std::chrono::milliseconds;

/// A point in time by the store's clock, in milliseconds since the Unix epoch.
struct timestamp {
  int64_t ms = 0;

  friend auto operator<=>(const timestamp&, const timestamp&) = default;

  friend timestamp operator+(timestamp x, milliseconds d) {
    return {x.ms + d.count()};
  }

  friend milliseconds operator-(timestamp x, timestamp y) {
    return milliseconds{x.ms - y.ms};
  }
};

template <class Inspector>
bool inspect(Inspector& f, timestamp& x) {
  return f.apply(x.ms);
}

/// The text of a JSON object. Parsed only where somebody looks inside.
struct json_text {
  std::string text = "{}";

  json_text() = default;

  explicit json_text(std::string x) : text{std::move(x)} {
    // nop
  }

  friend bool operator==(const json_text&, const json_text&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, json_text& x) {
  return f.apply(x.text);
}

/// Where a lease stands in the order of all grants; a larger one is later.
using fence_no = uint64_t;

} // namespace leasehold
