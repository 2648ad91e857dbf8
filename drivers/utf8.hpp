#pragma once

// Makes valid UTF-8 of whatever programs print.

#include <cstddef>
#include <string>
#include <string_view>

namespace leasehold {

/// The text with every byte that is not UTF-8 replaced by U+FFFD.
std::string to_utf8(std::string_view bytes);

/// The same for a stream: a character that is split over two pieces stays
/// whole.
class utf8_stream {
public:
  /// Takes the next piece and returns what is sure so far; at most 3 bytes are
  /// held back.
  std::string feed(std::string_view bytes);

  /// What is held back when the stream ends.
  std::string finish();

private:
  std::string held_;
};

/// How long a piece of valid UTF-8 is for JavaScript, in which the limits of
/// the worker protocol are counted.
size_t utf16_length(std::string_view text);

/// How much of a piece of valid UTF-8 is left without a character that its end
/// cuts off.
size_t without_cut_end(std::string_view text);

/// How many bytes at the beginning of a piece of valid UTF-8 belong to a
/// character that begins before it.
size_t cut_begin(std::string_view text);

} // namespace leasehold
