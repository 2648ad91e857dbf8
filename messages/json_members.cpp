// The members of a JSON object, found without a parser. What needs one is in
// json.cpp.

#include "messages/json_members.hpp"

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

namespace leasehold {

namespace {

constexpr int plain_depth = 64;
/// Every integer of so many digits fits 64 bits.
constexpr size_t sure_digits = 18;

constexpr uint64_t each_byte(uint8_t x) {
  return 0x0101010101010101u * x;
}

/// Which of eight bytes need a second look in a string, told by their highest
/// bits: quotes, backslashes, control characters, all that is not ASCII. Right
/// up to the lowest one; what borrows from its neighbour is above.
uint64_t odd_bytes(uint64_t x) {
  auto quote = x ^ each_byte('"');
  auto backslash = x ^ each_byte('\\');
  return ((x - each_byte(0x20)) | (quote - each_byte(1))
          | (backslash - each_byte(1)) | x)
         & each_byte(0x80);
}

/// Reads on in a text; every step says whether the text is plain so far.
class reader {
public:
  explicit reader(std::string_view text)
    : pos_{text.data()}, end_{text.data() + text.size()} {
    // nop
  }

  /// The outermost object and nothing else.
  bool object(std::vector<json_members::member>& out) {
    skip_space();
    if (!members([&](auto key, auto value) { out.push_back({key, value}); }, 1))
      return false;
    skip_space();
    return pos_ == end_;
  }

private:
  [[nodiscard]] char next() const {
    return pos_ == end_ ? '\0' : *pos_;
  }

  void skip_space() {
    while (pos_ != end_
           && (*pos_ == ' ' || *pos_ == '\n' || *pos_ == '\r' || *pos_ == '\t'))
      ++pos_;
  }

  bool take(char x) {
    if (next() != x || pos_ == end_)
      return false;
    ++pos_;
    return true;
  }

  /// Items between brackets, with commas between them.
  template <class Item>
  bool list(char open, char close, Item item) {
    if (!take(open))
      return false;
    skip_space();
    if (take(close))
      return true;
    do {
      skip_space();
      if (!item())
        return false;
      skip_space();
    } while (take(','));
    return take(close);
  }

  template <class Tell>
  bool members(Tell tell, int depth) {
    return list('{', '}', [&] {
      std::string_view key;
      if (!string(&key))
        return false;
      skip_space();
      if (!take(':'))
        return false;
      skip_space();
      const auto* begin = pos_;
      if (!value(depth))
        return false;
      tell(key, std::string_view{begin, static_cast<size_t>(pos_ - begin)});
      return true;
    });
  }

  bool value(int depth) {
    switch (next()) {
      case '"':
        return string(nullptr);
      case '{':
        return depth < plain_depth && members([](auto, auto) {}, depth + 1);
      case '[':
        return depth < plain_depth
               && list('[', ']', [&] { return value(depth + 1); });
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return integer();
    }
  }

  bool word(std::string_view x) {
    if (!std::string_view{pos_, static_cast<size_t>(end_ - pos_)}.starts_with(
          x))
      return false;
    pos_ += x.size();
    return true;
  }

  bool integer() {
    auto minus = take('-');
    const auto* begin = pos_;
    while (next() >= '0' && next() <= '9')
      ++pos_;
    auto digits = static_cast<size_t>(pos_ - begin);
    auto odd_zero = digits > 0 && *begin == '0' && (digits > 1 || minus);
    return digits > 0 && digits <= sure_digits && !odd_zero && next() != '.'
           && next() != 'e' && next() != 'E';
  }

  /// A string. As a key that is asked for, one without escapes.
  bool string(std::string_view* key) {
    if (!take('"'))
      return false;
    const auto* begin = pos_;
    for (;;) {
      skip_dull();
      if (pos_ == end_)
        return false;
      if (*pos_ == '"')
        break;
      if (*pos_ == '\\' ? key || !escape() : !character())
        return false;
    }
    if (key)
      *key = {begin, static_cast<size_t>(pos_ - begin)};
    ++pos_;
    return true;
  }

  /// Moves on to what needs a second look, or not as far.
  void skip_dull() {
    if constexpr (std::endian::native != std::endian::little)
      return;
    for (uint64_t x; end_ - pos_ >= 8; pos_ += 8) {
      std::memcpy(&x, pos_, sizeof(x));
      if (auto odd = odd_bytes(x)) {
        pos_ += std::countr_zero(odd) / 8;
        return;
      }
    }
  }

  bool escape() {
    if (end_ - pos_ < 2 || !std::strchr("\"\\bfnrt", pos_[1]) || !pos_[1])
      return false;
    pos_ += 2;
    return true;
  }

  /// One character of UTF-8 that is no control character: as RFC 3629 has it,
  /// neither overlong nor a surrogate.
  bool character() {
    auto first = static_cast<uint8_t>(*pos_);
    if (first < 0x80) {
      ++pos_;
      return first >= 0x20;
    }
    auto more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || end_ - pos_ <= more)
      return false;
    auto second = static_cast<uint8_t>(pos_[1]);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)
        || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
      return false;
    for (++pos_; more > 0; --more, ++pos_)
      if ((static_cast<uint8_t>(*pos_) & 0xc0) != 0x80)
        return false;
    return true;
  }

  const char* pos_;
  const char* end_;
};

} // namespace

std::optional<json_members> json_members::plain(std::string_view text) {
  json_members out;
  out.all_.reserve(16);
  if (!reader{text}.object(out.all_))
    return std::nullopt;
  return out;
}

json_members json_members::keeping(std::vector<std::string> keys_and_values) {
  json_members out;
  auto kept = std::make_shared<const std::vector<std::string>>(
    std::move(keys_and_values));
  for (size_t i = 0; i + 1 < kept->size(); i += 2)
    out.all_.push_back({(*kept)[i], (*kept)[i + 1]});
  out.kept_ = std::move(kept);
  return out;
}

std::string_view json_members::find(std::string_view key) const {
  for (auto i = all_.rbegin(); i != all_.rend(); ++i)
    if (i->key == key)
      return i->value;
  return {};
}

std::optional<int64_t> integer_of(std::string_view value) {
  int64_t out = 0;
  const auto* last = value.data() + value.size();
  auto [end, error] = std::from_chars(value.data(), last, out);
  if (error != std::errc{} || end != last)
    return std::nullopt;
  return out;
}

} // namespace leasehold
