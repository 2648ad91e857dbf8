// Workers that are wrong in one way, and the checks that say so.

#include "leasehold/worker_check.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>

using namespace leasehold;

namespace {

using words = std::vector<std::string>;

const std::string checkout = LEASEHOLD_SOURCE_DIR;

/// What a wrong worker is told apart by.
struct expectation {
  std::string mode;
  /// The checks that fail, all others pass or are skipped.
  words failing;
  /// What the first of them says.
  std::string reason;
};

/// Checks that take their time, and find nothing in workers that are wrong
/// about something else.
bool is_slow(const std::string& id) {
  return id == "reader.slow" || id == "frame.large" || id == "execute.large"
         || id == "execute.timeout" || id == "execute.tree";
}

worker_check_options options_for(const words& failing) {
  worker_check_options out;
  out.guard = LEASEHOLD_GUARD;
  for (const auto& x : worker_checks())
    if (!is_slow(x.id)
        || std::find(failing.begin(), failing.end(), x.id) != failing.end())
      out.only.push_back(x.id);
  return out;
}

void check_found(const worker_check_options& options, const expectation& x) {
  auto report = check_worker(options).value();
  CAPTURE(x.mode, report.stderr_tail);
  words failing;
  for (const auto& y : report.results)
    if (y.verdict == check_verdict::fail)
      failing.push_back(y.what.id + ": " + y.reason);
  CAPTURE(failing);
  REQUIRE(failing.size() == x.failing.size());
  for (size_t i = 0; i < failing.size(); ++i)
    CHECK(failing[i].starts_with(x.failing[i] + ": "));
  CHECK(failing[0].find(x.reason) != std::string::npos);
}

/// The Python worker of the docs, but for one thing.
void check_python(const expectation& x) {
  if (std::string{LEASEHOLD_PYTHON}.empty()) {
    WARN("SKIPPED: there is no python3");
    return;
  }
  test::temp_dir dir;
  auto options = options_for(x.failing);
  options.command
    = {LEASEHOLD_PYTHON, checkout + "/tests/support/wrong_worker.py", x.mode,
       dir / "root", checkout + "/docs/python_worker.py"};
  check_found(options, x);
}

/// A worker that misbehaves on the wire; only these checks are done.
void check_rogue(const expectation& x, words only,
                 std::chrono::milliseconds timeout) {
  test::temp_dir dir;
  worker_check_options options;
  options.guard = LEASEHOLD_GUARD;
  options.command = {LEASEHOLD_ROGUE_WORKER, x.mode, dir / "rogue"};
  options.only = std::move(only);
  options.timeout = timeout;
  check_found(options, x);
}

} // namespace

TEST_CASE("worker_check: what is wrong with messages is found",
          "[worker_check]") {
  check_python(GENERATE(
    expectation{"prints", {"stdout.pure"}, "is no JSON: still here"},
    expectation{"answers-twice", {"answers.once"}, "answered again: {"},
    expectation{"unknown-ids", {"answers.known"}, R"("id": 4711)"},
    expectation{"any-method", {"method.unknown"}, "expected error -32601, got"},
    expectation{"crashes-on-garbage", {"line.unparseable"}, "exit code 3"},
    expectation{"takes-anything", {"params.bad"}, R"("exitCode":0)"},
    expectation{"short-lines", {"frame.large"}, "exit code 5"}));
}

TEST_CASE("worker_check: what is wrong with a worker's life is found",
          "[worker_check]") {
  check_python(GENERATE(
    expectation{"needs-home", {"launch"}, "before it answered initialize"},
    expectation{"not-ok", {"handshake"}, R"({"ok":false})"},
    expectation{"lists-twice", {"handshake"}, "twice"},
    expectation{"lacks-destroy", {"methods"}, "environmentDestroyLease"},
    expectation{"sick", {"health"}, "no disk"},
    expectation{"no-shutdown", {"shutdown"}, "Unknown: shutdown"},
    expectation{"eof-code",
                {"stdin.end", "shutdown", "execute.end"},
                "exit code 4 after the end of its input"}));
}

TEST_CASE("worker_check: what is wrong with leases is found",
          "[worker_check]") {
  check_python(GENERATE(
    expectation{"acquires-null", {"acquire"}, "providerLeaseId is null"},
    expectation{"strict-fields", {"fields.extra"}, "strict-fields: not so"},
    expectation{"resume-makes-new",
                {"resume.missing", "resume.released"},
                "expected providerLeaseId null, got"},
    expectation{"releases-once", {"release.twice"}, "second release: error"},
    expectation{"destroys-once",
                {"destroy.twice", "destroy.unknown"},
                "second destroy: error"},
    expectation{"lists-nothing", {"list"}, "is not in it"},
    expectation{
      "shares-leases", {"acquire.twice", "resume", "list"}, "two runs hold"}));
}

TEST_CASE("worker_check: what is wrong with commands is found",
          "[worker_check]") {
  check_python(GENERATE(
    expectation{"no-cwd", {"realize"}, "no cwd in"},
    expectation{"ignores-stdin", {"execute.stdin"}, "got \"\" (0 bytes)"},
    expectation{"ignores-cwd", {"execute.cwd"}, "/leasehold-check"},
    expectation{"ignores-env", {"execute.env"}, "$d="},
    expectation{"merges-output",
                {"execute.output", "execute.log"},
                "got \"to out to err"},
    expectation{"always-zero",
                {"execute.code", "execute.missing"},
                "expected exit code 3"},
    expectation{"timeout-code", {"execute.timeout"}, R"("exitCode":124)"},
    expectation{"kills-one", {"execute.tree"}, "still runs 5 s later"},
    expectation{
      "log-without-scope", {"execute.log"}, "without paperclipInvocationId"},
    expectation{"log-differs", {"execute.log"}, "ONE"}));
}

TEST_CASE("worker_check: a rogue worker is caught", "[worker_check]") {
  using namespace std::chrono_literals;
  const words seen{"handshake", "stdout.pure", "answers.once", "answers.known"};
  check_rogue({"chatty", {"stdout.pure"}, "is no JSON: Starting up..."}, seen,
              30s);
  check_rogue({"twice", {"answers.once"}, "answered again"}, seen, 30s);
  check_rogue({"unknown-ids", {"answers.known"}, "nobody asked for"}, seen,
              30s);
  check_rogue({"init-fails", {"handshake"}, "no ok: true"},
              {"launch", "handshake"}, 30s);
}

TEST_CASE("worker_check: a worker that hangs is caught and ended",
          "[worker_check]") {
  using namespace std::chrono_literals;
  check_rogue({"never-ready", {"handshake"}, "no answer to initialize within"},
              {"launch", "handshake", "health"}, 500ms);
  check_rogue({"deaf", {"stdin.end"}, "it still runs 3000 ms after"},
              {"stdin.end"}, 3s);
  check_rogue({"mute-health", {"health"}, "health: no answer within 3000 ms"},
              {"handshake", "health"}, 3s);
}
