// One worker process and the calls it answers, with a process that says what
// the test lets it say, and time that passes when told to.

#include "tests/support/stage.hpp"

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;
using test::fake_process;
using test::stage;

namespace {

/// Where a call's answer ends up.
template <class T>
struct inbox {
  std::shared_ptr<std::vector<result<T>>> got
    = std::make_shared<std::vector<result<T>>>();

  completion<T> address() const {
    return [got = got](result<T> x) { got->push_back(std::move(x)); };
  }

  [[nodiscard]] bool empty() const {
    return got->empty();
  }

  const failure& error() const {
    return got->at(0).error();
  }
};

/// Takes what a command prints.
struct collected_output : output_sink {
  std::vector<std::string> pieces;

  bool put(output_chunk chunk) override {
    pieces.push_back(to_string(chunk.stream) + ":" + chunk.text);
    return true;
  }

  void when_ready(std::function<void()> resume) override {
    resume();
  }
};

/// Answers `initialize` and nothing else.
void only_initialize(fake_process& process, const json& request) {
  if (request.value("method", "") == "initialize")
    process.reply(request, {{"ok", true}});
}

/// A stage whose worker initializes and then says only what a test says.
struct calling : stage {
  calling() : calling(supervisor_options{}) {
    // nop
  }

  explicit calling(supervisor_options setup) : stage(std::move(setup)) {
    processes.on_request = only_initialize;
  }

  inbox<json_text> call(const std::string& method, milliseconds timeout = 0ms,
                        std::shared_ptr<output_sink> output = nullptr,
                        std::function<void(json_text)> late = {},
                        const std::string& company = "company-1") {
    inbox<json_text> answer;
    worker_call what;
    what.method = method;
    what.company = {company};
    what.timeout = timeout;
    what.output = std::move(output);
    what.late = std::move(late);
    gate.call({"plugin-1"}, std::move(what), true, answer.address());
    settle();
    return answer;
  }

  fake_process& process() {
    return processes.current();
  }

  void say(const std::string& line) {
    process().say(line);
    settle();
  }
};

supervisor_options one_at_a_time() {
  supervisor_options out;
  out.worker.calls_max = 1;
  out.worker.queue_max = 3;
  return out;
}

struct crowded : calling {
  crowded() : calling(one_at_a_time()) {
    // nop
  }
};

} // namespace

// -- the wire -----------------------------------------------------------------

TEST_CASE_METHOD(calling, "worker: it is launched as PB 5.1 says", "[actors]") {
  call("health");
  const auto& launch = process().launch;
  CHECK(launch.argv == std::vector<std::string>{"boxes-worker"});
  CHECK(launch.env.at("PAPERCLIP_PLUGIN_ID") == "plugin-1");
  CHECK(launch.env.at("NODE_ENV") == "production");
  CHECK(launch.env.at("TZ") == "UTC");
  CHECK(launch.env.contains("NODE_PATH"));
  CHECK(launch.env.contains("PATH"));
  CHECK(launch.env.size() == 5);
}

TEST_CASE_METHOD(calling, "worker: the handshake comes first", "[actors]") {
  call("environmentProbe");
  const auto& hello = process().received.at(0);
  CHECK(hello.at("method") == "initialize");
  CHECK(hello.at("params").at("apiVersion") == 1);
  CHECK(hello.at("params").at("config") == json::object());
  CHECK(hello.at("params").at("databaseNamespace") == nullptr);
  CHECK(hello.at("params").at("manifest").at("id") == "boxes.plugin");
  CHECK(hello.at("params").at("instanceInfo").at("instanceId") == "engine-1");
  CHECK(process().received.at(1).at("method") == "environmentProbe");
}

TEST_CASE_METHOD(calling, "worker: a call carries the scope of its company",
                 "[actors]") {
  call("environmentProbe");
  auto sent = process().last("environmentProbe");
  CHECK(sent.at("paperclipInvocation").at("scope").at("companyId")
        == "company-1");
  CHECK(sent.at("paperclipInvocation").at("id").is_string());
}

TEST_CASE_METHOD(calling, "worker: answers find their calls in any order",
                 "[actors]") {
  auto one = call("a");
  auto two = call("b");
  process().reply(process().last("b"), {{"n", 2}});
  process().reply(process().last("a"), {{"n", 1}});
  settle();
  CHECK(one.got->at(0)->text == R"({"n":1})");
  CHECK(two.got->at(0)->text == R"({"n":2})");
}

TEST_CASE_METHOD(calling, "worker: a second answer is dropped", "[actors]") {
  auto answer = call("a");
  auto request = process().last("a");
  process().reply(request, {{"n", 1}});
  process().reply(request, {{"n", 2}});
  settle();
  CHECK(answer.got->size() == 1);
  CHECK_FALSE(call("b").got->size() == 1);
}

TEST_CASE_METHOD(calling, "worker: garbage and unknown ids disturb nobody",
                 "[actors][pb-12.2.22]") {
  auto answer = call("a");
  say("hello, I am a stray print");
  say("[1,2,3]");
  say(R"({"jsonrpc":"1.0","id":1,"result":{}})");
  say(R"({"jsonrpc":"2.0","id":4711,"result":{}})");
  say(R"({"jsonrpc":"2.0","id":"a","result":{}})");
  say("\xff\xfe{");
  process().reply(process().last("a"), {{"n", 1}});
  settle();
  CHECK(answer.got->at(0));
}

TEST_CASE_METHOD(calling, "worker: its errors come with its own words",
                 "[actors]") {
  auto answer = call("a");
  auto id = process().last("a").at("id");
  say(json{{"jsonrpc", "2.0"},
           {"id", id},
           {"error", {{"code", -32002}, {"message", "No disk left."}}}}
        .dump());
  CHECK(answer.error().code == ec::provider_refused);
  CHECK(answer.error().message == "No disk left.");
}

TEST_CASE_METHOD(calling, "worker: a method it does not know is not supported",
                 "[actors]") {
  auto code = GENERATE(-32601, -32004);
  auto answer = call("a");
  auto id = process().last("a").at("id");
  say(json{{"jsonrpc", "2.0"},
           {"id", id},
           {"error", {{"code", code}, {"message", "Unknown method: a"}}}}
        .dump());
  CHECK(answer.error().code == ec::not_supported);
}

TEST_CASE_METHOD(calling,
                 "worker: a host method that nobody handles is said "
                 "to be so",
                 "[actors]") {
  call("a");
  say(R"({"jsonrpc":"2.0","id":7,"method":"issues.list","params":{}})");
  auto answer = process().received.back();
  CHECK(answer.at("id") == 7);
  CHECK(answer.at("error").at("code") == -32601);
  CHECK(answer.at("error").at("message")
        == "Host does not handle method \"issues.list\"");
}

TEST_CASE_METHOD(calling,
                 "worker: live output goes to the command that it "
                 "belongs to",
                 "[actors][pb-12.2.28]") {
  auto one = std::make_shared<collected_output>();
  auto two = std::make_shared<collected_output>();
  call("environmentExecute", 0ms, one);
  auto scope = process().last("environmentExecute").at("paperclipInvocation");
  call("environmentExecute", 0ms, two);
  auto say_log = [&](const json& id, const json& params) {
    say(json{{"jsonrpc", "2.0"},
             {"method", "execute.log"},
             {"paperclipInvocationId", id},
             {"params", params}}
          .dump());
  };
  say_log(scope.at("id"), {{"stream", "stdout"}, {"chunk", "hello"}});
  say_log(scope.at("id"), {{"stream", "stderr"}, {"chunk", "ouch"}});
  say_log("forged", {{"stream", "stdout"}, {"chunk", "not mine"}});
  say_log(scope.at("id"), {{"stream", "stdin"}, {"chunk", "?"}});
  CHECK(one->pieces == std::vector<std::string>{"stdout:hello", "stderr:ouch"});
  CHECK(two->pieces.empty());
}

// -- time ---------------------------------------------------------------------

TEST_CASE_METHOD(calling, "worker: a call times out when PB 5.6 says",
                 "[actors][pb-12.2.26]") {
  auto timeout = GENERATE(0ms, 1234ms);
  auto expected = timeout.count() > 0 ? timeout : 30'000ms;
  auto answer = call("slow", timeout);
  pass(expected - 10ms);
  CHECK(answer.empty());
  pass(20ms);
  REQUIRE_FALSE(answer.empty());
  CHECK(answer.error().code == ec::call_timed_out);
  CHECK(answer.error().message
        == "RPC call \"slow\" timed out after "
             + std::to_string(expected.count()) + "ms");
  CHECK(answer.error().provider_acted == acted::unknown);
}

TEST_CASE_METHOD(calling, "worker: a late answer is told to who wants to know",
                 "[actors][pb-12.2.23]") {
  std::vector<std::string> late;
  call("slow", 100ms, nullptr,
       [&](const json_text& x) { late.push_back(x.text); });
  pass(200ms);
  process().reply(process().last("slow"), {{"n", 1}});
  settle();
  CHECK(late == std::vector<std::string>{R"({"n":1})"});
}

TEST_CASE_METHOD(calling, "worker: one that hangs is found by its health",
                 "[actors][pb-12.2.30]") {
  call("a");
  REQUIRE(processes.started.size() == 1);
  pass(90s);
  CHECK(process().signals.empty());
  pass(31s);
  CHECK(processes.started.at(0)->signals == std::vector<int>{9});
  CHECK(processes.started.size() == 2);
}

// -- its end ------------------------------------------------------------------

TEST_CASE_METHOD(calling,
                 "worker: its death fails its calls with what it said "
                 "last",
                 "[actors]") {
  auto answer = call("a");
  process().tell.on_stderr("out of cheese\n");
  process().exit(-1, 9);
  settle();
  REQUIRE_FALSE(answer.empty());
  CHECK(answer.error().code == ec::worker_lost);
  CHECK(answer.error().message
        == "Worker process exited (code=null, signal=SIGKILL)");
  CHECK(answer.error().detail == "Worker stderr:\nout of cheese\n");
}

TEST_CASE_METHOD(calling, "worker: secrets that it was told are not repeated",
                 "[actors]") {
  worker_call what;
  what.method = "a";
  what.secrets = std::make_shared<std::vector<std::string>>(1, "canary-1");
  inbox<json_text> answer;
  gate.call({"plugin-1"}, std::move(what), true, answer.address());
  settle();
  // To whomever it says them, and in whatever pieces.
  auto other = call("b");
  process().tell.on_stderr("my key is can");
  process().tell.on_stderr("ary-1\n");
  process().exit(-1, 9);
  settle();
  CHECK(other.error().detail == "Worker stderr:\nmy key is ***\n");
  for (const auto& line : logged)
    CHECK(line.find("canary") == std::string::npos);
  CHECK_FALSE(logged.empty());
}

TEST_CASE_METHOD(calling,
                 "worker: only the last 8000 characters of its "
                 "standard error are kept",
                 "[actors]") {
  auto answer = call("a");
  process().tell.on_stderr(std::string(20'000, 'x') + "end");
  process().exit(1);
  settle();
  CHECK(answer.error().detail.size()
        == 8'000 + std::string{"Worker stderr:\n"}.size());
  CHECK(answer.error().detail.ends_with("xend"));
}

TEST_CASE_METHOD(calling, "worker: one without standard output is replaced",
                 "[actors]") {
  auto answer = call("a");
  process().tell.on_stdout_end();
  pass(900ms);
  CHECK(answer.empty());
  pass(200ms);
  CHECK(answer.error().code == ec::worker_lost);
  CHECK(processes.started.size() == 2);
}

TEST_CASE_METHOD(calling,
                 "worker: a line beyond the limit fails its call at "
                 "once",
                 "[actors][pb-12.2.24]") {
  auto answer = call("a");
  auto other = call("b");
  auto id = process().last("a").at("id").dump();
  std::string line = R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":")";
  line.append(129u << 20, 'x');
  process().say(line + "\"}");
  settle();
  REQUIRE_FALSE(answer.empty());
  CHECK(answer.error().code == ec::too_large);
  CHECK(other.empty());
}

TEST_CASE_METHOD(calling, "worker: it is asked to stop, then told, then killed",
                 "[actors]") {
  call("a");
  auto stopped = ask(supervisor, shut_down{});
  auto& it = *processes.started.at(0);
  // Calls may finish first.
  pass(4'900ms);
  CHECK(it.last("shutdown").is_null());
  pass(200ms);
  CHECK_FALSE(it.last("shutdown").is_null());
  pass(9'800ms);
  CHECK(it.signals.empty());
  pass(300ms);
  CHECK(it.signals == std::vector<int>{15});
  pass(5s);
  CHECK(it.signals == std::vector<int>{15, 9});
  CHECK(stopped->value);
}

TEST_CASE_METHOD(calling, "worker: one that stops when asked is not restarted",
                 "[actors]") {
  processes.on_request = test::fake_launcher{}.on_request;
  call("a");
  auto stopped = ask(supervisor, shut_down{});
  CHECK(stopped->value);
  CHECK(processes.started.size() == 1);
}

// -- crowds -------------------------------------------------------------------

TEST_CASE_METHOD(crowded,
                 "worker: calls wait for their turn and then are "
                 "refused",
                 "[actors]") {
  auto first = call("first");
  auto second = call("second");
  call("third");
  call("fourth");
  auto fifth = call("fifth");
  CHECK(fifth.error().code == ec::overloaded);
  CHECK(process().last("second").is_null());
  process().reply(process().last("first"), json::object());
  settle();
  CHECK_FALSE(process().last("second").is_null());
}

TEST_CASE_METHOD(crowded,
                 "worker: what was waiting when it died was not in "
                 "doubt",
                 "[actors]") {
  auto first = call("first");
  auto second = call("second");
  process().exit(1);
  settle();
  CHECK(first.error().code == ec::worker_lost);
  CHECK(second.error().code == ec::worker_not_ready);
  CHECK(second.error().provider_acted == acted::no);
}
