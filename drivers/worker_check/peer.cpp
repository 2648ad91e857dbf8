#include "drivers/worker_check/peer.hpp"

#include "drivers/utf8.hpp"
#include "messages/json_text_scan.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <future>
#include <utility>

namespace leasehold::check {

namespace {

/// The longest line that a worker may send.
constexpr auto line_max = size_t{128} << 20;

constexpr std::string_view invocation_prefix = "1ea5e401-0000-4000-8000-";

constexpr size_t depth_max = 500;
constexpr size_t tail_max = 8'000;
constexpr size_t excerpt_max = 160;

/// How many offences of a kind are kept.
constexpr size_t offences_max = 20;

/// How long what was told to die may take for it.
constexpr auto kill_patience = milliseconds{5'000};

void add_offence(std::vector<std::string>& to, std::string what) {
  if (to.size() < offences_max)
    to.push_back(std::move(what));
}

json parse(const std::string& line) {
  if (nests_deeper(line, depth_max))
    return json(json::value_t::discarded);
  auto out = json::parse(line, nullptr, false);
  if (out.is_discarded())
    out = json::parse(without_lone_surrogates(line), nullptr, false);
  return out;
}

bool is_error(const json& x) {
  return x.is_object() && x.contains("code") && x["code"].is_number_integer()
         && x.contains("message") && x["message"].is_string();
}

/// What is wrong with a message; empty if nothing is.
std::string flaw_of(const json& x) {
  if (x.is_discarded())
    return "is no JSON";
  if (!x.is_object())
    return "is no JSON object";
  if (x.value("jsonrpc", json()) != json("2.0"))
    return "lacks \"jsonrpc\": \"2.0\"";
  if (x.contains("method"))
    return x["method"].is_string() ? "" : "has a method that is no string";
  auto has_result = x.contains("result");
  auto has_error = x.contains("error") && !x["error"].is_null();
  if (!has_result && !has_error)
    return "has neither method nor result nor error";
  if (has_result && has_error && !x["result"].is_null())
    return "has both a result and an error";
  if (!x.contains("id"))
    return "is an answer without an id";
  if (has_error && !is_error(x["error"]))
    return "has an error without a code and a message";
  return {};
}

/// What a host answers that has little to offer (PB §5.8).
json answer_of(const std::string& method) {
  if (method == "config.get")
    return {{"result", json::object()}};
  if (method == "log" || method.starts_with("state.")
      || method == "metrics.write")
    return {{"result", nullptr}};
  return {{"error",
           {{"code", -32601},
            {"message", "Host does not handle method \"" + method + "\""}}}};
}

} // namespace

std::string invocation_of(int64_t id) {
  char digits[20];
  std::snprintf(digits, sizeof digits, "%012llx",
                static_cast<unsigned long long>(id));
  return std::string{invocation_prefix} + digits;
}

bool is_invocation(std::string_view text) {
  return text.starts_with(invocation_prefix);
}

std::string to_string(const exit_report& how) {
  return how.signal != 0 ? "signal " + signal_name(how.signal)
                         : "exit code " + std::to_string(how.code);
}

std::string excerpt(std::string_view text) {
  auto out = to_utf8(text.substr(0, excerpt_max * 4));
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      c = ' ';
  if (out.size() > excerpt_max) {
    out.resize(excerpt_max);
    out.resize(without_cut_end(out));
    out += "...";
  }
  return out;
}

// -- the process --------------------------------------------------------------

peer::peer(io_loop& loop, process_launcher& launcher, launch_spec what,
           const time_limit& limit, int64_t& last_id)
  : loop_{loop}, limit_{limit}, last_id_{last_id},
    kill_signal_{what.abandon_signal},
    lines_{line_max, [this](const std::string& line) { take_line(line); },
           [this](const overlong_line& line) {
             add_offence(heard_.impure,
                         "longer than 128 MiB: " + excerpt(line.head));
           }} {
  process_events tell;
  tell.on_failure = [this](failure why) {
    note([&] { heard_.not_started = std::move(why); });
  };
  tell.on_stdout
    = [this](std::string_view bytes) { note([&] { lines_.feed(bytes); }); };
  tell.on_stderr = [this](std::string_view bytes) {
    note([&] {
      auto& tail = heard_.stderr_tail;
      tail += bytes;
      if (tail.size() > tail_max * 2)
        tail.erase(0, tail.size() - tail_max);
    });
  };
  tell.on_exit = [this](exit_report how) { note([&] { heard_.ended = how; }); };
  // The worker may speak before it is ours.
  std::lock_guard guard{mutex_};
  child_ = launcher.start(std::move(what), std::move(tell));
}

peer::~peer() {
  end(milliseconds{0});
}

heard peer::end(milliseconds patience) {
  if (!child_)
    return {};
  auto child = child_;
  child->close_stdin();
  auto over = [](const heard& x) { return x.over(); };
  if (patience.count() == 0 || !wait(patience, over)) {
    // Even where the time for everything is over, nothing is left behind.
    std::unique_lock lock{mutex_};
    auto gone = [this] { return heard_.over(); };
    child->resume_output();
    child->signal(kill_signal_);
    if (!changed_.wait_for(lock, kill_patience, gone)) {
      child->signal(SIGKILL);
      changed_.wait_for(lock, kill_patience, gone);
    }
  }
  {
    std::lock_guard guard{mutex_};
    child = std::move(child_);
  }
  child.reset();
  // What the loop is just telling us it has told us after this.
  std::promise<void> told;
  loop_.post([&told] { told.set_value(); });
  told.get_future().wait();
  std::lock_guard guard{mutex_};
  return std::exchange(heard_, {});
}

bool peer::wait(milliseconds patience,
                const std::function<bool(const heard&)>& met) {
  constexpr auto glance = milliseconds{100};
  std::unique_lock lock{mutex_};
  auto until = steady::now() + patience;
  while (!met(heard_) && !heard_.over() && !limit_.over()
         && steady::now() < until)
    changed_.wait_until(lock,
                        std::min({until, limit_.end, steady::now() + glance}));
  return met(heard_);
}

std::optional<json> peer::take_answer(int64_t id) {
  std::lock_guard guard{mutex_};
  auto node = heard_.answers.extract(id);
  if (!node)
    return std::nullopt;
  // Its place stays, so that a second answer is known as one.
  heard_.answers.emplace(id, nullptr);
  return std::move(node.mapped());
}

// -- what we say --------------------------------------------------------------

int64_t peer::send(const std::string& method, const json& params) {
  auto id = ++last_id_;
  json call{
    {"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
  if (params.is_object() && params.contains("companyId"))
    call["paperclipInvocation"]
      = {{"id", invocation_of(id)},
         {"scope", {{"companyId", params["companyId"]}}}};
  std::lock_guard guard{mutex_};
  open_[id] = method;
  child_->write(call.dump() + "\n");
  return id;
}

void peer::write(std::string bytes) {
  child_->write(std::move(bytes));
}

// -- what it says -------------------------------------------------------------

void peer::take_line(const std::string& line) {
  auto message = parse(line);
  if (auto flaw = flaw_of(message); !flaw.empty())
    add_offence(heard_.impure, flaw + ": " + excerpt(line));
  else
    take_message(message, line);
}

void peer::take_message(const json& message, std::string_view line) {
  if (!message.contains("method"))
    take_response(message, line);
  else if (message.contains("id") && !message["id"].is_null())
    answer_request(message);
  else if (message["method"] == "execute.log")
    take_output(message);
}

void peer::take_response(const json& message, std::string_view line) {
  const auto& id = message["id"];
  if (id.is_null() && message.contains("error")) {
    if (heard_.complaints.size() < offences_max)
      heard_.complaints.push_back(message["error"]);
    return;
  }
  auto known = id.is_number_integer();
  auto number = known ? id.get<int64_t>() : 0;
  if (known && heard_.answers.contains(number))
    return add_offence(heard_.repeated, excerpt(line));
  auto call = open_.extract(number);
  if (!known || !call)
    return add_offence(heard_.unknown, excerpt(line));
  heard_.answers.emplace(number, message);
}

void peer::take_output(const json& message) {
  constexpr size_t chunks_max = 10'000;
  auto scope = message.value("paperclipInvocationId", json());
  auto name = scope.is_string() ? scope.get<std::string>() : std::string{};
  auto late = std::none_of(open_.begin(), open_.end(), [&](const auto& call) {
    return invocation_of(call.first) == name;
  });
  if (auto& to = heard_.output[name]; to.size() < chunks_max)
    to.push_back({message.value("params", json()), late});
}

void peer::answer_request(const json& message) {
  auto answer = answer_of(message["method"]);
  answer["jsonrpc"] = "2.0";
  answer["id"] = message["id"];
  if (auto to = child_)
    to->write(answer.dump(-1, ' ', false, json::error_handler_t::replace)
              + "\n");
}

} // namespace leasehold::check
