// What the engine itself has to know about JSON texts.

#include "messages/json.hpp"

#include "tests/support/catch.hpp"

#include <random>

using namespace leasehold;

namespace {

std::string canonical(std::string_view text) {
  auto out = canonical_object(text, "The config");
  return out ? out->text : "error: " + out.error().message;
}

std::string fingerprint(const std::string& text) {
  return config_fingerprint(json_text{text}, {"provider", "reuseLease"});
}

/// The time that a text names, or -1.
int64_t time_of(std::string_view text) {
  auto out = parse_iso8601(text);
  return out ? out->ms : -1;
}

} // namespace

// -- canonical form -----------------------------------------------------------

TEST_CASE("json: the canonical form sorts keys and drops white space",
          "[json]") {
  CHECK(canonical(R"( { "b" : [1, 2] , "a" : { "d":1, "c":2 } } )")
        == R"({"a":{"c":2,"d":1},"b":[1,2]})");
  CHECK(canonical("{}") == "{}");
}

TEST_CASE("json: the canonical form of a canonical form is itself", "[json]") {
  auto text = GENERATE(as<std::string>{}, R"({"z":null,"a":[{"c":1,"b":2}]})",
                       R"({"ä":"€","n":-1.5e10})");
  CHECK(canonical(canonical(text)) == canonical(text));
}

TEST_CASE("json: what is not an object is refused by its name", "[json]") {
  CHECK(canonical("[1]")
        == "error: The config must be a JSON object, not array.");
  CHECK(canonical("null")
        == "error: The config must be a JSON object, not null.");
  CHECK(canonical("\"x\"")
        == "error: The config must be a JSON object, not string.");
}

TEST_CASE("json: what is not JSON is refused with line and column", "[json]") {
  auto text = GENERATE(as<std::string>{}, "", "{", "{\"a\":}", "{'a':1}",
                       "{\"a\":1} x", "{\"a\":\"\xff\"}");
  auto out = canonical_object(text, "The config");
  CHECK(out.error().code == ec::invalid_request);
  CHECK(out.error().message == "The config is not JSON.");
  CHECK(out.error().detail.find("line 1, column") != std::string::npos);
}

// -- fingerprints -------------------------------------------------------------

TEST_CASE("json: what nests without end is refused", "[json]") {
  auto deep = [](size_t levels) {
    std::string text{R"({"a":)"};
    return text + std::string(levels, '[') + std::string(levels, ']') + "}";
  };
  CHECK(canonical_object(deep(499), "The config"));
  for (auto levels : {size_t{500}, size_t{1} << 20}) {
    auto why = canonical_object(deep(levels), "The config").error();
    CHECK(why.code == ec::invalid_request);
    CHECK(why.message == "The config nests deeper than 500 levels.");
  }
}

TEST_CASE("json: a fingerprint ignores the order of keys (PB 12.1.13)",
          "[json][pb-12.1.13]") {
  CHECK(fingerprint(R"({"a":1,"b":{"c":2,"d":3}})")
        == fingerprint(R"({ "b":{"d":3,"c":2}, "a":1 })"));
}

TEST_CASE("json: a fingerprint ignores null values at any depth",
          "[json][pb-12.1.13]") {
  CHECK(fingerprint(R"({"a":1,"b":null})") == fingerprint(R"({"a":1})"));
  CHECK(fingerprint(R"({"a":{"b":null}})") == fingerprint(R"({"a":{}})"));
  CHECK(fingerprint(R"({"a":[{"b":null}]})") == fingerprint(R"({"a":[{}]})"));
}

TEST_CASE("json: a place in an array counts though it is null", "[json]") {
  CHECK(fingerprint(R"({"a":[null,1]})") != fingerprint(R"({"a":[1]})"));
}

TEST_CASE("json: a fingerprint ignores what it is told to, at the top only",
          "[json]") {
  CHECK(fingerprint(R"({"provider":"x","reuseLease":true,"a":1})")
        == fingerprint(R"({"a":1})"));
  CHECK(fingerprint(R"({"a":{"provider":"x"}})")
        != fingerprint(R"({"a":{"provider":"y"}})"));
}

TEST_CASE("json: a fingerprint tells different values apart", "[json]") {
  CHECK(fingerprint(R"({"a":1})") != fingerprint(R"({"a":2})"));
  CHECK(fingerprint(R"({"a":1})") != fingerprint(R"({"a":"1"})"));
  CHECK(fingerprint(R"({"a":[1,2]})") != fingerprint(R"({"a":[2,1]})"));
  CHECK(fingerprint(R"({"a":false})") != fingerprint("{}"));
}

// -- small helpers ------------------------------------------------------------

TEST_CASE("json: a member is added or replaced", "[json]") {
  CHECK(with_member(json_text{R"({"a":1})"}, "b", json_text{"[2]"}).text
        == R"({"a":1,"b":[2]})");
  CHECK(with_member(json_text{R"({"a":1})"}, "a", json_text{"2"}).text
        == R"({"a":2})");
  CHECK(with_member(json_text{R"({"a":1})"}, "b", json_text{"nonsense"}).text
        == R"({"a":1})");
}

TEST_CASE("json: a text under a key, or none", "[json]") {
  json_text object{R"({"a":"x","b":1})"};
  CHECK(text_member(object, "a") == "x");
  CHECK(text_member(object, "b").empty());
  CHECK(text_member(object, "c").empty());
  CHECK(text_member(json_text{"[]"}, "a").empty());
}

TEST_CASE("json: any text can be a JSON string", "[json]") {
  CHECK(json_string("a\"b\\c\n") == R"("a\"b\\c\n")");
  CHECK(json_string("\xff") == "\"\xef\xbf\xbd\"");
}

// -- ISO 8601 -----------------------------------------------------------------

TEST_CASE("json: reads ISO 8601 as providers write it", "[json]") {
  CHECK(time_of("1970-01-01T00:00:00.000Z") == 0);
  CHECK(time_of("2026-05-11T08:30:00.250Z") == 1'778'488'200'250);
  CHECK(time_of("2026-05-11T08:30:00Z") == 1'778'488'200'000);
  CHECK(time_of("2026-05-11T08:30Z") == 1'778'488'200'000);
  CHECK(time_of("2026-05-11 08:30:00z") == 1'778'488'200'000);
  CHECK(parse_iso8601("1969-12-31T23:59:59.999Z") == timestamp{-1});
}

TEST_CASE("json: reads zones", "[json]") {
  auto noon = time_of("2026-05-11T12:00:00Z");
  CHECK(time_of("2026-05-11T14:00:00+02:00") == noon);
  CHECK(time_of("2026-05-11T14:00:00+0200") == noon);
  CHECK(time_of("2026-05-11T06:30:00-05:30") == noon);
  CHECK(time_of("2026-05-12T02:00:00+14:00") == noon);
}

TEST_CASE("json: keeps three digits of a second", "[json]") {
  CHECK(time_of("1970-01-01T00:00:00.5Z") == 500);
  CHECK(time_of("1970-01-01T00:00:00.0459Z") == 45);
  CHECK(time_of("1970-01-01T00:00:00,123456789Z") == 123);
}

TEST_CASE("json: knows the calendar", "[json]") {
  CHECK(parse_iso8601("2024-02-29T00:00:00Z"));
  CHECK_FALSE(parse_iso8601("2026-02-29T00:00:00Z"));
  CHECK_FALSE(parse_iso8601("2026-02-31T00:00:00Z"));
  CHECK_FALSE(parse_iso8601("2026-04-31T00:00:00Z"));
  CHECK(time_of("2026-05-11T24:00:00Z") == time_of("2026-05-12T00:00:00Z"));
}

TEST_CASE("json: a zone leads out of the years that can be written", "[json]") {
  CHECK(parse_iso8601("0000-01-01T00:00:00Z"));
  CHECK(parse_iso8601("0000-01-01T02:00:00+02:00"));
  CHECK_FALSE(parse_iso8601("0000-01-01T01:59:59+02:00"));
  CHECK(parse_iso8601("9999-12-31T23:59:59.999Z"));
  CHECK_FALSE(parse_iso8601("9999-12-31T23:59:59.999-00:01"));
  CHECK_FALSE(parse_iso8601("9999-12-31T24:00:00Z"));
}

TEST_CASE("json: a text that names no time is none", "[json]") {
  auto text = GENERATE(
    as<std::string>{}, "", "tomorrow", "2026-05-11", "2026-05-11T",
    "2026-05-11T08:30:00", "2026-05-11T08:30:00ZZ", "2026-05-11T08:30:00 Z",
    "2026-13-11T08:30:00Z", "2026-00-11T08:30:00Z", "2026-05-00T08:30:00Z",
    "2026-05-32T08:30:00Z", "2026-05-11T25:30:00Z", "2026-05-11T24:00:01Z",
    "2026-05-11T08:60:00Z", "2026-05-11T08:30:61Z", "2026-05-11T08:30:5Z",
    "2026-05-11T08:30:00.Z", "2026-05-11T08:30.5Z", "2026-05-11T08:30:00+2",
    "2026-05-11T08:30:00+24:00", "2026-05-11T08:30:00+02:60",
    "26-05-11T08:30:00Z", "2026/05/11T08:30:00Z", "1778488200250",
    "-026-05-11T08:30:00Z", "2026-05-11T+8:30:00Z");
  CAPTURE(text);
  CHECK_FALSE(parse_iso8601(text));
}

TEST_CASE("json: writes ISO 8601", "[json]") {
  CHECK(to_iso8601({0}) == "1970-01-01T00:00:00.000Z");
  CHECK(to_iso8601({1'778'488'200'250}) == "2026-05-11T08:30:00.250Z");
  CHECK(to_iso8601({-1}) == "1969-12-31T23:59:59.999Z");
  CHECK(to_iso8601({-62'135'596'800'000}) == "0001-01-01T00:00:00.000Z");
}

TEST_CASE("json: reads what it writes", "[sim]") {
  auto seed = GENERATE(range(1, 500));
  CAPTURE(seed);
  std::minstd_rand rng{static_cast<unsigned>(seed)};
  // The years 0 to 9999.
  std::uniform_int_distribution<int64_t> any{-62'167'219'200'000,
                                             253'402'300'799'999};
  timestamp at{any(rng)};
  CAPTURE(at.ms, to_iso8601(at));
  CHECK(parse_iso8601(to_iso8601(at)) == at);
}
