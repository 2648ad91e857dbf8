// Keeping what is worth keeping of long outputs, as valid UTF-8.

#include "drivers/output_buffer.hpp"

#include "tests/support/catch.hpp"

#include <random>

using namespace leasehold;

TEST_CASE("output_buffer: keeps everything up to the limit",
          "[output_buffer]") {
  output_buffer uut{10};
  CHECK(uut.text().empty());
  uut.append("01234");
  uut.append("567");
  uut.append("89");
  CHECK(uut.text() == "0123456789");
}

TEST_CASE("output_buffer: beyond the limit keeps both ends and marks the cut",
          "[output_buffer]") {
  for (auto step : {size_t{1}, size_t{3}, size_t{26}}) {
    const std::string all = "abcdefghijklmnopqrstuvwxyz";
    output_buffer uut{10};
    for (size_t at = 0; at < all.size(); at += step)
      uut.append(std::string_view{all}.substr(at, step));
    CHECK(uut.text() == "abcde\n[leasehold: 16 bytes left out]\nvwxyz");
  }
}

TEST_CASE("output_buffer: a cut never splits a character", "[output_buffer]") {
  output_buffer uut{10};
  // Four two-byte characters and one of three bytes at either cut.
  uut.append("aä€ö0123456789ö€äz");
  CHECK(uut.text() == "aä\n[leasehold: 20 bytes left out]\näz");
}

TEST_CASE("output_buffer: the text is valid for random pieces",
          "[output_buffer]") {
  auto seed = GENERATE(range(1u, 50u));
  CAPTURE(seed);
  std::mt19937 random{seed};
  const std::vector<std::string> alphabet{"a", "ä", "€", "😀", "\n"};
  output_buffer uut{random() % 40};
  for (auto i = random() % 60; i > 0; --i) {
    std::string piece;
    for (auto n = random() % 9; n > 0; --n)
      piece += alphabet[random() % alphabet.size()];
    uut.append(piece);
    CHECK(to_utf8(uut.text()) == uut.text());
  }
}

TEST_CASE("output_buffer: to_utf8 leaves valid text alone", "[output_buffer]") {
  const std::string text = "plain, ä, €, 😀, \x7F, long enough for a word";
  CHECK(to_utf8(text) == text);
  CHECK(to_utf8("").empty());
}

TEST_CASE("output_buffer: to_utf8 replaces what is not UTF-8",
          "[output_buffer]") {
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(to_utf8("a\xFFz") == "a" + bad + "z");
  CHECK(to_utf8("\x80") == bad);
  CHECK(to_utf8("\xC0\xAF") == bad + bad);
  CHECK(to_utf8("\xED\xA0\x80") == bad + bad + bad);
  CHECK(to_utf8("\xF4\x90\x80\x80") == bad + bad + bad + bad);
  CHECK(to_utf8("\xE2\x82") == bad);
  CHECK(to_utf8("\xE2\x82z") == bad + "z");
}

TEST_CASE("output_buffer: a stream may split characters anywhere",
          "[output_buffer]") {
  const std::string text = "aä€😀z";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (auto second = first; second <= text.size(); ++second) {
      utf8_stream uut;
      auto out = uut.feed(text.substr(0, first));
      CHECK(to_utf8(out) == out);
      out += uut.feed(text.substr(first, second - first));
      CHECK(to_utf8(out) == out);
      out += uut.feed(text.substr(second));
      CHECK(out == text);
      CHECK(uut.finish().empty());
    }
  }
}

TEST_CASE("output_buffer: a stream that ends inside a character says so",
          "[output_buffer]") {
  utf8_stream uut;
  CHECK(uut.feed("a\xF0\x9F\x98") == "a");
  CHECK(uut.finish() == "\xEF\xBF\xBD");
  CHECK(uut.finish().empty());
}
