// What every worker that is written on the kit does by itself.

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/worker_pipe.hpp"

using namespace leasehold;

namespace {

using nlohmann::json;

struct kit_worker : test::worker_pipe {
  kit_worker() : worker_pipe{{LEASEHOLD_KIT_WORKER}} {
    // nop
  }
};

} // namespace

TEST_CASE("worker_kit: initialize names the methods on offer", "[worker_kit]") {
  kit_worker worker;
  auto hello = worker.result("initialize", {{"apiVersion", 1}});
  CHECK(hello["ok"] == true);
  auto methods = hello["supportedMethods"].get<std::vector<std::string>>();
  auto offers = [&](const char* name) {
    return std::find(methods.begin(), methods.end(), name) != methods.end();
  };
  CHECK(offers("echo"));
  CHECK(offers("shutdown"));
  CHECK_FALSE(offers("health"));
  CHECK_FALSE(offers("initialize"));
}

TEST_CASE("worker_kit: a second initialize is refused", "[worker_kit]") {
  kit_worker worker;
  worker.result("initialize");
  auto error = worker.error("initialize");
  CHECK(error
        == json{{"code", -32002}, {"message", "Worker already initialized"}});
}

TEST_CASE("worker_kit: an unknown method is named", "[worker_kit]") {
  kit_worker worker;
  auto error = worker.error("environmentFly");
  CHECK(
    error
    == json{{"code", -32601}, {"message", "Unknown method: environmentFly"}});
}

TEST_CASE("worker_kit: health is ok unless overridden", "[worker_kit]") {
  kit_worker worker;
  CHECK(worker.result("health") == json{{"status", "ok"}});
}

TEST_CASE("worker_kit: what is not a message is answered and skipped",
          "[worker_kit]") {
  kit_worker worker;
  worker.send_line("{\"jsonrpc\":");
  auto complaint = worker.complaint();
  CHECK(complaint["code"] == -32700);
  CHECK(complaint["message"] == "Parse error: Invalid JSON: {\"jsonrpc\":");
  worker.send_line("[1,2]");
  CHECK(worker.complaint()["message"]
        == "Parse error: Message must be a JSON object");
  worker.send_line("{\"id\":1,\"method\":\"echo\"}");
  CHECK(worker.complaint()["code"] == -32700);
  worker.send_line("\n  \n");
  worker.send_line("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}");
  worker.send_line("{\"jsonrpc\":\"2.0\",\"method\":\"onEvent\"}");
  CHECK(worker.result("echo", {{"a", 1}}) == json{{"a", 1}});
  CHECK(worker.answer_count() == 4);
}

TEST_CASE("worker_kit: stray prints do not reach the host", "[worker_kit]") {
  kit_worker worker;
  CHECK(worker.result("print") == "printed");
  worker.await_stderr("a stray print");
  worker.await_stderr("and another");
  CHECK(worker.garbage().empty());
}

TEST_CASE("worker_kit: a call is answered once", "[worker_kit]") {
  kit_worker worker;
  CHECK(worker.result("twice") == 1);
  CHECK(worker.result("echo") == json::object());
  CHECK(worker.answer_count() == 2);
}

TEST_CASE("worker_kit: a call that nobody answers fails", "[worker_kit]") {
  kit_worker worker;
  auto error = worker.error("forget");
  CHECK(error["code"] == -32002);
  CHECK(error["message"] == "forget ended without an answer");
}

TEST_CASE("worker_kit: an exception fails its call only", "[worker_kit]") {
  kit_worker worker;
  CHECK(worker.error("throw") == json{{"code", -32002}, {"message", "oops"}});
  auto refused = worker.error("refuse", {{"name", "x"}});
  CHECK(refused == json{{"code", -32004}, {"message", "not today"}});
  CHECK(worker.result("health")["status"] == "ok");
}

TEST_CASE("worker_kit: a bad parameter is named", "[worker_kit]") {
  kit_worker worker;
  auto error = worker.error("refuse", {{"name", 7}});
  CHECK(error["code"] == -32602);
  CHECK(error["message"] == "Parameter \"name\" must be a string");
}

TEST_CASE("worker_kit: calls run side by side", "[worker_kit]") {
  kit_worker worker;
  worker.send("never");
  auto later = worker.send("later");
  CHECK(worker.result("health")["status"] == "ok");
  CHECK(worker.answer(later)["result"] == "later");
}

TEST_CASE("worker_kit: notifications carry what belongs to them",
          "[worker_kit]") {
  kit_worker worker;
  auto id = worker.send("note");
  worker.answer(id);
  CHECK(worker.streamed(id, "stderr") == "broken \xEF\xBF\xBD text");
  auto notes = worker.notes();
  REQUIRE(notes.size() == 1);
  CHECK(notes[0]["method"] == "log");
  CHECK(notes[0]["params"]
        == json{{"level", "info"}, {"message", "noted"}, {"meta", {{"n", 1}}}});
}

TEST_CASE("worker_kit: a handler can wait for a slow host", "[worker_kit]") {
  kit_worker worker;
  worker.pause();
  auto id = worker.send("flood");
  worker.resume();
  auto reply = worker.answer(id)["result"];
  CHECK(reply["unwritten"].get<size_t>() <= size_t{2} << 20);
  CHECK(worker.streamed(id, "stdout").size() == size_t{64} * 65536);
}

TEST_CASE("worker_kit: shutdown answers, tells the hook and ends with 0",
          "[worker_kit]") {
  kit_worker worker;
  CHECK(worker.result("shutdown") == json());
  auto end = worker.await_exit();
  CHECK(end.code == 0);
  worker.await_stderr("going down");
}

TEST_CASE("worker_kit: the end of the host ends the worker",
          "[worker_kit][trap-17]") {
  kit_worker worker;
  worker.send("never");
  worker.result("health");
  worker.close_stdin();
  CHECK(worker.await_exit().code == 0);
  worker.await_stderr("going down");
}

// -- fences -------------------------------------------------------------------

namespace {

json on(const std::string& resource, int fence) {
  return {{"providerLeaseId", resource}, {"leaseFence", fence}};
}

/// The code of the error that a call ends with; zero if it succeeds.
int code_of(test::worker_pipe& worker, const char* method, const json& params) {
  auto answer = worker.answer(worker.send(method, params));
  return answer.contains("error") ? answer["error"]["code"].get<int>() : 0;
}

} // namespace

TEST_CASE("worker_kit: a call under an older fence never reaches its handler",
          "[worker_kit]") {
  kit_worker worker;
  worker.result("environmentResumeLease", on("thing", 7));
  CHECK(worker.error("environmentResumeLease", on("thing", 6))
        == json{{"code", -32090},
                {"message", "stale fence 6: \"thing\" has seen fence 7"}});
  json nested{{"lease", {{"providerLeaseId", "thing"}}}, {"leaseFence", 6}};
  CHECK(code_of(worker, "environmentExecute", nested) == -32090);
  nested["leaseFence"] = 8;
  CHECK(code_of(worker, "environmentExecute", nested) == 0);
  CHECK(code_of(worker, "environmentDestroyLease", on("thing", 7)) == -32090);
  CHECK(code_of(worker, "environmentResumeLease", on("other", 1)) == 0);
  nested.erase("leaseFence");
  CHECK(code_of(worker, "environmentExecute", nested) == 0);
  CHECK(code_of(worker, "environmentExecute", {{"leaseFence", "7"}}) == -32602);
}

TEST_CASE("worker_kit: what an acquire makes is remembered under its fence",
          "[worker_kit]") {
  kit_worker worker;
  worker.result("environmentAcquireLease",
                {{"wanted", "thing"}, {"leaseFence", 7}});
  CHECK(code_of(worker, "environmentExecute", on("thing", 6)) == -32090);
  CHECK(code_of(worker, "environmentAcquireLease",
                {{"wanted", "thing"}, {"leaseFence", 5}})
        == -32090);
  worker.result("environmentDestroyLease", on("thing", 9));
  CHECK(code_of(worker, "environmentResumeLease", on("thing", 6)) == 0);
}

TEST_CASE("worker_kit: fences outlive a killed worker where it has a folder",
          "[worker_kit]") {
  test::temp_dir dir;
  auto name = GENERATE(std::string{"thing"}, std::string{"ssh://a@b:1/../x y"},
                       std::string(300, 'x'));
  auto start = [&] {
    return test::worker_pipe{{LEASEHOLD_KIT_WORKER, dir / "fences"}};
  };
  {
    auto worker = start();
    auto methods = worker.result("initialize")["supportedMethods"];
    CHECK(methods.back() == "leaseFence");
    worker.result("environmentResumeLease", on(name, 7));
    worker.kill();
    worker.await_exit();
  }
  auto worker = start();
  CHECK(code_of(worker, "environmentExecute", on(name, 6)) == -32090);
  CHECK(code_of(worker, "environmentExecute", on(name, 7)) == 0);
}
