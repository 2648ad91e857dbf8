// Work in a lease: workspaces and commands (PB §5.6, §5.9, DESIGN §6).
//
// Commands are scripts for a POSIX shell; what they need beside it is cat,
// mkfifo, pwd, rm, mkdir and sleep.

#include "drivers/utf8.hpp"
#include "drivers/worker_check/check_list.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace leasehold::check {

namespace {

namespace fs = std::filesystem;

/// What no command here should need.
constexpr int64_t command_timeout_ms = 60'000;

/// Fails unless a command ended with this exit code.
void expect_code(const json& end, int code) {
  if (end["exitCode"] != code || end["timedOut"] == true)
    fail("expected exit code " + std::to_string(code) + ", got "
         + excerpt(end.dump()));
}

/// Fails unless an output is this.
void expect_text(const json& end, const char* stream,
                 const std::string& wanted) {
  auto got = end[stream].get<std::string>();
  if (got != wanted)
    fail(std::string{"expected "} + stream + " \"" + excerpt(wanted)
         + "\", got \"" + excerpt(got) + "\" (" + std::to_string(got.size())
         + " bytes)");
}

json with_timeout(int64_t ms = command_timeout_ms) {
  return {{"timeoutMs", ms}};
}

// -- workspaces ---------------------------------------------------------------

/// A folder on this host with one file in it, as long as it lives.
class folder {
public:
  folder() {
    std::error_code ignored;
    auto name
      = (fs::temp_directory_path(ignored) / "leasehold-check-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      skip("cannot make a folder " + name);
    path_ = name;
    std::ofstream{path_ / "hello.txt"} << "hello";
  }

  folder(const folder&) = delete;

  folder& operator=(const folder&) = delete;

  ~folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path() const {
    return path_.string();
  }

private:
  fs::path path_;
};

std::string realize(bench& at) {
  constexpr auto method = "environmentRealizeWorkspace";
  at.need(method);
  auto lease = at.lease();
  folder from;
  auto answer = at.get(
    method, at.in(lease, {{"workspace", {{"localPath", from.path()}}}}));
  auto cwd = answer.is_object() ? answer.value("cwd", json()) : json();
  if (!cwd.is_string() || cwd == json(""))
    fail("no cwd in " + excerpt(answer.dump()));
  if (!at.may_have("environmentExecute"))
    return cwd;
  auto end = at.run_script("if test -f hello.txt; then cat hello.txt; fi",
                           {{"cwd", cwd}});
  expect_code(end, 0);
  auto brought = end["stdout"] == "hello";
  return cwd.get<std::string>()
         + (brought ? "" : " (without the files of localPath)");
}

// -- how commands end ---------------------------------------------------------

std::string exit_codes(bench& at) {
  expect_code(at.run_script("exit 0"), 0);
  expect_code(at.run_script("exit 3"), 3);
  return {};
}

std::string outputs(bench& at) {
  auto end = at.run_script("echo to out; echo to err >&2");
  expect_code(end, 0);
  expect_text(end, "stdout", "to out\n");
  expect_text(end, "stderr", "to err\n");
  return {};
}

std::string missing_command(bench& at) {
  at.need("environmentExecute");
  auto answer
    = at.ask("environmentExecute",
             at.in(at.lease(), {{"command", "leasehold-check-no-such-command"},
                                {"args", json::array()}}));
  if (!answer.ok())
    return "with an " + to_string(answer);
  auto end = checked_execution(answer.result);
  if (end["exitCode"] == 0)
    fail("exit code 0 from a command that does not exist");
  return "exit code " + end["exitCode"].dump();
}

// -- what commands are given --------------------------------------------------

std::string input(bench& at) {
  const std::string text = "first line\nGr\xc3\xbc\xc3\x9f"
                           "e, no end of line";
  auto more = with_timeout();
  more["stdin"] = text;
  auto end = at.run_script("cat", more);
  expect_code(end, 0);
  expect_text(end, "stdout", text);
  return {};
}

std::string no_input(bench& at) {
  auto end = at.run_script("cat", with_timeout(10'000));
  if (end["timedOut"] == true)
    fail("a command that is given no input waits for it");
  expect_code(end, 0);
  expect_text(end, "stdout", "");
  return {};
}

std::string large_output(bench& at) {
  constexpr auto size = size_t{1} << 20;
  // Lines that are long, since some workers stream line by line.
  std::string text;
  for (auto i = 0; text.size() < size; ++i)
    text += std::string(4'095, static_cast<char>('a' + i % 26)) + "\n";
  auto more = with_timeout();
  more["stdin"] = text;
  auto end = at.run_script("cat", more);
  expect_code(end, 0);
  expect_text(end, "stdout", text);
  return {};
}

std::string directory(bench& at) {
  auto where = at.run_script("mkdir -p leasehold-check && cd leasehold-check "
                             "&& pwd");
  expect_code(where, 0);
  auto path = where["stdout"].get<std::string>();
  path.resize(path.find_last_not_of('\n') + 1);
  expect_text(at.run_script("pwd", {{"cwd", path}}), "stdout", path + "\n");
  return {};
}

std::string variables(bench& at) {
  const std::string value = "a 'b' \"c\" $d=\xc3\xa4";
  auto end = at.run_script("printf %s \"$LEASEHOLD_CHECK\"",
                           {{"env", {{"LEASEHOLD_CHECK", value}}}});
  expect_text(end, "stdout", value);
  return {};
}

// -- time-outs ----------------------------------------------------------------

void expect_timed_out(const json& end) {
  if (end["timedOut"] != true || !end["exitCode"].is_null())
    fail("expected timedOut true and exitCode null, got "
         + excerpt(end.dump()));
}

std::string time_out(bench& at) {
  expect_timed_out(at.run_script("exec sleep 1000", with_timeout(500)));
  return {};
}

/// A child of the command that heeds no request to end, holds none of its
/// outputs, and has a named pipe open for as long as it lives.
constexpr auto leave_child
  = "rm -f leasehold-check.pipe; mkfifo leasehold-check.pipe || exit 9\n"
    "(trap '' TERM HUP INT; echo ready; exec </dev/null >/dev/null 2>&1\n"
    " while :; do sleep 1000; done) 3<>leasehold-check.pipe &\n"
    "wait";

/// Ends when nobody has the pipe open for writing any more.
constexpr auto await_child = "cat leasehold-check.pipe >/dev/null 2>&1 &\n"
                             "exec 3>leasehold-check.pipe; exec 3>&-\n"
                             "wait $!; rm -f leasehold-check.pipe";

std::string whole_tree(bench& at) {
  auto end = at.run_script(leave_child, with_timeout(1'000));
  if (end["exitCode"] == 9)
    skip("no mkfifo in the environment");
  // Some environments are slow to start a command.
  if (end["stdout"] != "ready\n")
    end = at.run_script(leave_child, with_timeout(10'000));
  if (end["timedOut"] != true || end["stdout"] != "ready\n")
    fail("expected a time-out after \"ready\", got " + excerpt(end.dump()));
  if (at.run_script(await_child, with_timeout(5'000))["timedOut"] == true)
    fail("what the timed-out command has started still runs 5 s later");
  return {};
}

// -- streams ------------------------------------------------------------------

/// What a chunk breaks of the rules (PB §5.9); empty if nothing.
std::string flaw_of(const chunk& x) {
  constexpr size_t chunk_max = 1'000'000;
  if (!x.params.is_object())
    return "params are no object";
  auto stream = x.params.value("stream", json());
  if (stream != "stdout" && stream != "stderr")
    return "the stream is neither stdout nor stderr";
  auto text = x.params.value("chunk", json());
  if (!text.is_string() || text == json(""))
    return "the chunk is no text or empty";
  if (utf16_length(text.get<std::string>()) > chunk_max)
    return "the chunk has more than 1000000 characters";
  return x.late ? "it came after the answer" : "";
}

std::string streaming(bench& at) {
  auto id = at.start_script("echo one; echo 'zw\xc3\xb6lf'; echo three >&2");
  auto answer = at.await(id, "environmentExecute");
  if (!answer.ok())
    fail("environmentExecute: " + to_string(answer));
  auto end = checked_execution(answer.result);
  // What comes late comes before the answer to this, or is not looked for.
  at.check_alive();
  auto output = at.worker().look([](const heard& x) { return x.output; });
  if (output.contains(""))
    fail("execute.log without paperclipInvocationId: "
         + excerpt(output[""].front().params.dump()));
  for (const auto& [name, chunks] : output)
    if (!is_invocation(name))
      fail("execute.log with a paperclipInvocationId that is not its call's: "
           + excerpt(name));
  auto own = output.find(invocation_of(id));
  if (own == output.end())
    skip("it streams no output (execute.log)");
  std::map<std::string, std::string> texts;
  for (const auto& x : own->second) {
    if (auto flaw = flaw_of(x); !flaw.empty())
      fail("execute.log: " + flaw + ": " + excerpt(x.params.dump()));
    texts[x.params["stream"]] += x.params["chunk"].get<std::string>();
  }
  for (const auto* stream : {"stdout", "stderr"})
    if (texts[stream] != end[stream])
      fail("expected the " + std::string{stream} + " that is streamed, \""
           + excerpt(texts[stream]) + "\", to be that of the result, "
           + excerpt(end[stream].dump()));
  return {};
}

// -- cancel -------------------------------------------------------------------

/// Asks to cancel until the worker says that it has, or the command is over.
void cancel_until_done(bench& at, int64_t command, const json& name) {
  auto over = [command](const heard& x) { return x.answers.contains(command); };
  auto until = steady::now() + at.patience();
  for (;;) {
    auto answer = at.get("environmentCancelExecute", at.in(at.lease(), name));
    if (!answer.is_object() || !answer.value("cancelled", json()).is_boolean())
      fail("no cancelled that is true or false in " + excerpt(answer.dump()));
    if (answer["cancelled"] == true)
      return;
    if (steady::now() > until || at.out_of_time())
      fail("it does not find the command that runs: " + excerpt(answer.dump()));
    // The command has not begun, it seems.
    constexpr auto pause = milliseconds{50};
    if (at.worker().wait(pause, over))
      return;
  }
}

std::string cancel(bench& at) {
  at.need("environmentCancelExecute");
  json name{{"executionId", "1ea5e401-c4ec-4000-8000-0000000000ec"}};
  auto call = name;
  call["timeoutMs"] = 600'000;
  auto id = at.start_script("exec sleep 1000", call);
  cancel_until_done(at, id, name);
  auto answer = at.await(id, "environmentExecute (cancelled)");
  if (answer.ok()) {
    auto end = checked_execution(answer.result);
    if (end["exitCode"] == 0)
      fail("a cancelled command ended with exit code 0");
    if (end["timedOut"] == true)
      fail("a cancelled command is said to have timed out");
  }
  auto again = at.ask("environmentCancelExecute", at.in(at.lease(), name));
  if (again.ok() && again.result.value("cancelled", json()) == true)
    fail("it says to have cancelled what is over");
  return {};
}

// -- the end ------------------------------------------------------------------

std::string after_destroy(bench& at) {
  at.need("environmentExecute");
  at.lease();
  auto lease = at.acquire();
  at.destroy(lease);
  auto answer = at.ask("environmentExecute",
                       at.in(lease, {{"command", "sh"},
                                     {"args", {"-c", "exit 0"}},
                                     {"timeoutMs", command_timeout_ms}}));
  if (!answer.ok())
    return {};
  auto end = checked_execution(answer.result);
  if (end["exitCode"] == 0)
    fail("a command ran in a lease that is destroyed: " + excerpt(end.dump()));
  return {};
}

std::string end_of_input(bench& at) {
  auto id = at.start_script("echo up; sleep 1000");
  auto& worker = at.worker();
  // If it streams, the command runs when this is there; else it may.
  auto begun = [id](const heard& x) {
    return x.output.contains(invocation_of(id)) || x.answers.contains(id);
  };
  constexpr auto a_while = milliseconds{500};
  worker.wait(a_while, begun);
  worker.process().close_stdin();
  auto how = at.await_exit(worker);
  if (!how)
    fail("it still runs " + std::to_string(at.patience(exit_timeout).count())
         + " ms after the end of its input");
  if (how->signal != 0 || how->code != 0)
    fail(to_string(*how) + "; expected exit code 0");
  return {};
}

} // namespace

std::vector<one_check> execute_checks() {
  return {
    {{"realize", "makes a workspace that commands run in"}, realize},
    {{"execute.code", "passes on exit codes"}, exit_codes},
    {{"execute.output", "keeps stdout and stderr apart"}, outputs},
    {{"execute.missing", "says that there is no such command"},
     missing_command},
    {{"execute.stdin", "gives a command its input"}, input},
    {{"execute.no-stdin", "gives a command no input but its own"}, no_input},
    {{"execute.large", "passes on 1 MiB in and out"}, large_output},
    {{"execute.cwd", "runs a command where it is told"}, directory},
    {{"execute.env", "gives a command its variables"}, variables},
    {{"execute.timeout", "ends a command that takes too long"}, time_out},
    {{"execute.tree", "ends all that such a command started"}, whole_tree},
    {{"execute.log", "streams what the result holds"}, streaming},
    {{"execute.cancel", "cancels a command"}, cancel},
    {{"execute.gone", "runs nothing in a destroyed lease"}, after_destroy},
    {{"execute.end", "exits with 0 though a command runs"}, end_of_input},
  };
}

} // namespace leasehold::check
