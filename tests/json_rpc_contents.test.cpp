// What is inside the lines of plugin workers, and what can be told of a line
// that is too long to be read.

#include "drivers/json_rpc.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace leasehold;
using namespace leasehold::rpc;
using nlohmann::json;

namespace {

using maybe_id = std::optional<int64_t>;

std::optional<log_chunk> chunk_of(const json& params) {
  return parse_log_chunk(json_text{params.dump()});
}

std::string log_line_of(const json& params) {
  return parse_log_line(json_text{params.dump()});
}

/// A text of this many characters, which may have more than one byte.
std::string many(size_t count, const std::string& character) {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    out += character;
  return out;
}

} // namespace

// -- the id of an overlong line -----------------------------------------------

TEST_CASE("json_rpc: the id of a response is read off its beginning",
          "[json_rpc]") {
  CHECK(response_id_of(R"({"jsonrpc":"2.0","id":42,"result":{"stdout":"aaa)")
        == 42);
  CHECK(response_id_of(R"({"id" : 42 , "jsonrpc":"2.0","result":"aaa)") == 42);
  CHECK(response_id_of("{\"id\":\t7}") == 7);
  CHECK(response_id_of(R"({"x":[{"y":"}"}],"id":7,"result":"aaa)") == 7);
}

TEST_CASE("json_rpc: an id inside a result is another id", "[json_rpc]") {
  CHECK(response_id_of(R"({"jsonrpc":"2.0","result":{"id":3,"x":"aaaa)")
        == maybe_id{});
  CHECK(response_id_of(R"({"jsonrpc":"2.0","result":{"id":3},"id":5,)") == 5);
  CHECK(response_id_of(R"({"jsonrpc":"2.0","result":"\"id\":3","id":5,)") == 5);
  CHECK(response_id_of(R"({"result":["id",3],"id":5,)") == 5);
  CHECK(response_id_of(R"({"result":"id","id":5,)") == 5);
}

TEST_CASE("json_rpc: an overlong request or notification answers nobody",
          "[json_rpc]") {
  CHECK(response_id_of(
          R"({"jsonrpc":"2.0","method":"log","id":3,"params":{"m":"aaa)")
        == maybe_id{});
  CHECK(response_id_of(
          R"({"jsonrpc":"2.0","method":"execute.log","params":{"id":3,"c":"a)")
        == maybe_id{});
}

TEST_CASE("json_rpc: an id that is cut off or no integer is none",
          "[json_rpc]") {
  auto head = GENERATE(
    as<std::string>{}, "", "{", R"({"id)", R"({"id")", R"({"id":)",
    R"({"id":4)", R"({"id":"4",)", R"({"id":4.5,)", R"({"id":4e1,)",
    R"({"id":null,)", R"({"id":99999999999999999999,)", R"({"result":"aaaaaa)",
    R"({"result":"aaaa\)", "aaaa", R"(["id",4,])", R"({"ids":4,)");
  CAPTURE(head);
  CHECK(response_id_of(head) == maybe_id{});
}

// -- execute.log (PB 5.9) -----------------------------------------------------

TEST_CASE("json_rpc: execute.log carries a piece of either stream",
          "[json_rpc]") {
  auto out = chunk_of({{"stream", "stdout"}, {"chunk", "hello\n"}});
  REQUIRE(out);
  CHECK_FALSE(out->is_stderr);
  CHECK(out->text == "hello\n");
  out = chunk_of({{"stream", "stderr"}, {"chunk", "ä"}});
  REQUIRE(out);
  CHECK(out->is_stderr);
}

TEST_CASE("json_rpc: execute.log that breaks the rules is dropped",
          "[json_rpc]") {
  CHECK_FALSE(chunk_of(json::array()));
  CHECK_FALSE(chunk_of({{"chunk", "x"}}));
  CHECK_FALSE(chunk_of({{"stream", "stdin"}, {"chunk", "x"}}));
  CHECK_FALSE(chunk_of({{"stream", 1}, {"chunk", "x"}}));
  CHECK_FALSE(chunk_of({{"stream", "stdout"}}));
  CHECK_FALSE(chunk_of({{"stream", "stdout"}, {"chunk", ""}}));
  CHECK_FALSE(chunk_of({{"stream", "stdout"}, {"chunk", {"x"}}}));
  CHECK_FALSE(parse_log_chunk(json_text{"nonsense"}));
}

TEST_CASE("json_rpc: a piece has a million characters at most, not bytes",
          "[json_rpc]") {
  auto fits = [](const std::string& text) {
    return chunk_of({{"stream", "stdout"}, {"chunk", text}}).has_value();
  };
  CHECK(fits(std::string(1'000'000, 'x')));
  CHECK_FALSE(fits(std::string(1'000'001, 'x')));
  CHECK(fits(many(1'000'000, "€")));
  CHECK_FALSE(fits(many(1'000'001, "€")));
  // JavaScript counts these as two.
  CHECK(fits(many(500'000, "😀")));
  CHECK_FALSE(fits(many(500'001, "😀")));
}

// -- log ----------------------------------------------------------------------

TEST_CASE("json_rpc: a log line names its level", "[json_rpc]") {
  CHECK(log_line_of({{"level", "warn"}, {"message", "Hm."}}) == "warn: Hm.");
  CHECK(log_line_of({{"message", "Hm."}}) == "info: Hm.");
  CHECK(log_line_of({{"level", "warn"}}).empty());
  CHECK(log_line_of({{"message", 1}}).empty());
  CHECK(log_line_of(json::array()).empty());
}

TEST_CASE("json_rpc: a log line is bounded and stays valid text",
          "[json_rpc]") {
  auto line = log_line_of({{"message", std::string(20'000, 'x')}});
  CHECK(line == "info: " + std::string(10'000, 'x'));
  line = log_line_of({{"message", many(5'000, "€")}});
  CHECK(line == "info: " + many(3'333, "€"));
}

// -- initialize ---------------------------------------------------------------

TEST_CASE("json_rpc: the answer to `initialize` lists the methods",
          "[json_rpc]") {
  auto methods = parse_initialized(
    json_text{R"({"ok":true,"supportedMethods":["a","b",3]})"});
  REQUIRE(methods);
  CHECK(*methods == std::vector<std::string>{"a", "b"});
  auto silent = parse_initialized(json_text{R"({"ok":true})"});
  REQUIRE(silent);
  CHECK(silent->empty());
}

TEST_CASE("json_rpc: anything but ok is a failed handshake", "[json_rpc]") {
  auto text = GENERATE(as<std::string>{}, "null", "{}", "[]", R"({"ok":false})",
                       R"({"ok":"yes"})", R"({"supportedMethods":["a"]})");
  auto out = parse_initialized(json_text{text});
  CHECK(out.error().code == ec::worker_lost);
  CHECK(out.error().message == "Worker initialize returned ok=false");
}

// -- errors -------------------------------------------------------------------

TEST_CASE("json_rpc: an error reply keeps the worker's words", "[json_rpc]") {
  response reply;
  reply.error_code = -32002;
  reply.error_message = "The API key is wrong.";
  auto why = failure_of("environmentProbe", reply);
  CHECK(why.code == ec::provider_refused);
  CHECK(why.message == "The API key is wrong.");
  CHECK(why.detail == "JSON-RPC error -32002 from environmentProbe");
}

TEST_CASE("json_rpc: a worker that has seen a later fence means a stale lease",
          "[json_rpc]") {
  response reply;
  reply.error_code = stale_fence;
  auto why = failure_of("environmentExecute", reply);
  CHECK(why.code == ec::stale_lease);
  CHECK(why.provider_acted == acted::no);
}

TEST_CASE("json_rpc: a method that a worker does not have is not supported",
          "[json_rpc]") {
  response reply;
  reply.error_code = GENERATE(-32601, -32004);
  CHECK(failure_of("environmentListLeases", reply).code == ec::not_supported);
}
