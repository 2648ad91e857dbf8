#pragma once

// The members of a JSON object, each as the text that it is: what is only
// looked up or handed on is not parsed.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

/// Refers to the text that it was read from, which must outlive it.
class json_members {
public:
  struct member {
    std::string_view key;
    std::string_view value;
  };

  /// Reads a text in the plain JSON that programs write: integers that fit, no
  /// escapes but the short ones, no deep nesting. Nothing for any other text,
  /// which may be JSON all the same: that is for a parser to say.
  static std::optional<json_members> plain(std::string_view text);

  /// Reads any text; nothing if it is no object.
  static std::optional<json_members> object(std::string_view text);

  /// The same; what is no object has no members.
  static json_members of(std::string_view text);

  /// Those of an object that is taken apart already, keys and values in turns.
  static json_members keeping(std::vector<std::string> keys_and_values);

  /// The value of a key, of the last one if there are several; empty if there
  /// is none.
  [[nodiscard]] std::string_view find(std::string_view key) const;

  /// As they come, which may be with the same key more than once.
  [[nodiscard]] auto begin() const noexcept {
    return all_.begin();
  }

  [[nodiscard]] auto end() const noexcept {
    return all_.end();
  }

private:
  std::vector<member> all_;
  /// Keys and values that do not stand in the text like that.
  std::shared_ptr<const std::vector<std::string>> kept_;
};

/// What a value says that is a JSON string; empty for any other.
std::string string_of(std::string_view value);

/// The number that a value is; nothing if it is no integer.
std::optional<int64_t> integer_of(std::string_view value);

} // namespace leasehold
