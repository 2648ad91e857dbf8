// What a worker's process asks of its host, and what it gets; with a process
// that says what the test lets it say.

#include "messages/json.hpp"
#include "tests/support/stage.hpp"

#include <algorithm>

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;
using test::fake_process;
using test::stage;

namespace {

const std::string hidden_value = "canary-7be4-value";

constexpr const char* manifest = R"({
  "id": "boxes.plugin", "apiVersion": 1, "version": "1.0.0",
  "displayName": "Boxes",
  "capabilities": ["environment.drivers.register", "secrets.read-ref"],
  "environmentDrivers": [{"driverKey": "boxes", "kind": "sandbox_provider"}]})";

/// Answers `initialize`, and that it cares for its config.
void initialize(fake_process& process, const json& request) {
  if (request.value("method", "") == "initialize")
    process.reply(request,
                  {{"ok", true}, {"supportedMethods", {"configChanged"}}});
}

/// A worker that may read secrets, and has a config; the secret `s-1`.
struct asking : stage {
  asking() {
    processes.on_request = initialize;
    secrets.values["s-1"] = hidden_value;
    plugin_row row;
    row.id = {"plugin-2"};
    row.key = "boxes.plugin";
    row.manifest = json_text{manifest};
    row.command = {"boxes-worker"};
    row.config = json_text{R"({"region":"eu"})"};
    write(put_plugin{row});
  }

  /// Has a worker start that does not get beyond its `initialize`.
  void start_only() {
    processes.on_request = nullptr;
    worker_call what;
    what.method = "environmentProbe";
    gate.call({"plugin-1"}, std::move(what), true, [](result<json_text>) {});
    settle();
  }

  /// Makes a call; answers with the id of its scope.
  std::string call(const std::string& method,
                   const std::string& company = "company-1") {
    worker_call what;
    what.method = method;
    what.company = {company};
    gate.call(
      {"plugin-1"}, std::move(what), true,
      [to = told](result<json_text> x) { to->push_back(std::move(x)); });
    settle();
    return scope_of(method);
  }

  std::string scope_of(const std::string& method) {
    return process().last(method).at("paperclipInvocation").at("id");
  }

  fake_process& process() {
    return processes.current();
  }

  void say(const json& what) {
    process().say(what.dump());
    settle();
  }

  /// Asks in the name of a call; answers with what the host says.
  json ask_host(const std::string& method, json params,
                const std::string& scope = "") {
    json request{{"jsonrpc", "2.0"},
                 {"id", "w-" + std::to_string(++asked_)},
                 {"method", method},
                 {"params", std::move(params)}};
    if (!scope.empty())
      request["paperclipInvocationId"] = scope;
    say(request);
    return process().received.back();
  }

  json resolve(const std::string& scope, json more = json::object()) {
    more["secretRef"] = {{"type", "secret_ref"}, {"secretId", "s-1"}};
    return ask_host("secrets.resolve", std::move(more), scope);
  }

  /// What the process is told why it gets nothing.
  static std::string refusal(const json& answer) {
    return answer.at("error").at("message");
  }

  /// Calls that are open in the end are answered after this is gone.
  std::shared_ptr<std::vector<result<json_text>>> told
    = std::make_shared<std::vector<result<json_text>>>();
  std::vector<result<json_text>>& answers = *told;

private:
  int asked_ = 0;
};

} // namespace

TEST_CASE_METHOD(asking, "worker: its process reads the plugin's config",
                 "[actors]") {
  auto scope = call("environmentProbe");
  auto told = process().last("configChanged");
  CHECK(told.at("params")
        == json{{"config", {{"region", "eu"}}}, {"companyId", "default"}});
  CHECK(told.at("paperclipInvocation").at("scope").at("companyId")
        == "default");
  auto answer = ask_host("config.get", json::object(), scope);
  CHECK(answer.at("result") == json{{"region", "eu"}});
  answer = ask_host("config.get", {{"companyId", "other"}}, scope);
  CHECK(answer.at("error").at("code") == -32005);
}

TEST_CASE_METHOD(asking, "worker: its config is there before it is ready",
                 "[actors]") {
  // As in the middle of a plugin's `setup`.
  start_only();
  auto answer = ask_host("config.get", json::object());
  CHECK(answer.at("result") == json{{"region", "eu"}});
}

TEST_CASE_METHOD(asking, "worker: a secret is resolved for a call's company",
                 "[actors]") {
  auto scope = call("environmentProbe");
  auto answer = resolve(scope, {{"configPath", "auth.key"}});
  CHECK(answer.at("id") == "w-1");
  CHECK(answer.at("result") == hidden_value);
  REQUIRE(secrets.asked.size() == 1);
  const auto& asked = secrets.asked[0];
  CHECK(asked.company == company_id{"company-1"});
  CHECK(asked.plugin == plugin_id{"plugin-1"});
  CHECK(asked.path == "auth.key");
  CHECK(asked.needs_binding);
  CHECK(refusal(resolve("no-such-call")).find("unknown invocation scope")
        != std::string::npos);
  CHECK(refusal(resolve("")).find("unknown invocation scope")
        != std::string::npos);
}

TEST_CASE_METHOD(asking, "worker: without a call it says whose secret it wants",
                 "[actors]") {
  start_only();
  CHECK(refusal(resolve("")).find("company context is required")
        != std::string::npos);
  CHECK(resolve("", {{"companyId", "acme"}}).at("result") == hidden_value);
  CHECK(secrets.asked.at(0).company == company_id{"acme"});
}

TEST_CASE_METHOD(asking, "worker: why there is no secret is told and logged",
                 "[actors]") {
  auto scope = call("environmentProbe");
  auto answer = ask_host(
    "secrets.resolve",
    {{"secretRef", {{"type", "secret_ref"}, {"secretId", "s-9"}}}}, scope);
  CHECK(answer.at("error")
        == json{{"code", -32603}, {"message", "Secret not found"}});
  CHECK(std::any_of(logged.begin(), logged.end(), [](const auto& x) {
    return x.find("secrets.resolve refused: Secret not found")
           != std::string::npos;
  }));
  answer = ask_host("secrets.resolve", {{"secretRef", "s-1"}}, scope);
  CHECK(answer.at("error").at("code") == -32602);
}

TEST_CASE_METHOD(asking, "worker: it cannot resolve secrets without end",
                 "[actors]") {
  auto scope = call("environmentProbe");
  for (auto i = 0; i < 30; ++i)
    CHECK(resolve(scope).contains("result"));
  CHECK(refusal(resolve(scope)) == "Rate limit exceeded for secret resolution");
  auto others = call("environmentAcquireLease", "company-2");
  CHECK(resolve(others).contains("result"));
}

TEST_CASE_METHOD(asking, "worker: what it has resolved is hidden from then on",
                 "[actors]") {
  auto scope = call("environmentAcquireLease");
  resolve(scope);
  process().tell.on_stderr("using " + hidden_value + "\n");
  say({{"jsonrpc", "2.0"},
       {"method", "log"},
       {"params", {{"level", "info"}, {"message", "key " + hidden_value}}}});
  settle();
  auto request = process().last("environmentAcquireLease");
  process().reply(request, {{"metadata", {{"echo", hidden_value}}}});
  settle();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0]->text == R"({"metadata":{"echo":"***"}})");
  call("environmentRealizeWorkspace");
  request = process().last("environmentRealizeWorkspace");
  say({{"jsonrpc", "2.0"},
       {"id", request.at("id")},
       {"error", {{"code", -32002}, {"message", "bad key " + hidden_value}}}});
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].error().message == "bad key ***");
  for (const auto& line : logged)
    CHECK(line.find(hidden_value) == std::string::npos);
}

TEST_CASE_METHOD(asking, "worker: a resource's name is kept as it is",
                 "[actors]") {
  resolve(call("environmentAcquireLease"));
  auto request = process().last("environmentAcquireLease");
  process().reply(request, {{"providerLeaseId", "box-" + hidden_value}});
  call("environmentListLeases");
  request = process().last("environmentListLeases");
  json holds{{{"providerLeaseId", "box-" + hidden_value}}};
  process().reply(request, {{"leases", holds}});
  settle();
  REQUIRE(answers.size() == 2);
  CHECK(text_member(*answers[0], "providerLeaseId") == "box-" + hidden_value);
  CHECK(json::parse(answers[1]->text).at("leases") == holds);
}

TEST_CASE_METHOD(asking, "worker: what a command prints is not touched",
                 "[actors]") {
  auto scope = call("environmentExecute");
  resolve(scope);
  auto request = process().last("environmentExecute");
  process().reply(request, {{"exitCode", 0},
                            {"stdout", "out " + hidden_value},
                            {"stderr", "err " + hidden_value},
                            {"metadata", {{"echo", hidden_value}}}});
  settle();
  REQUIRE(answers.size() == 1);
  auto said = json::parse(answers[0]->text);
  CHECK(said.at("stdout") == "out " + hidden_value);
  CHECK(said.at("stderr") == "err " + hidden_value);
  CHECK(said.at("metadata").at("echo") == "***");
}

TEST_CASE_METHOD(asking, "worker: what the host does not do is an error",
                 "[actors]") {
  auto scope = call("environmentProbe");
  auto code = [&](const std::string& method) {
    auto answer = ask_host(method, json::object(), scope);
    return answer.at("error").at("code").get<int>();
  };
  CHECK(code("metrics.write") == -32001);
  CHECK(code("state.get") == -32004);
  CHECK(code("http.fetch") == -32004);
  CHECK(code("issues.list") == -32601);
}
