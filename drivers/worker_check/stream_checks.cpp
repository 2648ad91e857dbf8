// Many calls, large ones, slow readers, and how a worker ends (PB §5.2, §5.5).

#include "drivers/worker_check/check_list.hpp"

#include <algorithm>

namespace leasehold::check {

namespace {

constexpr auto large = size_t{8} << 20;

/// Answers to so many calls fill any pipe.
constexpr size_t flood = 4'000;

/// Waits until all calls are answered; fails if they are not.
void await_all(bench& at, peer& worker, const std::vector<int64_t>& calls) {
  auto answered = [&calls](const heard& x) {
    return std::count_if(calls.begin(), calls.end(),
                         [&x](int64_t id) { return x.answers.contains(id); });
  };
  auto wanted = static_cast<std::ptrdiff_t>(calls.size());
  auto all = [&](const heard& x) { return answered(x) == wanted; };
  if (worker.wait(at.patience(), all))
    return;
  auto missing = wanted - worker.look(answered);
  auto how = worker.look([](const heard& x) { return x.ended; });
  fail(std::to_string(missing) + " of " + std::to_string(wanted)
       + " calls were not answered"
       + (how ? ", the worker ended (" + to_string(*how) + ")" : ""));
}

/// Where the books on impure lines stand.
size_t impure_count(peer& worker) {
  return worker.look([](const heard& x) { return x.impure.size(); });
}

std::string concurrent(bench& at) {
  auto& worker = at.worker();
  std::vector<int64_t> calls(64);
  for (size_t i = 0; i < calls.size(); ++i)
    calls[i] = worker.send(i % 2 == 0 ? "health" : "environmentNoSuchMethod",
                           json::object());
  await_all(at, worker, calls);
  return {};
}

std::string large_frame(bench& at) {
  auto answer = at.ask("health", {{"padding", std::string(large, 'x')}});
  if (!answer.ok())
    fail("health with 8 MiB of parameters: " + to_string(answer));
  return {};
}

std::string slow_reader(bench& at) {
  auto& worker = at.fresh_worker();
  at.check_alive();
  // A worker that prints other things, too, does so whether we read or not.
  auto is_pure = impure_count(worker) == 0 && at.record().impure.empty();
  worker.process().pause_output();
  std::vector<int64_t> calls(flood);
  for (auto& call : calls)
    call = worker.send("health", json::object());
  // A worker that takes no more calls now is as good as one that does.
  constexpr auto a_while = milliseconds{300};
  worker.wait(a_while, [](const heard&) { return false; });
  worker.process().resume_output();
  await_all(at, worker, calls);
  if (is_pure && impure_count(worker) > 0)
    fail("a line "
         + worker.look([](const heard& x) { return x.impure.back(); }));
  return {};
}

/// Fails unless the worker ends by itself, with exit code 0.
void expect_exit(bench& at, peer& worker, const std::string& after) {
  auto how = at.await_exit(worker);
  if (!how)
    fail("it still runs " + std::to_string(at.patience(exit_timeout).count())
         + " ms after " + after);
  if (how->signal != 0 || how->code != 0)
    fail(to_string(*how) + " after " + after + "; expected exit code 0");
}

/// Sees to it that nobody else gets the worker of a check.
struct last_use {
  bench& at;

  ~last_use() {
    at.end_worker();
  }
};

std::string end_of_idle_input(bench& at) {
  last_use until_here{at};
  auto& worker = at.fresh_worker();
  worker.process().close_stdin();
  expect_exit(at, worker, "the end of its input");
  return {};
}

std::string shutdown(bench& at) {
  last_use until_here{at};
  auto& worker = at.fresh_worker();
  auto answer = at.ask("shutdown", json::object());
  if (!answer.ok())
    fail("shutdown: " + to_string(answer));
  expect_exit(at, worker, "shutdown");
  return {};
}

// -- what was seen over time --------------------------------------------------

/// Makes sure that something was said, and that all of it was read.
const heard& whole_record(bench& at) {
  if (!at.has_started() && at.initializes())
    at.check_alive();
  at.finish();
  return at.record();
}

std::string first_of(const std::vector<std::string>& all) {
  return all.front()
         + (all.size() > 1
              ? " (and " + std::to_string(all.size() - 1) + " more)"
              : "");
}

std::string pure(bench& at) {
  const auto& all = whole_record(at).impure;
  if (!all.empty())
    fail("a line " + first_of(all));
  return {};
}

std::string once(bench& at) {
  const auto& all = whole_record(at).repeated;
  if (!all.empty())
    fail("answered again: " + first_of(all));
  return {};
}

std::string known(bench& at) {
  const auto& all = whole_record(at).unknown;
  if (!all.empty())
    fail("nobody asked for " + first_of(all));
  return {};
}

} // namespace

std::vector<one_check> stream_checks() {
  return {
    {{"calls.concurrent", "answers each of 64 calls at a time"}, concurrent},
    {{"frame.large", "takes a call of 8 MiB"}, large_frame},
    {{"reader.slow", "loses nothing while nobody reads"}, slow_reader},
    {{"stdin.end", "exits with 0 when its input ends"}, end_of_idle_input},
    {{"shutdown", "answers shutdown, then exits with 0"}, shutdown},
  };
}

std::vector<one_check> closing_checks() {
  return {
    {{"stdout.pure", "writes nothing but messages to stdout"}, pure},
    {{"answers.once", "answers no call twice"}, once},
    {{"answers.known", "answers only what was asked"}, known},
  };
}

} // namespace leasehold::check
