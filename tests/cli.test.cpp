// The parts of the leasehold program that need no engine.

#include "cli/admin_commands.hpp"
#include "cli/arguments.hpp"
#include "cli/builtin_plugins.hpp"
#include "cli/data_directory.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"
#include "cli/run_plan.hpp"
#include "cli/run_progress.hpp"
#include "cli/run_report.hpp"
#include "cli/signals.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

using namespace leasehold;
using namespace leasehold::cli;
using namespace std::chrono_literals;

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

/// A directory of its own, gone with the test.
struct scratch {
  fs::path path;

  scratch() {
    auto pattern
      = (fs::temp_directory_path() / "leasehold-cli-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }

  ~scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }

  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
};

template <class Verb>
Verb parsed_verb(const std::vector<std::string>& words) {
  auto all = parse_arguments(words);
  if (auto* why = std::get_if<usage_error>(&all))
    FAIL(why->message);
  return std::get<Verb>(std::get<arguments>(all).verb);
}

usage_error refused(const std::vector<std::string>& words) {
  return std::get<usage_error>(parse_arguments(words));
}

variable_lookup variables(std::map<std::string, std::string> known) {
  return [known = std::move(known)](const std::string& name) {
    auto pos = known.find(name);
    return pos == known.end() ? std::string{} : pos->second;
  };
}

result<std::string> no_file(const std::string& path) {
  return failure{ec::invalid_request, "no file " + path, {}};
}

run_report ended_with(std::optional<int> code, std::string signal = {}) {
  run_report x;
  x.command = finished{};
  x.command->exit_code = code;
  x.command->signal = std::move(signal);
  return x;
}

} // namespace

// -- arguments ----------------------------------------------------------------

TEST_CASE("arguments: run takes its command as it is after --", "[arguments]") {
  auto x = parsed_verb<run_arguments>(
    {"run", "--provider", "bubblewrap", "--workspace", ".", "--timeout", "30s",
     "--env-var", "A=1", "--env-var", "B=x=y", "--keep", "--", "sh", "-c", "",
     "--", "--json"});
  CHECK(x.provider == "bubblewrap");
  CHECK(x.workspace == ".");
  CHECK(x.timeout == 30s);
  CHECK(x.env == std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}});
  CHECK(x.keep);
  CHECK(x.command == std::vector<std::string>{"sh", "-c", "", "--", "--json"});
}

TEST_CASE("arguments: options for everything stand anywhere before --",
          "[arguments]") {
  using words = std::vector<std::string>;
  auto given = GENERATE(words{"--json", "--data", "d", "lease", "list"},
                        words{"lease", "--json", "--data", "d", "list"},
                        words{"lease", "list", "--data=d", "--json"});
  auto x = std::get<arguments>(parse_arguments(given));
  CHECK(x.common.json);
  CHECK(x.common.data == "d");
  CHECK(std::holds_alternative<lease_list_arguments>(x.verb));
}

TEST_CASE("arguments: every verb is read", "[arguments]") {
  auto add = parsed_verb<env_add_arguments>(
    {"env", "add", "box", "--provider", "p", "--set", "a=1", "--set", "b=x",
     "--config", "-", "--description", "d"});
  CHECK(add.name == "box");
  CHECK(add.config == "-");
  CHECK(add.settings == std::vector<std::string>{"a=1", "b=x"});
  CHECK(parsed_verb<env_show_arguments>({"env", "show", "box"}).name == "box");
  CHECK(parsed_verb<env_remove_arguments>({"env", "remove", "b"}).name == "b");
  auto plugin = parsed_verb<plugin_add_arguments>(
    {"plugin", "add", "--manifest", "m.json", "--", "node", "w.js"});
  CHECK(plugin.manifest == "m.json");
  CHECK(plugin.command == std::vector<std::string>{"node", "w.js"});
  CHECK(parsed_verb<plugin_remove_arguments>({"plugin", "remove", "k"}).key
        == "k");
  auto list = parsed_verb<lease_list_arguments>(
    {"lease", "list", "--all", "--limit", "7", "--run", "r"});
  CHECK((list.all && list.limit == 7 && list.run == "r"));
  auto release = parsed_verb<lease_release_arguments>(
    {"lease", "release", "7f", "--failed", "--reason", "why"});
  CHECK((release.id == "7f" && release.failed && release.reason == "why"));
  CHECK(parsed_verb<lease_destroy_arguments>({"lease", "destroy", "7f"}).id
        == "7f");
  CHECK(parsed_verb<lease_show_arguments>({"lease", "show", "7f"}).id == "7f");
  CHECK(parsed_verb<probe_arguments>({"probe", "box"}).environment == "box");
  auto resume = parsed_verb<run_arguments>(
    {"lease", "resume", "7f", "--run", "r", "--keep", "--", "ls", "-l"});
  CHECK((resume.resume == "7f" && resume.run == "r" && resume.keep));
  CHECK(resume.command == std::vector<std::string>{"ls", "-l"});
  parsed_verb<env_list_arguments>({"env", "list"});
  parsed_verb<plugin_list_arguments>({"plugin", "list"});
  parsed_verb<version_arguments>({"version"});
}

TEST_CASE("arguments: a command line that makes no sense is refused",
          "[arguments]") {
  using words = std::vector<std::string>;
  auto given = GENERATE(
    words{"run"}, words{"run", "--"}, words{"run", "--", ""},
    words{"run", "--env", "a", "--provider", "b", "--", "x"},
    words{"run", "--timeout", "soon", "--", "x"},
    words{"run", "--env-var", "novalue", "--", "x"},
    words{"run", "--env-var", "=v", "--", "x"}, words{"env", "add", "box"},
    words{"env", "add", "b", "--provider", "p", "--driver", "d"},
    words{"env", "add", "--provider", "p"}, words{"env"},
    words{"lease", "list", "--limit", "0"}, words{"lease", "list", "--", "x"},
    words{"lease", "release", "7", "--failed", "--expired"},
    words{"plugin", "add", "--", "x"}, words{"probe"}, words{"--nonsense"});
  CAPTURE(given);
  CHECK(!refused(given).message.empty());
}

TEST_CASE("arguments: a command without -- is told where it goes",
          "[arguments]") {
  CHECK(refused({"run", "make", "-j4"}).hint.find("after --")
        != std::string::npos);
}

TEST_CASE("arguments: an unknown verb is answered with the nearest",
          "[arguments]") {
  CHECK(refused({"leese", "list"}).hint == "Did you mean `leasehold lease`?");
  CHECK(refused({"lease", "lst"}).hint
        == "Did you mean `leasehold lease list`?");
  CHECK(refused({"--json", "lease", "lst"}).json);
}

TEST_CASE("arguments: every verb has help with an example", "[arguments]") {
  using words = std::vector<std::string>;
  auto verb = GENERATE(
    words{}, words{"run"}, words{"probe"}, words{"version"},
    words{"env", "add"}, words{"env", "list"}, words{"env", "show"},
    words{"env", "remove"}, words{"plugin", "add"}, words{"plugin", "list"},
    words{"plugin", "remove"}, words{"lease", "list"}, words{"lease", "show"},
    words{"lease", "release"}, words{"lease", "destroy"});
  verb.push_back("--help");
  auto text = std::get<help_wanted>(parse_arguments(verb)).text;
  CHECK(text.find("Example") != std::string::npos);
  CHECK(text.find("--json") != std::string::npos);
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    CHECK(line.size() <= 80);
}

// -- data directory -----------------------------------------------------------

TEST_CASE("data directory: the nearest rule wins", "[data_directory]") {
  auto all = variables({{"LEASEHOLD_DATA", "/own"},
                        {"XDG_DATA_HOME", "/xdg"},
                        {"HOME", "/home/u"}});
  CHECK(choose_data_directory("/opt/d", all).value() == "/opt/d");
  CHECK(choose_data_directory("", all).value() == "/own");
  CHECK(choose_data_directory(
          "", variables({{"XDG_DATA_HOME", "/xdg"}, {"HOME", "/home/u"}}))
          .value()
        == "/xdg/leasehold");
  CHECK(choose_data_directory("", variables({{"HOME", "/home/u"}})).value()
        == "/home/u/.local/share/leasehold");
  CHECK(choose_data_directory("", variables({})).error().code
        == ec::invalid_request);
}

TEST_CASE("data directory: a relative XDG_DATA_HOME is ignored",
          "[data_directory]") {
  auto look = variables({{"XDG_DATA_HOME", "xdg"}, {"HOME", "/home/u"}});
  CHECK(choose_data_directory("", look).value()
        == "/home/u/.local/share/leasehold");
}

TEST_CASE("data directory: it is made with its parents, for its owner only",
          "[data_directory]") {
  scratch here;
  auto where = here.path / "a" / "b";
  REQUIRE(prepare_data_directory(where));
  struct stat found {};
  REQUIRE(stat(where.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777u) == 0700u);
  CHECK(prepare_data_directory(where));
  CHECK(prepare_data_directory(here.path / "c" / ""));
}

TEST_CASE("data directory: a file in its place is one clear error",
          "[data_directory]") {
  scratch here;
  std::ofstream{here.path / "file"} << "x";
  for (const auto& where : {here.path / "file", here.path / "file" / "below"}) {
    auto answer = prepare_data_directory(where);
    CHECK(answer.error().code == ec::store_unusable);
    CHECK(answer.error().message.find(where.string()) != std::string::npos);
  }
}

// -- run ----------------------------------------------------------------------

TEST_CASE("run: the exit code is the command's", "[run]") {
  CHECK(exit_code_of(ended_with(0)) == 0);
  CHECK(exit_code_of(ended_with(42)) == 42);
  CHECK(exit_code_of(ended_with(std::nullopt, "SIGKILL")) == 137);
  CHECK(exit_code_of(ended_with(std::nullopt, "SIGSEGV")) == 139);
}

TEST_CASE("run: time-outs, Ctrl-C and our own failures have exit codes",
          "[run]") {
  auto slow = ended_with(std::nullopt, "SIGKILL");
  slow.command->timed_out = true;
  CHECK(exit_code_of(slow) == 124);
  auto stopped = ended_with(0);
  stopped.signal = SIGINT;
  CHECK(exit_code_of(stopped) == 130);
  auto lost = run_report{};
  lost.error = failure{ec::outcome_unknown, "lost", {}};
  CHECK(exit_code_of(lost) == 125);
  CHECK(exit_code_of(run_report{}) == 125);
}

TEST_CASE("run: the outcome follows the command", "[run]") {
  CHECK(outcome_of(ended_with(0)) == outcome::released);
  CHECK(outcome_of(ended_with(1)) == outcome::failed);
  CHECK(outcome_of(ended_with(std::nullopt, "SIGKILL")) == outcome::failed);
  CHECK(outcome_of(run_report{}) == outcome::failed);
  auto stopped = ended_with(0);
  stopped.signal = SIGTERM;
  CHECK(outcome_of(stopped) == outcome::expired);
}

TEST_CASE("run: phases are told in sentences", "[run]") {
  lease x;
  x.driver = "sandbox";
  x.resource = "box-7f3a91c2";
  CHECK(acquired_sentence(x, 4'100us)
        == "acquired in 4.1 ms (sandbox box-7f3a91c2, fresh)");
  x.origin = origin::resumed;
  CHECK(acquired_sentence(x, 1ms)
        == "acquired in 1.0 ms (sandbox box-7f3a91c2, resumed)");
  x.origin = origin::replacement;
  x.origin_note = "box-1 is gone";
  CHECK(acquired_sentence(x, 1ms)
        == "acquired in 1.0 ms (sandbox box-7f3a91c2, "
           "replacement: box-1 is gone)");
  CHECK(realized_sentence({"/workspace", "{}"}, 1'200us)
        == "workspace realized in 1.2 ms (/workspace)");
  CHECK(command_sentence(*ended_with(0).command, 1'300ms)
        == "command ended in 1.3 s (exit code 0)");
  ended_lease end{"1", "released", false, {}, true, {}, {}};
  CHECK(released_sentence(end, 800us) == "released in 0.8 ms (parked)");
  end = {"1", "failed", true, "no worker", false, {}, {}};
  CHECK(released_sentence(end, 800us)
        == "released in 0.8 ms (failed, cleanup owed: no worker)");
}

TEST_CASE("run: a driver or provider names its own environment", "[run]") {
  run_arguments x;
  CHECK(wanted_environment(x).name == "local");
  CHECK(wanted_environment(x).driver == "local");
  x.provider = "bubblewrap";
  auto sandbox = wanted_environment(x);
  CHECK(sandbox.name == "bubblewrap");
  CHECK(sandbox.driver == "sandbox");
  CHECK(sandbox.config == R"({"provider":"bubblewrap"})");
  x.environment = "box";
  CHECK(wanted_environment(x).driver.empty());
}

TEST_CASE("run: an environment of that name and another kind is refused",
          "[run]") {
  run_arguments x;
  x.provider = "bubblewrap";
  auto wanted = wanted_environment(x);
  auto found = wanted;
  found.config = R"({"provider":"bubblewrap","timeoutMs":1})";
  CHECK(check_environment(wanted, found));
  found.config = R"({"provider":"fake"})";
  CHECK(check_environment(wanted, found).error().code == ec::invalid_request);
}

TEST_CASE("run: the command starts in the workspace, or here if local",
          "[run]") {
  CHECK(command_cwd("", "/workspace", "sandbox", "/here") == "/workspace");
  CHECK(command_cwd("sub", "/workspace", "sandbox", "/here")
        == "/workspace/sub");
  CHECK(command_cwd("/tmp", "/workspace", "sandbox", "/here") == "/tmp");
  CHECK(command_cwd("", "", "local", "/here") == "/here");
  CHECK(command_cwd("", "", "sandbox", "/here").empty());
  CHECK(command_cwd("sub", "", "sandbox", "/here") == "sub");
}

TEST_CASE("run: a workspace must be a folder", "[run]") {
  scratch here;
  std::ofstream{here.path / "file"} << "x";
  CHECK(workspace_path(here.path.string()));
  CHECK_FALSE(workspace_path((here.path / "file").string()));
  CHECK_FALSE(workspace_path((here.path / "none").string()));
}

TEST_CASE("run: the report is JSON with every field", "[run]") {
  auto x = ended_with(3);
  x.run = "run-1";
  x.environment = "box";
  x.phases = {{"acquire", 1'500us}, {"execute", 2ms}};
  x.error = failure{ec::call_timed_out, "too slow", "detail"};
  x.command->stdout_text = "not repeated";
  auto report = view(x);
  CHECK(report["phases"]
        == json::parse(
          R"([{"name":"acquire","ms":1.5},{"name":"execute","ms":2.0}])"));
  CHECK(report["command"]["exit_code"] == 3);
  CHECK(report["command"]["signal"].is_null());
  CHECK_FALSE(report["command"].contains("stdout_text"));
  CHECK(report["error"]["code"] == "call_timed_out");
  CHECK(report["error"]["disposition"] == "in_doubt");
  CHECK(report["lease"].is_null());
  CHECK(report["exit_code"] == 125);
}

TEST_CASE("run: who leaves at once is told what is left undone", "[run]") {
  run_progress x;
  CHECK(x.when_left().find("being acquired") != std::string::npos);
  x.hold("lease 7f3a91c2 (local)");
  CHECK(x.when_interrupted().find("cancelling the command")
        != std::string::npos);
  CHECK(x.when_left().find("lease 7f3a91c2 (local) is not released")
        != std::string::npos);
  x.enter(stage::ended);
  CHECK(x.when_left().find("the lease has ended") != std::string::npos);
}

TEST_CASE("run: the first signal is told apart from the second one",
          "[signals]") {
  std::promise<int> first;
  std::promise<int> second;
  interrupts user{[&](int number) { first.set_value(number); },
                  [&](int number) { second.set_value(number); }};
  CHECK(user.signal() == 0);
  kill(getpid(), SIGINT);
  CHECK(first.get_future().get() == SIGINT);
  CHECK(user.signal() == SIGINT);
  kill(getpid(), SIGHUP);
  CHECK(second.get_future().get() == SIGHUP);
  CHECK(user.signal() == SIGINT);
}

// -- env add ------------------------------------------------------------------

TEST_CASE("env add: settings are JSON where they can be, and win",
          "[env_add]") {
  env_add_arguments x;
  x.name = "box";
  x.provider = "bubblewrap";
  x.config = R"({"reuseLease":false,"keep":1})";
  x.settings = {"reuseLease=true", "image=debian", "empty="};
  auto made = environment_from(x, no_file).value();
  CHECK(made.driver == "sandbox");
  CHECK(json::parse(made.config)
        == json::parse(R"({"empty":"","image":"debian","keep":1,
                           "provider":"bubblewrap","reuseLease":true})"));
}

TEST_CASE("env add: a configuration comes from a file or standard input",
          "[env_add]") {
  auto read = [](const std::string& path) -> result<std::string> {
    return R"({"from":")" + path + R"("})";
  };
  env_add_arguments x;
  x.driver = "local";
  x.config = "@box.json";
  CHECK(environment_from(x, read).value().config == R"({"from":"box.json"})");
  x.config = "-";
  CHECK(environment_from(x, read).value().config == R"({"from":"-"})");
  CHECK_FALSE(environment_from(x, no_file));
}

TEST_CASE("env add: a configuration that nests without end is refused",
          "[env_add]") {
  const size_t levels = 1u << 20;
  auto deep = std::string(levels, '[') + std::string(levels, ']');
  env_add_arguments x;
  x.provider = "bubblewrap";
  x.config = "{\"a\":" + deep + "}";
  CHECK(environment_from(x, no_file).error().message
        == "--config nests deeper than 500 levels.");
  x.config = "";
  x.settings = {"a=" + deep};
  CHECK(environment_from(x, no_file).value().config.starts_with("{\"a\":\"["));
}

TEST_CASE("env add: a number that no machine can hold is refused, or a text",
          "[env_add]") {
  env_add_arguments x;
  x.provider = "bubblewrap";
  x.config = R"({"timeoutMs":1e309})";
  CHECK(environment_from(x, no_file).error().message
        == "--config is not valid JSON: number overflow parsing '1e309'.");
  x.config = "";
  x.settings = {"a=1e309"};
  CHECK(
    environment_from(x, no_file).value().config.starts_with(R"({"a":"1e309")"));
}

TEST_CASE("env add: a bad configuration says what is wrong", "[env_add]") {
  env_add_arguments x;
  x.provider = "bubblewrap";
  x.config = "{\"a\":";
  auto why = environment_from(x, no_file).error();
  CHECK(why.message.find("line 1, column 6") != std::string::npos);
  CHECK(why.message.find("json.exception") == std::string::npos);
  x.config = "[1]";
  CHECK_FALSE(environment_from(x, no_file));
  x.config = R"({"provider":"other"})";
  CHECK_FALSE(environment_from(x, no_file));
  x.config = "";
  x.settings = {"novalue"};
  CHECK_FALSE(environment_from(x, no_file));
}

// -- errors -------------------------------------------------------------------

TEST_CASE("errors: a failure is printed as what, detail, what to do",
          "[errors]") {
  failure why{ec::unknown_environment, "There is no environment 'bx'.",
              "first\nsecond"};
  CHECK(render_failure(why, "box", false, false)
        == "leasehold: There is no environment 'bx'.\n"
           "    first\n"
           "    second\n"
           "  Did you mean 'box'?\n");
  CHECK(render_failure(why, "", false, false).find("leasehold env list")
        != std::string::npos);
}

TEST_CASE("errors: of a long detail the last lines are shown", "[errors]") {
  std::string detail;
  for (auto i = 1; i <= 40; ++i)
    detail += "line " + std::to_string(i) + "\n";
  failure why{ec::provider_refused, "No.", detail};
  auto text = render_failure(why, "", false, false);
  CHECK(text.find("28 earlier lines") != std::string::npos);
  CHECK(text.find("line 28\n") == std::string::npos);
  CHECK(text.find("line 40\n") != std::string::npos);
  CHECK(render_failure(why, "", true, false).find("line 1\n")
        != std::string::npos);
}

TEST_CASE("errors: every code says what to do or needs no advice", "[errors]") {
  for (const auto& [code, name] : names<ec>) {
    CAPTURE(name);
    auto silent = code == ec::none || code == ec::shutting_down
                  || code == ec::invalid_request || code == ec::unknown_command
                  || code == ec::cancelled || code == ec::already_exists
                  || code == ec::too_large;
    CHECK(hint_for(code).empty() == silent);
  }
}

TEST_CASE("errors: the nearest name is near", "[errors]") {
  std::vector<std::string> known{"local", "bubblewrap", "box"};
  CHECK(nearest("bubblewarp", known) == "bubblewrap");
  CHECK(nearest("bubble", known) == "bubblewrap");
  CHECK(nearest("loacl", known) == "local");
  CHECK(nearest("bx", known) == "box");
  CHECK(nearest("kubernetes", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest("x", {}).empty());
}

TEST_CASE("errors: bytes that are no text do not break the JSON", "[errors]") {
  failure why{ec::provider_refused, "no", "\xff\xfe"};
  auto printed = print({{"error", view(why)}});
  CHECK(json::parse(printed)["error"]["code"] == "provider_refused");
}

// -- built-in plugins ---------------------------------------------------------

TEST_CASE("built-in plugins: a helper is beside the program or in libexec",
          "[builtin_plugins]") {
  scratch here;
  auto bin = here.path / "bin";
  auto libexec = here.path / "libexec" / "leasehold";
  fs::create_directories(bin);
  fs::create_directories(libexec);
  CHECK_FALSE(find_helper(bin / "leasehold", "helper"));
  std::ofstream{libexec / "helper"} << "x";
  CHECK_FALSE(find_helper(bin / "leasehold", "helper"));
  fs::permissions(libexec / "helper", fs::perms::owner_all);
  CHECK(find_helper(bin / "leasehold", "helper") == libexec / "helper");
  std::ofstream{bin / "helper"} << "x";
  fs::permissions(bin / "helper", fs::perms::owner_all);
  CHECK(find_helper(bin / "leasehold", "helper") == bin / "helper");
}

TEST_CASE("built-in plugins: a manifest is what the helper prints",
          "[builtin_plugins]") {
  scratch here;
  auto helper = here.path / "helper";
  auto becomes = [&](const std::string& body) {
    std::ofstream{helper} << "#!/bin/sh\n" << body << "\n";
    fs::permissions(helper, fs::perms::owner_all);
    return read_manifest(helper);
  };
  CHECK(becomes("[ $1 = --manifest ] && echo '{\"id\":\"a\"}'").value()
        == "{\"id\":\"a\"}\n");
  auto before = stamp_of(helper);
  CHECK(becomes("echo nonsense").error().detail == "nonsense\n");
  CHECK(stamp_of(helper) != before);
  CHECK_FALSE(becomes("exit 1"));
  CHECK_FALSE(read_manifest(here.path / "none"));
}
