// Secret values in texts that leave the engine.

#include "drivers/scrubber.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;

namespace {

std::string scrub(const std::vector<std::string>& values,
                  const std::string& text) {
  return scrubber{values}.text(text);
}

std::string scrub_json(const std::vector<std::string>& values,
                       const std::string& text) {
  return scrubber{values}.json(json_text{text}).text;
}

} // namespace

TEST_CASE("scrubber: every occurrence in a text goes", "[scrubber]") {
  CHECK(scrub({"hunter2"}, "hunter2: no hunter2, xhunter2x")
        == "***: no ***, x***x");
  CHECK(scrub({"hunter2"}, "hunter hunter3") == "hunter hunter3");
  CHECK(scrub({"hunter2"}, "").empty());
}

TEST_CASE("scrubber: the longest value goes first", "[scrubber]") {
  CHECK(scrub({"abcd", "abcdef"}, "abcdef abcd") == "*** ***");
  CHECK(scrub({"cdef", "abcd"}, "abcdef") == "***ef");
}

TEST_CASE("scrubber: values of fewer than four bytes are ignored",
          "[scrubber]") {
  scrubber none{{"", "a", "abc"}};
  CHECK(none.empty());
  CHECK(none.text("abc a") == "abc a");
  CHECK(none.json(json_text{"{ \"a\" : 1 }"}).text == "{ \"a\" : 1 }");
  CHECK_FALSE(scrubber{{"abcd"}}.empty());
}

TEST_CASE("scrubber: a value that looks like the mask is no trouble",
          "[scrubber]") {
  CHECK(scrub({"****"}, "a****b") == "a***b");
  CHECK(scrub({"****"}, "a***b") == "a***b");
}

TEST_CASE("scrubber: a value is found as JSON spells it", "[scrubber]") {
  const std::string value = "line 1\n\"quoted\" \\ tab\t é";
  CHECK(scrub({value}, "it said " + value + "!") == "it said ***!");
  CHECK(scrub({value}, R"({"k":"line 1\n\"quoted\" \\ tab\t é"} cut)")
        == R"({"k":"***"} cut)");
  CHECK(scrub({value}, R"({"k":"line 1\n\"quoted\" \\ tab\t \u00e9"} cut)")
        == R"({"k":"***"} cut)");
}

TEST_CASE("scrubber: in JSON a value goes however it is escaped",
          "[scrubber]") {
  CHECK(scrub_json({"a/b\"c"}, R"({"x":"\u0061\/b\"c","y":["-a/b\"c-"]})")
        == R"({"x":"***","y":["-***-"]})");
  CHECK(scrub_json({"hunter2"}, R"({"hunter2":{"hunter2":[null,true,1.5]}})")
        == R"({"***":{"***":[null,true,1.5]}})");
  CHECK(scrub_json({"hunter2"}, R"("hunter2")") == R"("***")");
}

TEST_CASE("scrubber: a number that is a secret goes too", "[scrubber]") {
  CHECK(scrub_json({"123456"}, R"({"a":123456,"b":1234567,"c":12})")
        == R"({"a":"***","b":1234567,"c":12})");
}

TEST_CASE("scrubber: JSON inside a JSON text is cleaned too", "[scrubber]") {
  CHECK(scrub_json({"a\"bcd"}, R"({"body":"{\"key\":\"a\\\"bcd\"}"})")
        == R"({"body":"{\"key\":\"***\"}"})");
}

TEST_CASE("scrubber: what is no JSON is cleaned as text", "[scrubber]") {
  CHECK(scrub_json({"hunter2"}, "{hunter2") == "{***");
}

TEST_CASE("scrubber: the words of a failure are cleaned, its code stays",
          "[scrubber]") {
  scrubber by{{"hunter2"}};
  auto x = by.error(
    {ec::provider_refused, "bad key hunter2", "hunter2", acted::yes});
  CHECK(x == failure{ec::provider_refused, "bad key ***", "***", acted::yes});
}

TEST_CASE("scrubber: an id stays whole, unless it is a value", "[scrubber]") {
  const std::string id = "11112222-3333-4444-5555-666677778888";
  CHECK(scrub_json({"4444"}, R"({"id":")" + id + R"(","x":"-4444"})")
        == R"({"id":")" + id + R"(","x":"-***"})");
  CHECK(scrub_json({id}, R"({"id":")" + id + R"("})") == R"({"id":"***"})");
}

TEST_CASE("scrubber: what somebody gave stays, what was added is cleaned",
          "[scrubber]") {
  scrubber by{{"debian"}};
  json_text given{R"({"image":"debian:12","a":{"b":"debian"},"debian":1})"};
  CHECK(by.added(given, given).text
        == R"({"a":{"b":"debian"},"debian":1,"image":"debian:12"})");
  CHECK(by.added(json_text{R"({"image":"debian:13","a":{"b":"debian",)"
                           R"("c":"debian"},"debian":2,"debians":3})"},
                 given)
          .text
        == R"({"***s":3,"a":{"b":"debian","c":"***"},"debian":2,)"
           R"("image":"***:13"})");
}

TEST_CASE("scrubber: values that are no UTF-8 do no harm", "[scrubber]") {
  CHECK(scrub({"\xff\xfe\xfd\xfc"}, "a\xff\xfe\xfd\xfc b") == "a*** b");
}

TEST_CASE("scrubber: the lines of a longer value are hidden one by one",
          "[scrubber]") {
  scrubber hide{{"-----BEGIN KEY-----\r\nbase64base64\nx\n"}};
  CHECK(hide.text("read base64base64 and x") == "read *** and x");
  CHECK(hide.text("-----BEGIN KEY-----") == "***");
}

TEST_CASE("scrubber: members that belong to somebody else stay", "[scrubber]") {
  scrubber hide{{"hunter2"}};
  json_text x{R"({"a":"hunter2","b":{"c":"hunter2"},"d":7})"};
  CHECK(hide.json_but(x, {"a", "no"}).text
        == R"({"a":"hunter2","b":{"c":"***"},"d":7})");
  CHECK(hide.json_but(json_text{"[\"hunter2\"]"}, {"a"}).text == R"(["***"])");
}
