// What a provider's worker answers the sandbox driver (PB 5.6), and answers
// that are none.

#include "drivers/worker_results.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace leasehold;
using namespace leasehold::wire;
using nlohmann::json;

namespace {

const json_text own{R"({"driver":"sandbox","provider":"boxes"})"};

result<resource_ready> ready(const char* answer) {
  return parse_ready(json_text{answer}, own);
}

result<command_result> executed(const std::string& answer) {
  return parse_executed(json_text{answer});
}

const subject boxes{
  "sandbox", "Sandbox provider \"boxes\"",
  json_text{R"({"provider":"boxes","pluginKey":"acme.boxes"})"}};

/// Whether this is a provider that did something and then said it badly.
bool is_misspoken(const failure& why) {
  return why.code == ec::protocol_violation && why.provider_acted == acted::yes
         && !why.message.empty();
}

const char* const no_objects[]{"", "nonsense", "null", "[]", "1", "\"x\""};

} // namespace

// -- leases -------------------------------------------------------------------

TEST_CASE("worker_results: a lease names its resource", "[worker_results]") {
  auto out = ready(R"({"providerLeaseId":"box-1"})");
  REQUIRE(out);
  CHECK(out->resource == resource_id{"box-1"});
  CHECK_FALSE(out->expires_at);
  CHECK(json::parse(out->metadata.text)
        == json::parse(R"({"driver":"sandbox","provider":"boxes",
                           "providerMetadata":{}})"));
}

TEST_CASE("worker_results: a lease that names null names nothing",
          "[worker_results]") {
  auto out = ready(R"({"providerLeaseId":null})");
  REQUIRE(out);
  CHECK(out->resource.empty());
}

TEST_CASE("worker_results: a lease may expire, if its time is one",
          "[worker_results]") {
  auto out = ready(R"({"providerLeaseId":"b","expiresAt":
                       "2026-05-11T08:30:00.250Z"})");
  REQUIRE(out);
  CHECK(out->expires_at == timestamp{1'778'488'200'250});
  for (const auto* time : {"null", "\"soon\"", "17"}) {
    auto text
      = std::string{R"({"providerLeaseId":"b","expiresAt":)"} + time + "}";
    CHECK_FALSE(ready(text.c_str())->expires_at);
  }
}

TEST_CASE("worker_results: metadata that is no object is none",
          "[worker_results]") {
  auto out = ready(R"({"providerLeaseId":"b","metadata":[1]})");
  REQUIRE(out);
  CHECK(json::parse(out->metadata.text)["providerMetadata"] == json::object());
}

TEST_CASE("worker_results: a lease without a valid name is in doubt",
          "[worker_results]") {
  for (const auto* answer : no_objects)
    CHECK(is_misspoken(ready(answer).error()));
  for (const auto* answer : {"{}", R"({"providerLeaseId":7})",
                             R"({"providerLeaseId":{}})", R"({"id":"b"})"})
    CHECK(is_misspoken(ready(answer).error()));
}

TEST_CASE("worker_results: a bad answer is quoted, not repeated at length",
          "[worker_results]") {
  auto why = parse_ready(json_text{std::string(100'000, 'x')}, own).error();
  CHECK(why.detail == std::string(200, 'x'));
}

// -- commands -----------------------------------------------------------------

TEST_CASE("worker_results: a command's end is read as it was observed",
          "[worker_results]") {
  auto out = executed(R"({"exitCode":3,"signal":null,"timedOut":false,
                          "stdout":"out","stderr":"err","metadata":{"a":1}})");
  REQUIRE(out);
  CHECK(out->exit_code == 3);
  CHECK(out->signal.empty());
  CHECK_FALSE(out->timed_out);
  CHECK_FALSE(out->cancelled);
  CHECK(out->stdout_text == "out");
  CHECK(out->stderr_text == "err");
  CHECK(out->metadata.text == R"({"a":1})");
}

TEST_CASE("worker_results: no exit code is no exit code", "[worker_results]") {
  auto out = executed(R"({"exitCode":null,"signal":"SIGKILL","timedOut":true,
                          "stdout":"","stderr":"",
                          "metadata":{"cancelled":true}})");
  REQUIRE(out);
  CHECK_FALSE(out->exit_code);
  CHECK(out->signal == "SIGKILL");
  CHECK(out->timed_out);
  CHECK(out->cancelled);
}

TEST_CASE("worker_results: an exit code is never made up",
          "[worker_results][trap-13][promise-5]") {
  CHECK(executed(R"({"exitCode":2147483647})")->exit_code == 2147483647);
  CHECK(executed(R"({"exitCode":-2147483648})")->exit_code == -2147483647 - 1);
  for (const auto* code : {"4294967296", "2147483648", "-2147483649", "\"0\"",
                           "0.5", "true", "18446744073709551616", "[]"}) {
    CAPTURE(code);
    auto out = executed(std::string{R"({"exitCode":)"} + code + "}");
    CHECK(is_misspoken(out.error()));
  }
  CHECK(is_misspoken(executed(R"({"stdout":"x"})").error()));
  for (const auto* answer : no_objects)
    CHECK(is_misspoken(executed(answer).error()));
}

// -- the rest -----------------------------------------------------------------

TEST_CASE("worker_results: a workspace is somewhere", "[worker_results]") {
  auto out = parse_realized(json_text{R"({"cwd":"/work","metadata":{"a":1}})"});
  REQUIRE(out);
  CHECK(out->cwd == "/work");
  CHECK(out->metadata.text == R"({"a":1})");
  for (const auto* answer : {"{}", R"({"cwd":""})", R"({"cwd":1})", "null"})
    CHECK(is_misspoken(parse_realized(json_text{answer}).error()));
}

TEST_CASE("worker_results: a list says what it can", "[worker_results]") {
  auto out = parse_listed(json_text{
    R"({"leases":[{"providerLeaseId":"a","leaseId":"lease-1"},
                  {"providerLeaseId":"b"},{"leaseId":"x"},null,7]})"});
  REQUIRE(out);
  REQUIRE(out->size() == 2);
  CHECK(out->at(0).resource == resource_id{"a"});
  CHECK(out->at(0).lease == lease_id{"lease-1"});
  CHECK(out->at(1).resource == resource_id{"b"});
  CHECK(out->at(1).lease.empty());
  for (const auto* answer : {"{}", R"({"leases":{}})", "null"})
    CHECK(is_misspoken(parse_listed(json_text{answer}).error()));
}

TEST_CASE("worker_results: a probe reports", "[worker_results]") {
  auto probe = [](const char* answer) {
    return parse_probed(json_text{answer}, boxes).value();
  };
  auto good = probe(R"({"ok":true,"summary":"All well.","metadata":{"a":1}})");
  CHECK(good.ok);
  CHECK(good.summary == "All well.");
  CHECK(json::parse(good.details.text)
        == json::parse(R"({"provider":"boxes","pluginKey":"acme.boxes",
                           "diagnostics":[],"metadata":{"a":1}})"));
  CHECK(probe(R"({"ok":true})").summary
        == "Sandbox provider \"boxes\" probe passed.");
  auto bad = probe("{}");
  CHECK_FALSE(bad.ok);
  CHECK(bad.summary == "Sandbox provider \"boxes\" probe failed.");
}

// -- validation (PB 2.3) ------------------------------------------------------

TEST_CASE("worker_results: a config is stored as the provider normalized it",
          "[worker_results]") {
  json_text sent{R"({"image":"x"})"};
  auto stored = [&](const char* answer) {
    return parse_validated(json_text{answer}, sent, boxes).value().text;
  };
  CHECK(stored(R"({"ok":true,"normalizedConfig":{"image":"y"}})")
        == R"({"image":"y"})");
  CHECK(stored(R"({"ok":true})") == sent.text);
}

TEST_CASE("worker_results: a config that the provider rejects is refused in "
          "its words",
          "[worker_results]") {
  auto why = [](const char* answer) {
    auto out = parse_validated(json_text{answer}, json_text{"{}"}, boxes);
    return out.error();
  };
  auto told = why(R"({"ok":false,"errors":["No image.","No key."]})");
  CHECK(told.code == ec::invalid_config);
  CHECK(told.message == "No image.");
  CHECK(told.detail == "No image.\nNo key.");
  CHECK(why(R"({"ok":false})").message
        == "Sandbox provider \"boxes\" rejected its config.");
  CHECK(why("{}").code == ec::invalid_config);
}
