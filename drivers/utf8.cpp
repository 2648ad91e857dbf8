#include "drivers/utf8.hpp"

#include <cstdint>
#include <cstring>
#include <utility>

namespace leasehold {

namespace {

constexpr auto replacement = std::string_view{"\xEF\xBF\xBD"};

uint8_t byte_at(std::string_view text, size_t pos) {
  return static_cast<uint8_t>(text[pos]);
}

bool is_continuation(uint8_t x) {
  return (x & 0xC0) == 0x80;
}

/// Bytes of the character that this byte begins; 0 if it begins none.
size_t length_by(uint8_t lead) {
  if (lead < 0x80)
    return 1;
  if (lead < 0xC2 || lead > 0xF4)
    return 0;
  return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/// Whether `second` may follow `lead`: no detours, no surrogates, no end of
/// Unicode passed.
bool may_follow(uint8_t lead, uint8_t second) {
  if (!is_continuation(second))
    return false;
  switch (lead) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second < 0xA0;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second < 0x90;
    default:
      return true;
  }
}

/// What begins at some place of a text.
struct piece {
  size_t size = 1;
  bool valid = false;
  /// The text ends inside it.
  bool unfinished = false;
};

piece piece_at(std::string_view text, size_t pos) {
  auto lead = byte_at(text, pos);
  auto length = length_by(lead);
  if (length == 0)
    return {1, false, false};
  for (size_t i = 1; i < length; ++i) {
    if (pos + i == text.size())
      return {i, false, true};
    auto next = byte_at(text, pos + i);
    if (i == 1 ? !may_follow(lead, next) : !is_continuation(next))
      return {i, false, false};
  }
  return {length, true, false};
}

/// The first byte at or after `pos` that is not ASCII.
size_t skip_ascii(std::string_view text, size_t pos) {
  uint64_t word = 0;
  while (pos + sizeof(word) <= text.size()) {
    std::memcpy(&word, text.data() + pos, sizeof(word));
    if ((word & 0x8080808080808080u) != 0)
      break;
    pos += sizeof(word);
  }
  while (pos < text.size() && byte_at(text, pos) < 0x80)
    ++pos;
  return pos;
}

/// Appends the valid form of `text` up to an unfinished character at its end,
/// and returns where that begins.
size_t convert(std::string_view text, std::string& out) {
  size_t done = 0;
  for (size_t pos = 0;;) {
    pos = skip_ascii(text, pos);
    if (pos == text.size()) {
      out += text.substr(done);
      return pos;
    }
    auto next = piece_at(text, pos);
    if (!next.valid) {
      out += text.substr(done, pos - done);
      if (next.unfinished)
        return pos;
      out += replacement;
      done = pos + next.size;
    }
    pos += next.size;
  }
}

} // namespace

std::string to_utf8(std::string_view bytes) {
  utf8_stream all;
  auto text = all.feed(bytes);
  return text += all.finish();
}

std::string utf8_stream::feed(std::string_view bytes) {
  std::string joined;
  if (!held_.empty()) {
    joined = std::exchange(held_, {});
    joined += bytes;
    bytes = joined;
  }
  std::string out;
  held_ = bytes.substr(convert(bytes, out));
  return out;
}

std::string utf8_stream::finish() {
  return std::exchange(held_, {}).empty() ? "" : std::string{replacement};
}

size_t utf16_length(std::string_view text) {
  size_t out = 0;
  for (size_t i = 0; i < text.size(); ++i)
    if (!is_continuation(byte_at(text, i)))
      out += length_by(byte_at(text, i)) == 4 ? 2 : 1;
  return out;
}

size_t without_cut_end(std::string_view text) {
  for (size_t back = 1; back <= text.size() && back < 4; ++back) {
    auto byte = byte_at(text, text.size() - back);
    if (!is_continuation(byte))
      return length_by(byte) > back ? text.size() - back : text.size();
  }
  return text.size();
}

size_t cut_begin(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && is_continuation(byte_at(text, count)))
    ++count;
  return count;
}

} // namespace leasehold
