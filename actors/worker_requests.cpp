// What the process of a WORKER asks of its host. The rest of the actor is in
// worker_actor.cpp and worker_calls.cpp.

#include "actors/mail.hpp"
#include "actors/worker_actor.hpp"
#include "drivers/host_methods.hpp"
#include "drivers/secret_source.hpp"
#include "messages/json.hpp"

#include <algorithm>

namespace leasehold {

namespace {

/// The company of those who operate the engine: a plugin's config is theirs.
const company_id operators{"default"};

} // namespace

void worker_state::read(rpc::request& what) {
  if (what.method == "log" || what.method == "execute.log") {
    rpc::notification same{what.method, std::move(what.params),
                           std::move(what.invocation)};
    read(same);
    return say(rpc::encode_result(what.id, "null"));
  }
  if (auto no = check_method(asking_, what.method))
    return refuse(what.id, *no);
  if (what.method == "config.get")
    return answer_config(what);
  if (what.method == "secrets.resolve")
    return resolve_secret(what);
  // Metrics: taken, and kept nowhere.
  say(rpc::encode_result(what.id, "null"));
}

host_question worker_state::question_of(const rpc::request& what) const {
  host_question out;
  out.method = what.method;
  out.invocation = what.invocation;
  out.company.value = text_member(what.params, "companyId");
  out.busy = !by_invocation_.empty();
  if (auto call = by_invocation_.find(what.invocation);
      call != by_invocation_.end())
    out.scope = in_flight_.at(call->second).what.call.company;
  return out;
}

void worker_state::refuse(const std::string& request, const host_refusal& why) {
  say(rpc::encode_error(request, why.code, why.message));
}

void worker_state::answer_config(const rpc::request& what) {
  auto scope = scope_of(asking_, question_of(what));
  if (auto* no = std::get_if<host_refusal>(&scope))
    return refuse(what.id, *no);
  say(rpc::encode_result(what.id, plugin_.config.text));
}

void worker_state::resolve_secret(const rpc::request& what) {
  auto scope = scope_of(asking_, question_of(what));
  if (auto* no = std::get_if<host_refusal>(&scope))
    return refuse(what.id, *no);
  auto& company = std::get<company_id>(scope);
  if (company.empty())
    return refuse(what.id, no_company(asking_, what.method));
  auto asked = rpc::parse_secret_question(what.params);
  if (!asked)
    return refuse(what.id, {-32602, asked.error().message});
  if (!budget_.take(company, steady_now(self_)))
    return refuse(what.id,
                  {-32603, "Rate limit exceeded for secret resolution"});
  if (!with_->secrets)
    return refuse(what.id, {-32603, "This engine keeps no secrets."});
  secret_request request;
  request.secret = asked->secret;
  request.company = company;
  request.plugin = plugin_.id;
  request.path = asked->path;
  request.version = asked->version;
  auto hand_over = [me = worker_actor{self_},
                    id = what.id](result<std::vector<std::string>> found) {
    if (found)
      tell_from_outside(me, secret_resolved{id, std::move(found->front())});
    else
      tell_from_outside(me, secret_resolved{id, found.error()});
  };
  with_->secrets->resolve({std::move(request)}, std::move(hand_over));
}

void worker_state::on_secret(const secret_resolved& what) {
  if (!what.value) {
    const auto& why = what.value.error();
    log(log_rank::warning,
        "secrets.resolve refused: " + why.message + " " + why.detail);
    return refuse(what.request, {-32603, why.message});
  }
  // Hidden before the process can repeat it.
  if (secrets_.insert(*what.value).second)
    hide_ = scrubber{{secrets_.begin(), secrets_.end()}};
  if (resolved_.insert(*what.value).second)
    hide_resolved_ = scrubber{{resolved_.begin(), resolved_.end()}};
  say(rpc::encode_result(what.request, json_string(*what.value)));
}

void worker_state::send_config() {
  auto& known = supported_methods_;
  if (plugin_.config == json_text{}
      || std::find(known.begin(), known.end(), "configChanged") == known.end())
    return;
  call_worker what;
  what.call.method = "configChanged";
  what.call.company = operators;
  what.call.params
    = with_member(with_member(json_text{}, "config", plugin_.config),
                  "companyId", json_text{json_string(operators.value)});
  what.then = [me = worker_actor{self_}, this](const result<json_text>& how) {
    if (!how)
      log(log_rank::warning, "configChanged failed: " + how.error().message);
  };
  send(std::move(what));
}

json_text worker_state::cleaned(const std::string& method,
                                json_text answer) const {
  if (hide_resolved_.empty())
    return answer;
  if (method == "environmentExecute")
    return hide_resolved_.json_but(answer, {"stdout", "stderr"});
  // A resource whose name is not kept as it is would be lost.
  return hide_resolved_.json_but(answer, {"providerLeaseId", "leases"});
}

} // namespace leasehold
