#include "drivers/worker_check/bench.hpp"

#include "drivers/utf8.hpp"
#include "messages/json.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace leasehold::check {

namespace {

/// Any would do.
constexpr auto plugin_id = "1ea5e401-c4ec-4000-8000-000000000001";
constexpr auto company = "1ea5e401-c4ec-4000-8000-000000000002";
constexpr auto environment = "1ea5e401-c4ec-4000-8000-000000000003";

/// How long a worker that is not looked at any more may take to leave.
constexpr auto leave_patience = milliseconds{2'000};

/// How long it may take to remove what was made, however late it is.
constexpr auto clean_up_patience = milliseconds{10'000};

constexpr size_t stderr_max = 8'000;

std::string value_of(const char* name, const char* otherwise) {
  const auto* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

/// Exactly what PB §5.1 gives a worker.
launch_spec launch_of(const setup& what) {
  launch_spec out;
  auto has_guard = !what.options.guard.empty();
  if (has_guard)
    out.argv = {what.options.guard, "--"};
  out.argv.push_back(what.program);
  const auto& command = what.options.command;
  out.argv.insert(out.argv.end(), command.begin() + 1, command.end());
  out.env = what.options.env;
  out.env["PATH"]
    = value_of("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
  out.env["NODE_PATH"] = value_of("NODE_PATH", "");
  out.env["PAPERCLIP_PLUGIN_ID"] = plugin_id;
  out.env["NODE_ENV"] = value_of("NODE_ENV", "production");
  out.env["TZ"] = value_of("TZ", "UTC");
  // Has the guard kill everything below it.
  out.parent_death_signal = out.abandon_signal = has_guard ? SIGQUIT : SIGKILL;
  return out;
}

std::optional<std::vector<std::string>> methods_of(const json& answer) {
  auto result = answer.value("result", json());
  if (!result.is_object() || !result.contains("supportedMethods"))
    return std::nullopt;
  std::vector<std::string> out;
  for (const auto& x : result["supportedMethods"])
    if (x.is_string())
      out.push_back(x.get<std::string>());
  return out;
}

bool says_ok(const std::optional<json>& answer) {
  auto result = answer ? answer->value("result", json()) : json();
  return result.is_object() && result.value("ok", json()) == json(true);
}

template <class T>
void append(std::vector<T>& to, std::vector<T> what) {
  std::move(what.begin(), what.end(), std::back_inserter(to));
}

bool is_absence(const json& error) {
  auto code = error.value("code", json());
  return code == json(-32601) || code == json(-32004);
}

} // namespace

void fail(const std::string& why) {
  throw verdict_reached{check_verdict::fail, why};
}

void skip(const std::string& why) {
  throw verdict_reached{check_verdict::skip, why};
}

std::string to_string(const reply& x) {
  if (x.ok())
    return "result " + excerpt(x.result.dump());
  return "error " + x.error["code"].dump() + ": "
         + excerpt(x.error["message"].get<std::string>());
}

bench::bench(setup what)
  : setup_{std::move(what)}, limit_{steady::now()
                                      + setup_.options.total_timeout,
                                    setup_.options.stop},
    launcher_{make_process_launcher(loop_)} {
  loop_.start();
}

bench::~bench() {
  finish();
}

void bench::finish() {
  clean_up();
  end_worker();
}

// -- the worker ---------------------------------------------------------------

void bench::start() {
  end_worker();
  worker_ = std::make_unique<peer>(loop_, *launcher_, launch_of(setup_), limit_,
                                   last_id_);
  json params{{"manifest", setup_.manifest},
              {"config", json::object()},
              {"instanceInfo",
               {{"instanceId", "worker-check"}, {"hostVersion", "0.1.0"}}},
              {"apiVersion", 1},
              {"databaseNamespace", nullptr}};
  auto id = worker_->send("initialize", params);
  worker_->wait(patience(initialize_timeout),
                [id](const heard& x) { return x.answers.contains(id); });
  handshake how;
  worker_->look([&](const heard& x) {
    how.not_started = x.not_started;
    how.ended = x.ended;
  });
  how.answer = worker_->take_answer(id);
  initialized_ = says_ok(how.answer);
  if (initialized_ && !listed_)
    listed_ = methods_of(*how.answer);
  if (!first_)
    first_ = std::move(how);
}

const bench::handshake& bench::greet() {
  if (!first_)
    start();
  return *first_;
}

bool bench::initializes() {
  return says_ok(greet().answer);
}

void bench::next_check() {
  if (worker_ && worker_->look([](const heard& x) { return x.over(); }))
    end_worker();
}

peer& bench::worker() {
  if (!initializes())
    skip("the worker does not initialize");
  if (worker_ && initialized_) {
    // Another one in its place would hide that it died of this check.
    if (auto ended = worker_->look([](const heard& x) { return x.ended; }))
      fail("the worker ended (" + to_string(*ended) + ") and should not have");
    return *worker_;
  }
  start();
  if (!initialized_)
    skip("the worker does not initialize");
  // What the last worker had is still there, or is not; nobody relies on it.
  lease_ = nullptr;
  return *worker_;
}

peer& bench::fresh_worker() {
  end_worker();
  return worker();
}

std::optional<exit_report> bench::await_exit(peer& whom) {
  whom.wait(patience(exit_timeout), [](const heard& x) { return x.over(); });
  return whom.look([](const heard& x) { return x.ended; });
}

void bench::end_worker() {
  if (worker_)
    remember(worker_->end(leave_patience));
  worker_.reset();
}

void bench::remember(heard what) {
  append(record_.impure, std::move(what.impure));
  append(record_.repeated, std::move(what.repeated));
  append(record_.unknown, std::move(what.unknown));
  auto& tail = record_.stderr_tail;
  tail += to_utf8(what.stderr_tail);
  if (tail.size() > stderr_max) {
    auto last = tail.substr(tail.size() - stderr_max);
    tail = last.substr(cut_begin(last));
  }
}

bool bench::may_have(const std::string& method) const {
  if (absent_.contains(method))
    return false;
  return !listed_
         || std::find(listed_->begin(), listed_->end(), method)
              != listed_->end();
}

void bench::need(const std::string& method) {
  worker();
  if (!may_have(method))
    skip("the worker does not offer " + method);
}

// -- calls --------------------------------------------------------------------

reply bench::ask(const std::string& method, const json& params) {
  return await(worker().send(method, params), method);
}

reply bench::await(int64_t id, const std::string& method, milliseconds extra) {
  auto is_there = [id](const heard& x) { return x.answers.contains(id); };
  worker_->wait(patience() + extra, is_there);
  if (auto answer = worker_->take_answer(id)) {
    auto error = answer->value("error", json());
    if (error.is_null())
      return {std::move((*answer)["result"]), nullptr};
    return {nullptr, std::move(error)};
  }
  auto ended = worker_->look([](const heard& x) { return x.ended; });
  if (ended)
    fail(method + ": the worker ended (" + to_string(*ended)
         + ") before it answered");
  if (out_of_time())
    fail(method
         + (stopped() ? ": no answer until we were interrupted"
                      : ": no answer, and the time for all checks is "
                        "over"));
  // It may be busy with this for ever; the next check wants one that listens.
  end_worker();
  fail(method + ": no answer within "
       + std::to_string((patience() + extra).count()) + " ms");
}

json bench::get(const std::string& method, const json& params) {
  auto answer = ask(method, params);
  if (answer.ok())
    return std::move(answer.result);
  if (!listed_ && is_absence(answer.error)) {
    absent_.insert(method);
    skip("the worker does not have " + method);
  }
  fail(method + ": " + to_string(answer));
}

void bench::check_alive() {
  auto answer = ask("health", json::object());
  if (!answer.ok() && !is_absence(answer.error))
    fail("health afterwards: " + to_string(answer));
}

json bench::params(const json& more) const {
  json out{{"driverKey", setup_.driver_key},
           {"companyId", company},
           {"environmentId", environment},
           {"issueId", nullptr},
           {"config", setup_.config}};
  out.update(more);
  return out;
}

// -- leases -------------------------------------------------------------------

json bench::acquire(const json& more) {
  json wanted{{"runId", "1ea5e401-c4ec-4000-9000-"
                          + std::to_string(100'000'000'000 + ++runs_)}};
  wanted.update(more);
  constexpr auto method = "environmentAcquireLease";
  auto lease = checked_lease(method, get(method, params(wanted)));
  if (lease["providerLeaseId"].is_null())
    fail("providerLeaseId is null: nothing was acquired");
  owed_[lease["providerLeaseId"]] = lease;
  return lease;
}

const json& bench::first_lease() {
  worker();
  if (!lease_.is_null())
    return lease_;
  try {
    lease_ = acquire();
  } catch (const verdict_reached& why) {
    no_lease_ = why.what();
    throw;
  }
  return lease_;
}

const json& bench::lease() {
  worker();
  if (no_lease_.empty())
    try {
      return first_lease();
    } catch (const verdict_reached&) {
      // Now it is said why.
    }
  skip("no lease to work with: " + no_lease_);
}

json bench::on(const json& lease, const json& more) const {
  auto out = params({{"providerLeaseId", lease["providerLeaseId"]},
                     {"leaseMetadata", lease["metadata"]}});
  out.update(more);
  return out;
}

json bench::in(const json& lease, const json& more) const {
  auto out = params({{"lease", lease}});
  out.update(more);
  return out;
}

void bench::destroy(const json& lease) {
  if (ask("environmentDestroyLease", on(lease)).ok())
    owed_.erase(lease["providerLeaseId"].get<std::string>());
}

void bench::clean_up() {
  // Where all the time is used up, or nobody wants to wait.
  limit_.stop = nullptr;
  limit_.end = std::max(limit_.end, steady::now() + clean_up_patience);
  next_check();
  try {
    while (!owed_.empty()) {
      auto lease = owed_.extract(owed_.begin()).mapped();
      ask("environmentDestroyLease", on(lease));
    }
  } catch (const std::exception&) {
    // There is no worker left to ask.
  }
}

// -- commands -----------------------------------------------------------------

int64_t bench::start_script(const std::string& script, const json& more) {
  need("environmentExecute");
  auto call = in(lease(), {{"command", "sh"}, {"args", {"-c", script}}});
  call.update(more);
  return worker().send("environmentExecute", call);
}

json bench::run_script(const std::string& script, const json& more) {
  milliseconds limit{more.value("timeoutMs", int64_t{0})};
  auto answer = await(start_script(script, more), "environmentExecute", limit);
  if (!answer.ok())
    fail("environmentExecute: " + to_string(answer));
  return checked_execution(answer.result);
}

// -- shapes -------------------------------------------------------------------

json checked_lease(const std::string& method, const json& answer) {
  auto said = method + ": " + excerpt(answer.dump());
  if (!answer.is_object())
    fail(said + " is no object");
  auto id = answer.value("providerLeaseId", json(0));
  if (!id.is_null() && (!id.is_string() || id == json("")))
    fail(said + " has no providerLeaseId that is a text or null");
  json out{{"providerLeaseId", id},
           {"metadata", answer.value("metadata", json())},
           {"expiresAt", answer.value("expiresAt", json())}};
  if (out["metadata"].is_null())
    out["metadata"] = json::object();
  if (!out["metadata"].is_object())
    fail(said + " has metadata that is no object");
  const auto& expires = out["expiresAt"];
  if (!expires.is_null()
      && (!expires.is_string() || !parse_iso8601(expires.get<std::string>())))
    fail(said + " has an expiresAt that is no ISO 8601 time");
  return out;
}

json checked_execution(const json& answer) {
  auto said = "environmentExecute: " + excerpt(answer.dump());
  if (!answer.is_object())
    fail(said + " is no object");
  auto code = answer.value("exitCode", json("none"));
  if (!code.is_null() && !code.is_number_integer())
    fail(said + " has no exitCode that is a whole number or null");
  if (!answer.value("timedOut", json()).is_boolean())
    fail(said + " has no timedOut that is true or false");
  for (const auto* stream : {"stdout", "stderr"})
    if (!answer.value(stream, json()).is_string())
      fail(said + " has no " + stream + " that is a text");
  return answer;
}

} // namespace leasehold::check
