#pragma once

// Writes a JSON object, one member after the other.

#include "messages/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace leasehold {

/// Whoever wants the members sorted writes them like that, each key once.
class json_writer {
public:
  /// `size`: about how long the text will be.
  explicit json_writer(size_t size = 0) {
    out_.reserve(size);
    out_ += '{';
  }

  /// `value` is the text of a JSON value.
  json_writer& json(std::string_view key, std::string_view value) {
    begin(key);
    out_ += value;
    return *this;
  }

  /// Bytes that are not UTF-8 are replaced.
  json_writer& text(std::string_view key, std::string_view value) {
    begin(key);
    append_json_string(out_, value);
    return *this;
  }

  json_writer& flag(std::string_view key, bool value) {
    return json(key, value ? "true" : "false");
  }

  [[nodiscard]] json_text done() && {
    out_ += '}';
    return json_text{std::move(out_)};
  }

private:
  void begin(std::string_view key) {
    if (out_.size() > 1)
      out_ += ',';
    append_json_string(out_, key);
    out_ += ':';
  }

  std::string out_;
};

} // namespace leasehold
