// JSON-RPC as the engine speaks it with plugin workers (PB 5.2, 5.3).

#include "drivers/json_rpc.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace leasehold;
using namespace leasehold::rpc;
using nlohmann::json;

namespace {

/// The line as this kind of message; fails the test if it is another kind.
template <class T>
T parse_as(std::string_view line) {
  auto out = parse_line(line);
  if (auto* junk = std::get_if<garbage>(&out))
    INFO(junk->why);
  REQUIRE(std::holds_alternative<T>(out));
  return std::get<T>(out);
}

std::string why_garbage(std::string_view line) {
  return parse_as<garbage>(line).why;
}

} // namespace

// -- what we send -------------------------------------------------------------

TEST_CASE("json_rpc: a request is one line with everything in it",
          "[json_rpc]") {
  auto line
    = encode_request(7, "environmentProbe", json_text{R"({"a":"b\nc"})"},
                     invocation{"call-1", "company-1"});
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(json::parse(line)
        == json::parse(R"({"jsonrpc":"2.0","id":7,"method":"environmentProbe",
                           "params":{"a":"b\nc"},
                           "paperclipInvocation":{"id":"call-1",
                             "scope":{"companyId":"company-1"}}})"));
}

TEST_CASE("json_rpc: a request without a company has no scope", "[json_rpc]") {
  auto sent
    = json::parse(encode_request(1, "health", json_text{}, std::nullopt));
  CHECK(sent
        == json::parse(
          R"({"jsonrpc":"2.0","id":1,"method":"health","params":{}})"));
}

TEST_CASE("json_rpc: names are quoted as JSON wants it", "[json_rpc]") {
  auto sent = json::parse(
    encode_request(1, "a\"b\n", json_text{}, invocation{"\"", "c\\d"}));
  CHECK(sent["method"] == "a\"b\n");
  CHECK(sent["paperclipInvocation"]["id"] == "\"");
  CHECK(sent["paperclipInvocation"]["scope"]["companyId"] == "c\\d");
}

TEST_CASE("json_rpc: what a worker asks is answered under its own id",
          "[json_rpc]") {
  for (const auto* id : {"1", "\"a-1\"", "1.5"}) {
    auto asked = parse_as<request>(
      std::string{R"({"jsonrpc":"2.0","method":"log","id":)"} + id + "}");
    auto result = json::parse(encode_result(asked.id, R"({"x":1})"));
    CHECK(result["id"] == json::parse(id));
    CHECK(result["result"] == json::parse(R"({"x":1})"));
    CHECK(result["jsonrpc"] == "2.0");
    auto error = json::parse(encode_error(asked.id, -32601, "no \"x\""));
    CHECK(error["id"] == json::parse(id));
    CHECK(error["error"]["code"] == -32601);
    CHECK(error["error"]["message"] == "no \"x\"");
  }
}

TEST_CASE("json_rpc: `initialize` says who we are (PB 5.4)", "[json_rpc]") {
  auto params = json::parse(
    initialize_params(json_text{R"({"id":"p"})"}, "engine-1", "0.1.0").text);
  CHECK(params == json::parse(R"({"manifest":{"id":"p"},"config":{},
             "instanceInfo":{"instanceId":"engine-1","hostVersion":"0.1.0"},
             "apiVersion":1,"databaseNamespace":null})"));
}

// -- classification (PB 5.2) --------------------------------------------------

TEST_CASE("json_rpc: an id and a result make a response", "[json_rpc]") {
  auto out
    = parse_as<response>(R"({"jsonrpc":"2.0","id":3,"result":{"ok":true}})");
  CHECK(out.id == 3);
  CHECK(out.result.text == R"({"ok":true})");
  CHECK_FALSE(out.error_code);
}

TEST_CASE("json_rpc: a result may be anything, null too", "[json_rpc]") {
  auto text = GENERATE(as<std::string>{}, "null", "[]", "1", "\"x\"", "false");
  auto out
    = parse_as<response>(R"({"jsonrpc":"2.0","id":3,"result":)" + text + "}");
  CHECK(out.result.text == text);
}

TEST_CASE("json_rpc: an id and an error make a response", "[json_rpc]") {
  auto out = parse_as<response>(
    R"({"jsonrpc":"2.0","id":3,"error":{"code":-32002,"message":"No."}})");
  CHECK(out.error_code == -32002);
  CHECK(out.error_message == "No.");
}

TEST_CASE("json_rpc: an error in any form is an error", "[json_rpc]") {
  auto text = GENERATE(as<std::string>{}, "{}", "\"No.\"", "[1]", "17",
                       R"({"code":"E1","message":7})");
  auto out
    = parse_as<response>(R"({"jsonrpc":"2.0","id":3,"error":)" + text + "}");
  CHECK(out.error_code == -32099);
  CHECK_FALSE(out.error_message.empty());
}

TEST_CASE("json_rpc: a null error beside a result is none", "[json_rpc]") {
  auto out = parse_as<response>(
    R"({"jsonrpc":"2.0","id":3,"result":{},"error":null})");
  CHECK_FALSE(out.error_code);
}

TEST_CASE("json_rpc: a response is one though it names a method",
          "[json_rpc]") {
  parse_as<response>(R"({"jsonrpc":"2.0","id":3,"method":"log","result":{}})");
}

TEST_CASE("json_rpc: a method and an id make a request", "[json_rpc]") {
  auto out = parse_as<request>(
    R"({"jsonrpc":"2.0","id":9,"method":"config.get","params":{"a":1},
        "paperclipInvocationId":"call-1"})");
  CHECK(out.id == "9");
  CHECK(out.method == "config.get");
  CHECK(out.params.text == R"({"a":1})");
  CHECK(out.invocation == "call-1");
}

TEST_CASE("json_rpc: a method without an id makes a notification",
          "[json_rpc]") {
  auto line = GENERATE(
    as<std::string>{},
    R"({"jsonrpc":"2.0","method":"log","paperclipInvocationId":"call-1"})",
    R"({"jsonrpc":"2.0","id":null,"method":"log",
        "paperclipInvocationId":"call-1"})");
  auto out = parse_as<notification>(line);
  CHECK(out.method == "log");
  CHECK(out.params.text == "{}");
  CHECK(out.invocation == "call-1");
}

TEST_CASE("json_rpc: an invocation that is no text is none", "[json_rpc]") {
  auto out = parse_as<notification>(
    R"({"jsonrpc":"2.0","method":"log","paperclipInvocationId":{"id":1}})");
  CHECK(out.invocation.empty());
}

TEST_CASE("json_rpc: what is sent can be read", "[json_rpc]") {
  auto line = encode_request(41, "environmentExecute",
                             json_text{R"({"command":"ls","args":["ä"]})"},
                             invocation{"call-1", "company-1"});
  auto asked = parse_as<request>(line);
  CHECK(asked.id == "41");
  CHECK(asked.method == "environmentExecute");
  CHECK(json::parse(asked.params.text)
        == json::parse(R"({"command":"ls","args":["ä"]})"));
  auto answer = parse_as<response>(encode_result(asked.id, R"({"ok":true})"));
  CHECK(answer.id == 41);
  CHECK(answer.result.text == R"({"ok":true})");
  auto refusal = parse_as<response>(encode_error(asked.id, -32004, "No."));
  CHECK(refusal.error_code == -32004);
  CHECK(refusal.error_message == "No.");
}

TEST_CASE("json_rpc: a text that JavaScript cut in two is not lost",
          "[json_rpc]") {
  auto out = parse_as<response>(
    R"({"jsonrpc":"2.0","id":3,"result":{"stdout":"\ud83d\ude00 \\ud83d \ud83d",
        "stderr":"\ude00 x"}})");
  auto result = json::parse(out.result.text);
  CHECK(result["stdout"] == "😀 \\ud83d \xef\xbf\xbd");
  CHECK(result["stderr"] == "\xef\xbf\xbd x");
}

// -- garbage ------------------------------------------------------------------

TEST_CASE("json_rpc: garbage says what it is (PB 5.2)", "[json_rpc]") {
  CHECK(why_garbage("") == "Empty message");
  CHECK(why_garbage("[1]") == "Message must be a JSON object");
  CHECK(why_garbage("\"x\"") == "Message must be a JSON object");
  CHECK(why_garbage("{}")
        == "Invalid or missing jsonrpc version (expected \"2.0\")");
}

TEST_CASE("json_rpc: what is not JSON is garbage", "[json_rpc]") {
  auto line = GENERATE(
    as<std::string>{}, "hello", "{", "}", " ", "nul", "{\"jsonrpc\":\"2.0\"",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}} trailing", "\xff\xfe",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\"}", "[1,2", "\"\\ud8",
    "Debugger listening on ws://127.0.0.1:9229", std::string(1, '\0'),
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\\ud83", "\\", "{\"a\\");
  CAPTURE(line);
  CHECK(why_garbage(line) == "Invalid JSON");
}

TEST_CASE("json_rpc: another version is garbage", "[json_rpc]") {
  auto line = GENERATE(as<std::string>{}, R"({"id":1,"result":{}})",
                       R"({"jsonrpc":"1.0","id":1,"result":{}})",
                       R"({"jsonrpc":2.0,"id":1,"result":{}})",
                       R"({"jsonrpc":null,"method":"log"})");
  CHECK(why_garbage(line).starts_with("Invalid or missing jsonrpc version"));
}

TEST_CASE("json_rpc: an answer to nothing that we asked is garbage",
          "[json_rpc]") {
  auto id = GENERATE(as<std::string>{}, "\"1\"", "1.5", "[1]", "{}", "true");
  CHECK(why_garbage(R"({"jsonrpc":"2.0","result":{},"id":)" + id + "}")
        == "response with id " + id);
}

TEST_CASE("json_rpc: a worker's complaint about a line of ours is garbage",
          "[json_rpc]") {
  CHECK(why_garbage(R"({"jsonrpc":"2.0","id":null,
                        "error":{"code":-32700,"message":"Parse error"}})")
        == "neither a response nor a method");
}

TEST_CASE("json_rpc: a batch is garbage", "[json_rpc]") {
  CHECK(why_garbage(R"([{"jsonrpc":"2.0","id":1,"result":{}}])")
        == "Message must be a JSON object");
}

TEST_CASE("json_rpc: a method that is no name is garbage", "[json_rpc]") {
  auto method = GENERATE(as<std::string>{}, "\"\"", "1", "null", "[\"log\"]");
  CHECK(why_garbage(R"({"jsonrpc":"2.0","id":1,"method":)" + method + "}")
        == "neither a response nor a method");
}

TEST_CASE("json_rpc: a line that nests without end is garbage and harms nobody",
          "[json_rpc]") {
  std::string open(1'000'000, '[');
  std::string close(1'000'000, ']');
  auto place
    = GENERATE(as<std::string>{}, R"("result":1,"id":)", R"("id":1,"result":)",
               R"("id":1,"method":"log","params":)");
  auto line = R"({"jsonrpc":"2.0",)" + place + open + close + "}";
  CHECK(why_garbage(line) == "JSON nested too deeply");
  CHECK(why_garbage(open) == "JSON nested too deeply");
}

TEST_CASE("json_rpc: brackets in texts do not nest", "[json_rpc]") {
  auto text = std::string(10'000, '[') + R"(\")" + std::string(10'000, '{');
  parse_as<response>(R"({"jsonrpc":"2.0","id":1,"result":")" + text + "\"}");
  std::string flat;
  for (auto i = 0; i < 10'000; ++i)
    flat += "[],";
  parse_as<response>(R"({"jsonrpc":"2.0","id":1,"result":[)" + flat + "1]}");
}
