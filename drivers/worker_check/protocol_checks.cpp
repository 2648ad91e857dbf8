// The handshake, and messages that are not what they should be (PB §5.2, §5.4).

#include "drivers/worker_check/check_list.hpp"

#include <algorithm>
#include <set>

namespace leasehold::check {

namespace {

// What the engine cannot do without (PB §5.6 calls all of them optional, but a
// provider without them provides nothing).
constexpr const char* required[]
  = {"environmentAcquireLease", "environmentReleaseLease",
     "environmentDestroyLease", "environmentRealizeWorkspace",
     "environmentExecute"};

std::string launch(bench& at) {
  const auto& how = at.greet();
  if (how.not_started)
    fail(how.not_started->message);
  if (how.ended && !how.answer)
    fail("the worker ended (" + to_string(*how.ended)
         + ") before it answered initialize");
  auto more = at.given().options.env.size();
  return more == 0 ? ""
                   : "with " + std::to_string(more) + " variables of yours";
}

std::string check_methods(const json& listed) {
  if (!listed.is_array())
    fail("supportedMethods is no array: " + excerpt(listed.dump()));
  std::set<std::string> seen;
  for (const auto& x : listed)
    if (!x.is_string() || x == json(""))
      fail("supportedMethods holds " + excerpt(x.dump()));
    else if (!seen.insert(x.get<std::string>()).second)
      fail("supportedMethods holds " + excerpt(x.dump()) + " twice");
  return {};
}

std::string handshake(bench& at) {
  const auto& how = at.greet();
  if (how.not_started || (how.ended && !how.answer))
    skip("the worker does not start");
  if (!how.answer)
    fail("no answer to initialize within "
         + std::to_string(at.patience(initialize_timeout).count()) + " ms");
  auto error = how.answer->value("error", json());
  if (!error.is_null())
    fail("initialize: " + to_string(reply{nullptr, error}));
  auto result = how.answer->value("result", json());
  if (!result.is_object() || result.value("ok", json()) != json(true))
    fail("initialize: no ok: true in " + excerpt(result.dump()));
  if (!result.contains("supportedMethods"))
    return "lists no supportedMethods, so all are tried";
  return check_methods(result["supportedMethods"]);
}

std::string required_methods(bench& at) {
  at.worker();
  if (!at.listed())
    skip("the worker lists no methods");
  std::string missing;
  for (const auto* method : required)
    if (!at.may_have(method))
      missing += (missing.empty() ? "" : ", ") + std::string{method};
  if (!missing.empty())
    fail("supportedMethods lacks " + missing);
  return {};
}

std::string initialize_twice(bench& at) {
  auto answer = at.ask("initialize", {{"manifest", at.given().manifest},
                                      {"config", json::object()},
                                      {"apiVersion", 1}});
  at.check_alive();
  return answer.ok() ? "it was taken, without harm" : "";
}

std::string health(bench& at) {
  auto answer = at.ask("health", json::object());
  if (!answer.ok())
    fail("health: " + to_string(answer));
  auto said = excerpt(answer.result.dump());
  if (!answer.result.is_object())
    fail("health: " + said + " is no object");
  auto status = answer.result.value("status", json());
  if (status != "ok" && status != "degraded")
    fail("health: the status is neither ok nor degraded in " + said);
  return status == "ok" ? "" : said;
}

std::string unknown_method(bench& at) {
  auto answer = at.ask("environmentNoSuchMethod", at.params());
  if (answer.ok() || answer.error["code"] != -32601)
    fail("expected error -32601, got " + to_string(answer));
  return {};
}

std::string bad_params(bench& at) {
  auto execute = at.may_have("environmentExecute");
  std::string method
    = execute ? "environmentExecute" : "environmentResumeLease";
  at.need(method);
  auto wrong = execute ? json{{"lease", 7}, {"command", {"no"}}}
                       : json{{"providerLeaseId", {{"no", "name"}}}};
  auto answer = at.ask(method, at.params(wrong));
  if (answer.ok())
    fail(method + " took " + wrong.dump() + ": " + to_string(answer));
  // Whatever the answer is: there is one.
  at.ask("health", json::array({1}));
  at.check_alive();
  return {};
}

/// Sends lines that deserve no answer but a complaint; returns the complaints.
std::vector<json> complaints_about(bench& at, const std::string& lines) {
  auto& worker = at.worker();
  auto count = [](const heard& x) { return x.complaints.size(); };
  auto before = static_cast<std::ptrdiff_t>(worker.look(count));
  worker.write(lines);
  at.check_alive();
  return worker.look([&](const heard& x) {
    return std::vector<json>(x.complaints.begin() + before, x.complaints.end());
  });
}

std::string unparseable(bench& at) {
  auto said = complaints_about(at, "{\"jsonrpc\":\"2.0\",\"id\":\n"
                                   "\xff\xfe \"\xc3\n");
  for (const auto& x : said)
    if (x["code"] != -32700)
      fail("expected error -32700 with id null, got " + excerpt(x.dump()));
  return said.empty() ? "they are ignored" : "";
}

std::string blank(bench& at) {
  auto said = complaints_about(at, "\n\n   \n\r\n");
  if (!said.empty())
    fail("it complains: " + excerpt(said.front().dump()));
  return {};
}

std::string notification(bench& at) {
  json note{{"jsonrpc", "2.0"},
            {"method", "leasehold.checkNotification"},
            {"params", {{"event", "nothing"}}}};
  auto said = complaints_about(at, note.dump() + "\n");
  if (!said.empty())
    fail("it complains: " + excerpt(said.front().dump()));
  return {};
}

} // namespace

std::vector<one_check> protocol_checks() {
  return {
    {{"launch", "starts with the five variables of the contract"}, launch},
    {{"handshake", "answers initialize with ok: true in time"}, handshake},
    {{"methods", "lists what every provider needs"}, required_methods},
    {{"initialize.twice", "survives a second initialize"}, initialize_twice},
    {{"health", "answers health with a status"}, health},
    {{"method.unknown", "answers an unknown method with -32601"},
     unknown_method},
    {{"params.bad", "answers bad parameters with an error"}, bad_params},
    {{"line.unparseable", "survives lines that are no JSON"}, unparseable},
    {{"line.blank", "ignores blank lines"}, blank},
    {{"notification", "ignores notifications it does not know"}, notification},
  };
}

} // namespace leasehold::check
