// Cutting a byte stream into lines.

#include "drivers/line_splitter.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace leasehold;

namespace {

struct seen {
  std::vector<std::string> lines;
  std::vector<overlong_line> overlong;

  line_splitter splitter(size_t max) {
    return {max, [this](std::string x) { lines.push_back(std::move(x)); },
            [this](overlong_line x) { overlong.push_back(std::move(x)); }};
  }
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("line_splitter: cuts at newlines wherever the pieces end",
          "[line_splitter]") {
  const std::string stream = "one\ntwo\r\n\n  \r\nthree\nrest";
  for (size_t step = 1; step <= stream.size(); ++step) {
    seen all;
    auto uut = all.splitter(100);
    for (size_t at = 0; at < stream.size(); at += step)
      uut.feed(std::string_view{stream}.substr(at, step));
    CHECK(all.lines == texts{"one", "two", "three"});
    uut.feed("\n");
    CHECK(all.lines.back() == "rest");
    CHECK(all.overlong.empty());
  }
}

TEST_CASE("line_splitter: a line of the greatest length is a line",
          "[line_splitter]") {
  seen all;
  auto uut = all.splitter(5);
  uut.feed("12345\n");
  CHECK(all.lines == texts{"12345"});
}

TEST_CASE("line_splitter: strips only one carriage return", "[line_splitter]") {
  seen all;
  auto uut = all.splitter(100);
  uut.feed("a\r\r\nb\rc\n");
  CHECK(all.lines == texts{"a\r", "b\rc"});
}

TEST_CASE("line_splitter: a longer line is reported once and the next is fine",
          "[line_splitter]") {
  const auto head = std::string(512, 'h');
  const auto tail = std::string(512, 't');
  const auto line = head + std::string(10'000, 'm') + tail;
  for (auto step : {size_t{1}, size_t{7}, size_t{600}, size_t{100'000}}) {
    seen all;
    auto uut = all.splitter(2'000);
    auto stream = line + "\nnext\n";
    for (size_t at = 0; at < stream.size(); at += step)
      uut.feed(std::string_view{stream}.substr(at, step));
    REQUIRE(all.overlong.size() == 1);
    CHECK(all.overlong[0].size == line.size());
    CHECK(all.overlong[0].head == head);
    CHECK(all.overlong[0].tail == tail);
    CHECK(all.lines == texts{"next"});
  }
}

TEST_CASE("line_splitter: head and tail of a short overlong line do not repeat "
          "bytes",
          "[line_splitter]") {
  seen all;
  auto uut = all.splitter(4);
  uut.feed("123456\n" + std::string(600, 'x') + "end\n");
  REQUIRE(all.overlong.size() == 2);
  CHECK(all.overlong[0].head == "123456");
  CHECK(all.overlong[0].tail.empty());
  CHECK(all.overlong[1].head + all.overlong[1].tail
        == std::string(600, 'x') + "end");
}
