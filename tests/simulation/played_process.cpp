#include "tests/simulation/played_process.hpp"

#include "messages/json_members.hpp"
#include "tests/simulation/places.hpp"

#include <sstream>
#include <string>
#include <utility>

namespace leasehold::sim {

namespace {

using nlohmann::json;
using ms = milliseconds;

json result_of(json x) {
  return {{"result", std::move(x)}};
}

json error_of(const std::string& words) {
  return {{"error", {{"code", -32000}, {"message", words}}}};
}

std::string text_of(const json_members& x, const char* key) {
  return string_of(x.find(key));
}

provider_call who_of(std::string_view text) {
  auto params = json_members::of(text);
  provider_call out;
  out.lease = {text_of(params, "leaseId")};
  out.fence
    = static_cast<fence_no>(integer_of(params.find("leaseFence")).value_or(0));
  out.company = text_of(params, "companyId");
  out.environment = text_of(params, "environmentId");
  out.resource = text_of(params, "providerLeaseId");
  if (auto lease = params.find("lease"); !lease.empty())
    out.resource = text_of(json_members::of(lease), "providerLeaseId");
  return out;
}

/// An answer that its sender had better not sent.
json spoiled(const std::string& method, size_t how) {
  if (method == "environmentExecute")
    return how % 2 == 0 ? json::object() : json{{"exitCode", "zero"}};
  if (how % 3 == 0)
    return "fine";
  return how % 3 == 1 ? json::object() : json{{"providerLeaseId", 42}};
}

} // namespace

played_process::played_process(surroundings& around, provider& cloud,
                               std::string name, process_events tell)
  : around_{around}, cloud_{cloud}, name_{std::move(name)}, tell_{
                                                              std::move(tell)} {
  // nop
}

// -- its life -----------------------------------------------------------------

void played_process::later(ms delay, std::function<void()> what) {
  around_.time.in(delay, [me = weak_from_this(), what = std::move(what)] {
    if (auto alive = me.lock(); alive && alive->alive_)
      what();
  });
}

void played_process::begin() {
  start_fault_ = around_.faults.next(site::start);
  around_.troubles[name_] += start_fault_ ? 1 : 0;
  auto what = start_fault_ ? start_fault_->what : fault_kind::slow;
  auto delay = around_.chance.between(ms{1}, ms{30});
  around_.note("worker", start_fault_ ? 1 : 0, [&] {
    return name_ + " is started"
           + (start_fault_ ? ", and: " + to_string(what) : "");
  });
  if (what == fault_kind::cannot_start)
    return later(delay, [this] {
      alive_ = false;
      tell_.on_failure({ec::worker_lost, "There is no such program."});
    });
  later(delay, [this] { tell_.on_start(4711); });
  hung_ = what == fault_kind::hang_at_start;
  if (around_.time.now() < around_.workers_die_until)
    later(delay + ms{200}, [this] { exit(1, 0); });
  if (what == fault_kind::crash_at_start)
    later(delay + ms{5}, [this] { exit(1, 0); });
}

void played_process::close_stdin() {
  if (hears())
    later(around_.chance.between(ms{1}, ms{20}), [this] { exit(0, 0); });
}

void played_process::signal(int number) {
  if (number == 9 || !hung_)
    later(around_.chance.between(ms{1}, ms{50}),
          [this, number] { exit(-1, number); });
}

void played_process::exit(int code, int signal_number) {
  if (!std::exchange(alive_, false))
    return;
  around_.troubles[name_] += code != 0 || signal_number != 0 ? 1 : 0;
  around_.note("worker", 2, [&] {
    return name_ + " ends, code " + std::to_string(code) + ", signal "
           + std::to_string(signal_number);
  });
  auto tell = std::exchange(tell_, {});
  if (tell.on_stdout_end)
    tell.on_stdout_end();
  tell.on_exit({code, signal_number});
}

void played_process::vanish() {
  alive_ = false;
  tell_ = {};
}

// -- what it hears and says ---------------------------------------------------

void played_process::write(std::string bytes) {
  later(ms{1}, [this, bytes = std::move(bytes)] {
    std::istringstream lines{bytes};
    for (std::string line; alive_ && !hung_ && std::getline(lines, line);)
      handle(line);
  });
}

void played_process::say(std::string line) {
  if (alive_)
    tell_.on_stdout(line);
}

void played_process::reply(int64_t id, const json& result) {
  say(json{{"jsonrpc", "2.0"}, {"id", id}, {"result", result}}.dump() + "\n");
}

void played_process::handle(std::string_view line) {
  // Parsed as little as possible: many seeds hear many of these.
  auto request = json_members::of(line);
  auto method = text_of(request, "method");
  auto id = integer_of(request.find("id"));
  if (!id)
    return;
  if (method == "initialize")
    return handle_initialize(*id);
  if (method == "health" || method == "shutdown")
    return reply(*id, {{"status", "ok"}});
  auto what = std::make_shared<call>(around_.calls);
  what->id = *id;
  what->method = method;
  what->params = request.find("params");
  what->who = who_of(what->params);
  take(std::move(what));
}

void played_process::handle_initialize(int64_t id) {
  auto delay = around_.chance.between(ms{1}, ms{80});
  if (start_fault_ && start_fault_->what == fault_kind::refuses_initialize)
    return later(delay, [this, id] {
      auto body = error_of("not today");
      body.update({{"jsonrpc", "2.0"}, {"id", id}});
      say(body.dump() + "\n");
    });
  later(delay, [this, id] { reply(id, {{"ok", true}}); });
}

// -- calls --------------------------------------------------------------------

bool played_process::timing(const call& what, ms& effect, ms& answer) {
  auto& chance = around_.chance;
  effect = chance.between(ms{1}, ms{150});
  answer = effect + chance.between(ms{0}, ms{30});
  if (!what.wrong)
    return true;
  switch (what.wrong->what) {
    case fault_kind::slow:
      effect += what.wrong->lasts;
      answer += what.wrong->lasts;
      return true;
    case fault_kind::late_effect:
      effect = ms{30'500} + what.wrong->lasts;
      answer = effect + ms{20};
      return true;
    case fault_kind::late_answer:
      answer = ms{30'500} + what.wrong->lasts;
      return true;
    case fault_kind::no_answer:
    case fault_kind::crash_before_effect:
    case fault_kind::crash_after_effect:
      return false;
    default:
      return true;
  }
}

void played_process::take(std::shared_ptr<call> what) {
  what->wrong = around_.faults.next(site::call);
  what->raves = name_ == raving_program
                && around_.time.now() < around_.raves_until
                && (what->method == "environmentAcquireLease"
                    || what->method == "environmentResumeLease");
  around_.troubles[name_] += what->wrong || what->raves ? 1 : 0;
  what->outlives = around_.chance.percent(30);
  auto kind = what->wrong ? what->wrong->what : fault_kind::engine_stops;
  around_.note("call", what->wrong ? 1 : 0, [&] {
    return name_ + ": " + what->method + " of " + what->who.lease.value + " on "
           + what->who.resource
           + (what->wrong ? ", and: " + to_string(kind) : "")
           + (what->raves ? ", and it raves" : "");
  });
  if (kind == fault_kind::worker_hangs) {
    hung_ = true;
    return;
  }
  ms effect;
  ms answered;
  auto answers = timing(*what, effect, answered);
  if (kind == fault_kind::crash_before_effect)
    return later(effect, [this] { exit(1, 0); });
  auto happens = [this, what, kind, answers, rest = answered - effect,
                  me = shared_from_this()] {
    if (!alive_ && !what->outlives)
      return;
    auto body = act(*what);
    if (what->raves)
      body = result_of("in other words");
    if (kind == fault_kind::crash_after_effect)
      exit(1, 0);
    if (!answers)
      return;
    if (what->method == "environmentExecute" && body.contains("begun"))
      return end_command(what, body["begun"].get<std::string>());
    later(rest, [this, what, body] { answer(*what, body); });
  };
  // The provider may be at it already when the worker dies.
  around_.time.in(effect, std::move(happens));
}

json played_process::act(call& what) {
  if (around_.time.now() < around_.provider_down_until)
    return error_of("the provider is down");
  if (what.wrong && what.wrong->what == fault_kind::call_refused)
    return error_of("the provider would rather not");
  if (what.method == "environmentAcquireLease")
    return result_of(
      {{"providerLeaseId", cloud_.make(what.who, around_.time.now()).name},
       {"metadata", json::object()}});
  if (what.method == "environmentListLeases") {
    auto all = json::array();
    for (const auto& x : cloud_.all())
      if (x.exists && x.environment == what.who.environment
          && x.company == what.who.company)
        all.push_back(
          {{"providerLeaseId", x.name}, {"leaseId", x.lease.value}});
    return result_of({{"leases", all}});
  }
  if (cloud_.is_stale(what.who))
    return error_of("stale fence");
  return act_on_resource(what);
}

json played_process::act_on_resource(call& what) {
  if (what.method == "environmentResumeLease") {
    const auto* there = cloud_.resume(what.who);
    json id;
    if (there)
      id = there->name;
    return result_of({{"providerLeaseId", id}, {"metadata", json::object()}});
  }
  if (what.method == "environmentReleaseLease") {
    auto config
      = json_members::of(json_members::of(what.params).find("config"));
    if (config.find("reuseLease") == "true")
      cloud_.park(what.who);
    else
      cloud_.remove(what.who);
    return result_of(json::object());
  }
  if (what.method == "environmentDestroyLease") {
    cloud_.remove(what.who);
    return result_of(json::object());
  }
  if (what.method == "environmentRealizeWorkspace")
    return result_of({{"cwd", "/workspace"}, {"metadata", json::object()}});
  if (what.method == "environmentExecute")
    return begin_command(what);
  if (what.method == "environmentCancelExecute")
    cloud_.cancel(text_of(json_members::of(what.params), "executionId"));
  return result_of(json::object());
}

json played_process::begin_command(call& what) {
  auto params = json_members::of(what.params);
  auto name = text_of(params, "executionId");
  if (!cloud_.begin(what.who, name))
    return error_of("there is no such sandbox");
  auto& chance = around_.chance;
  auto lasts = text_of(params, "command") == "long"
                 ? chance.between(ms{2'000}, ms{60'000})
                 : chance.between(ms{2}, ms{400});
  around_.time.in(lasts, [this, me = shared_from_this(), name,
                          code = static_cast<int>(chance.below(4))] {
    cloud_.end(name, code);
  });
  return {{"begun", name}};
}

void played_process::end_command(const std::shared_ptr<call>& what,
                                 const std::string& name) {
  auto ended = [this, what, name, me = weak_from_this()] {
    auto alive = me.lock();
    if (!alive || !alive->alive_)
      return;
    auto code = cloud_.executions().at(name).exit_code;
    answer(*what, result_of({{"exitCode", code ? json(*code) : json()},
                             {"signal", code ? json() : json("SIGKILL")},
                             {"timedOut", false},
                             {"stdout", ""},
                             {"stderr", ""}}));
  };
  cloud_.when_ended(name, ended);
}

void played_process::answer(const call& what, json body) {
  auto kind = what.wrong ? what.wrong->what : fault_kind::engine_stops;
  body["jsonrpc"] = "2.0";
  body["id"] = what.id;
  if (kind == fault_kind::wrong_answer && body.contains("result"))
    body["result"] = spoiled(what.method, what.wrong->nth);
  auto line = body.dump() + "\n";
  around_.note("answer", line.size(), [&] {
    return name_ + ": " + what.method + " of " + what.who.lease.value + ": "
           + line.substr(0, line.size() - 1);
  });
  if (kind == fault_kind::garbage)
    say("Segmentation fault (core dumped) {\n");
  if (kind == fault_kind::answered_twice)
    later(ms{10}, [this, line] { say(line); });
  if (kind != fault_kind::stutter)
    return say(line);
  auto half = line.size() / 2;
  say(line.substr(0, half));
  // Whatever it says in between is spoiled as well.
  later(what.wrong->lasts, [this, rest = line.substr(half)] { say(rest); });
}

} // namespace leasehold::sim
