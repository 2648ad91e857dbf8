// The conformance kit on workers that keep the contract, on hosts of its own
// making, and on options that make no sense.

#include "leasehold/worker_check.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/child_watch.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

using namespace leasehold;

namespace {

using words = std::vector<std::string>;

const std::string source = LEASEHOLD_SOURCE_DIR;

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// What failed, and why.
words failures(const worker_check_report& x) {
  words out;
  for (const auto& y : x.results)
    if (y.verdict == check_verdict::fail)
      out.push_back(y.what.id + ": " + y.reason);
  return out;
}

/// The ids of the checks with this verdict.
words ids(const worker_check_report& x, check_verdict what) {
  words out;
  for (const auto& y : x.results)
    if (y.verdict == what)
      out.push_back(y.what.id);
  return out;
}

const worker_check_result& found(const worker_check_report& x,
                                 const std::string& id) {
  auto pos = std::find_if(x.results.begin(), x.results.end(),
                          [&](const auto& y) { return y.what.id == id; });
  REQUIRE(pos != x.results.end());
  return *pos;
}

worker_check_options worker(words command) {
  worker_check_options out;
  out.command = std::move(command);
  out.guard = LEASEHOLD_GUARD;
  return out;
}

worker_check_options shell(const std::string& script, words only) {
  auto out = worker({"sh", "-c", script});
  out.only = std::move(only);
  return out;
}

std::string refusal(const worker_check_options& options) {
  auto report = check_worker(options);
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ec::invalid_request);
  return report.error().message;
}

} // namespace

// -- workers that are right ---------------------------------------------------

TEST_CASE("worker_check: the bubblewrap worker passes everything",
          "[worker_check]") {
  test::temp_dir dir;
  auto options
    = worker({LEASEHOLD_BUBBLEWRAP_PROGRAM, "--state", dir / "state"});
  options.bad_config = R"({"timeoutMs": -1})";
  auto report = check_worker(options).value();
  CAPTURE(report.stderr_tail);
  for (const auto& x : report.results) {
    CAPTURE(x.what.id, x.reason);
    CHECK(x.verdict == check_verdict::pass);
  }
  CHECK(report.results.size() == worker_checks().size());
  CHECK(std::filesystem::is_empty(dir / "state/boxes"));
}

TEST_CASE("worker_check: the Python workers of the docs pass",
          "[worker_check]") {
  if (std::string{LEASEHOLD_PYTHON}.empty()) {
    WARN("SKIPPED: there is no python3");
    return;
  }
  struct expected {
    std::string file;
    words skipped;
  };
  auto x = GENERATE(
    expected{"python_worker.py",
             {"config.good", "config.bad", "probe", "execute.cancel",
              "fence.older", "fence.crash"}},
    expected{"small_worker.py",
             {"config.good", "config.bad", "probe", "list", "execute.log",
              "execute.cancel", "fence.older", "fence.crash"}});
  test::temp_dir dir;
  auto report = check_worker(worker({LEASEHOLD_PYTHON,
                                     source + "/docs/" + x.file, dir / "root"}))
                  .value();
  CAPTURE(x.file, report.stderr_tail);
  CHECK(failures(report) == words{});
  CHECK(ids(report, check_verdict::skip) == x.skipped);
  CHECK(std::filesystem::is_empty(dir / "root"));
}

// -- how workers are treated --------------------------------------------------

TEST_CASE("worker_check: a worker gets five variables and those it is promised",
          "[worker_check]") {
  test::temp_dir dir;
  auto options = shell("env > " + dir / "env", {"launch"});
  options.env = {{"TOKEN", "t"}};
  auto report = check_worker(options).value();
  CHECK(found(report, "launch").reason
        == "the worker ended (exit code 0) before it answered initialize");
  std::istringstream lines{text_of(dir / "env")};
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);)
    names.insert(line.substr(0, line.find('=')));
  // What shells add of their own.
  for (const auto* own : {"PWD", "OLDPWD", "SHLVL", "_"})
    names.erase(own);
  CHECK(words(names.begin(), names.end())
        == words{"NODE_ENV", "NODE_PATH", "PAPERCLIP_PLUGIN_ID", "PATH",
                 "TOKEN", "TZ"});
}

TEST_CASE("worker_check: the driver and the manifest reach the worker",
          "[worker_check]") {
  test::temp_dir dir;
  auto options = shell("head -n 1 > " + dir / "hello", {"launch"});
  options.manifest = text_of(source + "/docs/python_worker.json");
  auto report = check_worker(options).value();
  CHECK(report.driver_key == "python");
  auto hello = text_of(dir / "hello");
  CHECK(hello.find(R"("method":"initialize")") != std::string::npos);
  CHECK(hello.find(R"("driverKey":"python")") != std::string::npos);
  CHECK(hello.find(R"("databaseNamespace":null)") != std::string::npos);
}

TEST_CASE("worker_check: nothing that a worker started is left",
          "[worker_check]") {
  test::temp_dir dir;
  auto pids = dir / "pids";
  auto script = "trap '' TERM; echo $$ > " + pids
                + "; setsid sh -c 'trap \"\" TERM; echo $$ >> " + pids
                + "; sleep 1000' & read hello; "
                  R"(echo '{"jsonrpc":"2.0","id":1,"result":{"ok":true}}'; )"
                  "sleep 1000";
  auto options = shell(script, {"handshake", "health"});
  options.timeout = std::chrono::seconds{2};
  auto report = check_worker(options).value();
  CAPTURE(report.stderr_tail);
  CHECK(found(report, "handshake").verdict == check_verdict::pass);
  CHECK(found(report, "health").reason == "health: no answer within 2000 ms");
  std::istringstream lines{text_of(pids)};
  auto count = 0;
  for (int64_t pid = 0; lines >> pid; ++count)
    CHECK(test::process_ends(pid));
  CHECK(count == 2);
}

TEST_CASE("worker_check: a worker that never answers is not waited for",
          "[worker_check]") {
  auto options = shell("exec sleep 1000", {});
  options.total_timeout = std::chrono::milliseconds{200};
  auto report = check_worker(options).value();
  CHECK(report.results.size() == worker_checks().size());
  CHECK(found(report, "handshake").verdict == check_verdict::fail);
  CHECK(found(report, "execute.log").reason
        == "not done: the time for all checks is over");
}

TEST_CASE("worker_check: who stops early leaves nothing", "[worker_check]") {
  test::temp_dir dir;
  auto options
    = worker({LEASEHOLD_BUBBLEWRAP_PROGRAM, "--state", dir / "state"});
  std::atomic<bool> stop = false;
  options.stop = &stop;
  options.on_result = [&](const worker_check_result& x) {
    stop = stop || x.what.id == "execute.code";
  };
  auto report = check_worker(options).value();
  CHECK(found(report, "execute.code").verdict == check_verdict::pass);
  CHECK(found(report, "execute.output").reason == "not done: interrupted");
  CHECK(std::filesystem::is_empty(dir / "state/boxes"));
}

TEST_CASE("worker_check: results come one by one, and in order",
          "[worker_check]") {
  auto options = shell("echo 'cannot find my disk' >&2; exit 3",
                       {"handshake", "launch", "health"});
  words told;
  options.on_result
    = [&](const worker_check_result& x) { told.push_back(x.what.id); };
  auto report = check_worker(options).value();
  CHECK(told == words{"launch", "handshake", "health"});
  CHECK(report.stderr_tail == "cannot find my disk\n");
  CHECK(ids(report, check_verdict::fail) == words{"launch"});
  CHECK(found(report, "health").reason == "the worker does not initialize");
}

// -- options ------------------------------------------------------------------

TEST_CASE("worker_check: options that make no sense are refused",
          "[worker_check]") {
  CHECK(refusal(worker({})) == "There is no command to start the worker with.");
  CHECK(refusal(worker({"no-such-worker"}))
        == "There is no program \"no-such-worker\" that can be executed.");
  auto options = worker({"true"});
  options.only = {"heath"};
  CHECK(refusal(options) == "There is no check \"heath\".");
  options = worker({"true"});
  options.config = "{";
  CHECK(refusal(options) == "The configuration is no JSON object.");
  options = worker({"true"});
  options.bad_config = "[]";
  CHECK(refusal(options) == "The bad configuration is no JSON object.");
  options = worker({"true"});
  options.driver_key = "No Key";
  CHECK(refusal(options) == "\"No Key\" is no driver key.");
  options.manifest = text_of(source + "/docs/python_worker.json");
  options.driver_key = "other";
  CHECK(refusal(options)
        == "The manifest declares no environment driver \"other\".");
  options.manifest = "{}";
  CHECK(refusal(options).starts_with("Plugin manifest: id must "));
}

TEST_CASE("worker_check: every check has a name and its row in the docs",
          "[worker_check]") {
  auto text = text_of(source + "/docs/writing-a-worker.md");
  std::set<std::string> seen;
  for (const auto& x : worker_checks()) {
    INFO(x.id);
    CHECK(seen.insert(x.id).second);
    CHECK(text.find("| `" + x.id + "` |") != std::string::npos);
  }
}
