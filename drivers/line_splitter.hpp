#pragma once

// Cuts a byte stream into lines.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace leasehold {

/// What is left of a line that was too long to keep.
struct overlong_line {
  /// Its first bytes, and its last ones that are not among them.
  std::string head;
  std::string tail;
  /// How long the whole line was.
  size_t size = 0;
};

/// Cuts a byte stream into lines that end in `\n` or `\r\n`, and skips blank
/// ones. Needs no more memory than one line of the greatest length.
class line_splitter {
public:
  /// How much of an overlong line is kept at either end.
  static constexpr size_t excerpt = 512;

  /// Lines longer than `max` bytes are not passed on but reported when they
  /// end.
  line_splitter(size_t max, std::function<void(std::string)> on_line,
                std::function<void(overlong_line)> on_overlong);

  /// Takes the next piece of the stream. The callbacks must not call `feed`.
  void feed(std::string_view bytes);

private:
  /// Takes a piece of the current line.
  void extend(std::string_view piece);

  /// The current line has ended.
  void end_line();

  size_t max_;
  std::function<void(std::string)> on_line_;
  std::function<void(overlong_line)> on_overlong_;
  /// The current line, as long as it is short enough.
  std::string line_;
  /// The current line, once it is too long; `size` is not 0 then.
  overlong_line overlong_;
};

} // namespace leasehold
