// Members of JSON objects, read without a parser: always what a parser reads.

#include "messages/json_members.hpp"

#include "messages/json.hpp"
#include "messages/json_writer.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <iterator>
#include <random>

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;

namespace {

bool is_plain(std::string_view text) {
  return json_members::plain(text).has_value();
}

/// An object with this value in it, as a worker may spell it.
std::string around(std::string_view value) {
  return R"({ "a" : )" + std::string{value} + "\t,\r\n\"b\":[] } ";
}

/// What is read is what a parser reads; whether it was read without one.
bool check_against_parser(const std::string& text) {
  CAPTURE(text);
  auto parsed = json::parse(text, nullptr, false);
  auto fast = json_members::plain(text);
  CHECK((!fast || parsed.is_object()));
  auto all = json_members::object(text);
  REQUIRE(all.has_value() == parsed.is_object());
  if (!all)
    return false;
  for (const auto& [key, value] : parsed.items()) {
    auto there = all->find(key);
    CHECK(json::parse(there, nullptr, false) == value);
    CHECK(string_of(there)
          == (value.is_string() ? value.get<std::string>() : ""s));
  }
  CHECK(std::distance(all->begin(), all->end())
        >= static_cast<std::ptrdiff_t>(parsed.size()));
  return fast.has_value();
}

/// A text that has been spoilt somewhere.
std::string spoilt(std::string text, std::mt19937& dice) {
  const auto odd = "\"\\{}[],:.-+eEu09 atrfn\x01\x1f\x7f\x80\xc1\xc2\xed\xf4"sv;
  for (auto n = dice() % 3; n > 0; --n) {
    auto pos = dice() % text.size();
    auto c = odd[dice() % odd.size()];
    if (dice() % 2 == 0)
      text[pos] = c;
    else
      text.insert(pos, 1, c);
  }
  return text;
}

} // namespace

TEST_CASE("json_members: values stand there as they were written",
          "[json_members]") {
  auto x = json_members::plain(
    R"({"a":{"b":[1,2]},"c":"x\ny","d":-17,"e":null,"":true})");
  REQUIRE(x);
  CHECK(x->find("a") == R"({"b":[1,2]})");
  CHECK(string_of(x->find("c")) == "x\ny");
  CHECK(integer_of(x->find("d")) == -17);
  CHECK(x->find("e") == "null");
  CHECK(x->find("") == "true");
  CHECK(x->find("b").empty());
  CHECK(string_of(x->find("d")).empty());
  CHECK_FALSE(integer_of(x->find("e")));
}

TEST_CASE("json_members: of members with the same key the last one counts",
          "[json_members]") {
  auto x = json_members::plain(R"({"a":1,"b":2,"a":3})");
  REQUIRE(x);
  CHECK(x->find("a") == "3");
}

TEST_CASE("json_members: what programs write is read without a parser",
          "[json_members]") {
  for (const auto* value : {"0", "-1", "123456789012345678", "true", "false",
                            "null", "[]", "{}", R"("")", R"("\"\\\b\f\n\r\t")",
                            "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
                            R"([1,[2,{"x":[]}],"y"])", "\"\x7f\""})
    CHECK(check_against_parser(around(value)));
}

TEST_CASE("json_members: what is spelled otherwise is left to a parser",
          "[json_members]") {
  // So that no text is compared, or searched for a secret, in a spelling of
  // which there are several.
  for (const auto* value :
       {"1.5", "1e2", "-0", "1234567890123456789", R"("\u0061")", R"("\/")",
        R"({"\n":1})", R"("\ud83d\ude00")"})
    CHECK_FALSE(check_against_parser(around(value)));
  auto odd = json_members::of(around(R"("a\/b")"));
  CHECK(odd.find("a") == R"("a/b")");
}

TEST_CASE("json_members: what is no JSON is no object", "[json_members]") {
  for (const auto* value : {"",
                            "01",
                            "-",
                            "+1",
                            "tru",
                            "nul",
                            "1 2",
                            "\"",
                            "\"\\\"",
                            "\"\\x\"",
                            "\"\x01\"",
                            "\"\n\"",
                            "\"\xc3\"",
                            "\"\xc0\xaf\"",
                            "\"\xed\xa0\x80\"",
                            "\"\xf4\x90\x80\x80\"",
                            "\"\xe0\x80\x80\"",
                            "[1,]",
                            "[,1]",
                            "{,}",
                            R"({"x"})",
                            R"({"x":})",
                            R"({"x":1,})",
                            "{1:2}",
                            "[}",
                            "'x'"}) {
    CAPTURE(value);
    CHECK_FALSE(json_members::object(around(value)));
  }
  for (const auto* text : {"", " ", "{", "{}}", "{} x", "[]", "null", "\"x\"",
                           "\xef\xbb\xbf", "{\"a\":1"})
    CHECK_FALSE(json_members::object(text));
  // For a parser it ends there.
  CHECK_FALSE(check_against_parser("{}\0"s));
}

TEST_CASE("json_members: deep texts are left to a parser", "[json_members]") {
  auto nested = [](size_t depth) {
    return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(is_plain(nested(63)));
  CHECK_FALSE(is_plain(nested(64)));
  CHECK(json_members::of(nested(100)).find("a").size() == 200);
}

TEST_CASE("json_members: spoilt texts are read as a parser reads them",
          "[json_members][sim]") {
  const auto sound
    = R"({"id":17,"jsonrpc":"2.0","result":{"exitCode":-1,"s":[true,null,)"
      R"({"k":"[ 42%] Building \"main.o\"\n\\"}],"text":"grün, €, 😀"}})"s;
  CHECK(check_against_parser(sound));
  for (uint32_t seed = 0; seed < 2'000; ++seed) {
    std::mt19937 dice{seed};
    CAPTURE(seed);
    check_against_parser(spoilt(sound, dice));
  }
}

TEST_CASE("json_writer: what is written is read again", "[json_members]") {
  json_writer out;
  out.text("a", "x\"\\\n\x01 ä").json("b", "[1]").flag("c", true).text("d", "");
  out.text("k\"y", "\xff");
  auto read = json::parse(std::move(out).done().text);
  CHECK(read
        == json{{"a", "x\"\\\n\x01 ä"},
                {"b", {1}},
                {"c", true},
                {"d", ""},
                {"k\"y", "\xef\xbf\xbd"}});
  CHECK(json_writer{}.done() == json_text{"{}"});
}

TEST_CASE("json: a member is put where the sorted keys want it",
          "[json_members]") {
  json_text object{R"({"b":1,"d":2})"};
  for (const auto* key : {"a", "b", "c", "d", "e"}) {
    auto expected = json::parse(object.text);
    expected[key] = {{"x", nullptr}};
    CHECK(with_member(object, key, json_text{R"({"x":null})"}).text
          == expected.dump());
  }
}
