// The bubblewrap worker over its pipes: commands and workspaces.

#include "tests/support/catch.hpp"
#include "tests/support/child_watch.hpp"
#include "tests/support/sandbox_host.hpp"

#include <set>

using namespace leasehold;

using nlohmann::json;
using test::sandbox_host;

namespace {

struct in_a_box : sandbox_host {
  in_a_box() {
    acquire();
  }

  json realize(const std::string& from) {
    return worker->result("environmentRealizeWorkspace",
                          params({{"lease", {{"providerLeaseId", box}}},
                                  {"workspace", {{"localPath", from}}}}));
  }
};

/// The processes whose command line holds `text`.
std::set<int64_t> processes_with(const std::string& text) {
  std::set<int64_t> out;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos
        && test::read_text(entry.path() / "cmdline").find(text)
             != std::string::npos)
      out.insert(std::stoll(name));
  }
  return out;
}

/// A bubblewrap in its first moment: the command runs already, and nothing ties
/// it to anybody yet. It says the command's pid.
struct in_a_young_box : in_a_box {
  in_a_young_box() {
    auto program = dir / "bwrap";
    test::write_text(program, "#!/bin/sh\n"
                              "setsid sh -c 'echo $$; exec tail -f /dev/null' &"
                              "\nwait\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    restart(dir.path().string());
    id = start("true", {{"executionId", "young"}});
    worker->await_output(id, "stdout", "\n");
    pid = std::stoll(worker->streamed(id, "stdout"));
  }

  int id = 0;
  int64_t pid = 0;
};

} // namespace

// -- results and output -------------------------------------------------------

TEST_CASE_METHOD(in_a_box, "bubblewrap: a command's end is told as it was",
                 "[bubblewrap]") {
  auto end = run("echo out; echo err >&2; exit 3");
  CHECK(end
        == json{{"exitCode", 3},
                {"signal", nullptr},
                {"timedOut", false},
                {"stdout", "out\n"},
                {"stderr", "err\n"},
                {"metadata", json::object()}});
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: a command that is not there is 127",
                 "[bubblewrap]") {
  auto id = worker->send("environmentExecute",
                         script("", {{"command", "no-such"}, {"args", {}}}));
  auto end = worker->answer(id)["result"];
  CHECK(end["exitCode"] == 127);
  CHECK(end["stderr"] == "no-such: not found in the sandbox\n");
  CHECK(worker->streamed(id, "stderr") == end["stderr"]);
  end = run("", {{"command", "/etc/passwd"}, {"args", {}}});
  CHECK(end["exitCode"] == 126);
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: words like bubblewrap's own pass",
                 "[bubblewrap]") {
  auto end = run("echo bwrap: execvp x: No such file >&2; exit 1");
  CHECK(end["exitCode"] == 1);
  CHECK(end["stderr"] == "bwrap: execvp x: No such file\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: a cwd that is not there is an error",
                 "[bubblewrap]") {
  auto error = worker->error("environmentExecute",
                             script("true", {{"cwd", "/nowhere"}}));
  CHECK(error["code"] == -32002);
  CHECK(error["message"]
        == "The sandbox could not be set up: Can't chdir to /nowhere: No such "
           "file or directory");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: output is streamed as it comes",
                 "[bubblewrap]") {
  auto id = start("echo first; until [ -e go ]; do :; done; echo second");
  worker->await_output(id, "stdout", "first");
  test::write_text(state() + "/boxes/" + box + "/workspace/go", "");
  CHECK(worker->answer(id)["result"]["stdout"] == "first\nsecond\n");
  CHECK(worker->streamed(id, "stdout") == "first\nsecond\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: a command reads its input to the end",
                 "[bubblewrap]") {
  std::string text(300'000, 'x');
  text += std::string("\0\xC3\xA4", 3);
  auto end = run("wc -c", {{"stdin", text}});
  CHECK(end["stdout"] == "300003\n");
  CHECK(run("wc -c")["stdout"] == "0\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: what is not UTF-8 is repaired",
                 "[bubblewrap]") {
  CHECK(run("printf 'a\\377b\\303'")["stdout"]
        == "a\xEF\xBF\xBD"
           "b\xEF\xBF\xBD");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: much output is cut in the result only",
                 "[bubblewrap]") {
  config["outputLimitBytes"] = 4096;
  worker->pause();
  auto id = start("head -c 4000000 /dev/zero | tr '\\0' x; echo; echo end");
  worker->resume();
  auto end = worker->answer(id)["result"];
  CHECK(end["exitCode"] == 0);
  auto kept = end["stdout"].get<std::string>();
  CHECK(kept.size() < 4096 + 100);
  CHECK(kept.find("[leasehold: ") != std::string::npos);
  CHECK(kept.ends_with("x\nend\n"));
  CHECK(worker->streamed(id, "stdout").size() == 4'000'005);
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: the environment is the call's alone",
                 "[bubblewrap]") {
  config["env"] = {{"A", "config"}, {"B", "config"}};
  auto text
    = run("env", {{"env", {{"A", "own"}}}})["stdout"].get<std::string>();
  auto has = [&](const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
  };
  CAPTURE(text);
  CHECK(has("A=own"));
  CHECK(has("B=config"));
  CHECK(has("HOME=/home/runner"));
  CHECK(has(std::string{"LEASEHOLD_LEASE_ID="} + lease_1));
  CHECK(has("LEASEHOLD_LEASE_FENCE=5"));
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: variables are not shown to other users",
                 "[bubblewrap]") {
  auto id = start("echo up; exec sleep 1000",
                  {{"env", {{"KEY", "s3cr3t"}}}, {"executionId", "x"}});
  worker->await_output(id, "stdout", "up");
  CHECK(processes_with("s3cr3t").empty());
  worker->result("environmentCancelExecute", params({{"executionId", "x"}}));
  worker->answer(id);
}

// -- isolation ----------------------------------------------------------------

TEST_CASE_METHOD(in_a_box, "bubblewrap: a command sees a host of its own",
                 "[bubblewrap]") {
  CHECK(run("hostname")["stdout"] == box + "\n");
  CHECK(run("id -un")["stdout"] == "runner\n");
  CHECK(run("pwd")["stdout"] == "/workspace\n");
  config["hostname"] = "builder";
  CHECK(run("hostname")["stdout"] == "builder\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: there is no network", "[bubblewrap]") {
  CHECK(run("grep -c : /proc/net/dev; grep lo: /proc/net/dev | wc -l")["stdout"]
        == "1\n1\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: the host's files are not there",
                 "[bubblewrap]") {
  test::write_text(dir / "secret", "x");
  auto end = run("ls -A " + dir.path().string() + " /root /var/log");
  CHECK(end["stdout"] == "");
  CHECK(end["exitCode"] != 0);
  CHECK(run("ls /home")["stdout"] == "runner\n");
  CHECK(run("cut -d: -f1 /etc/passwd")["stdout"] == "root\nrunner\nnobody\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: the system cannot be written to",
                 "[bubblewrap]") {
  CHECK(run("echo x > /usr/bin/evil")["exitCode"] != 0);
  CHECK(run("echo x > /file")["exitCode"] != 0);
  CHECK(run("echo x > /etc/passwd")["exitCode"] != 0);
  CHECK(run("echo x > /tmp/a && echo x > ~/b && echo x > c")["exitCode"] == 0);
  CHECK(run("cat /tmp/a ~/b c")["stdout"] == "x\nx\nx\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: no descriptor of the host leaks in",
                 "[bubblewrap]") {
  CHECK(run("ls /proc/self/fd")["stdout"] == "0\n1\n2\n3\n");
}

// -- ends ---------------------------------------------------------------------

TEST_CASE_METHOD(in_a_box, "bubblewrap: a time-out kills the command",
                 "[bubblewrap]") {
  auto end = run("echo up; exec sleep 1000", {{"timeoutMs", 300}});
  CHECK(end["timedOut"] == true);
  CHECK(end["exitCode"] == json());
  CHECK(end["signal"] == "SIGKILL");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: the config has a time-out, too",
                 "[bubblewrap]") {
  config["timeoutMs"] = 100;
  CHECK(run("exec sleep 1000")["timedOut"] == true);
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: a command can be cancelled",
                 "[bubblewrap]") {
  auto id = start("echo up; exec sleep 1000", {{"executionId", "run-7"}});
  worker->await_output(id, "stdout", "up");
  auto other = worker->result("environmentCancelExecute",
                              params({{"executionId", "run-8"}}));
  CHECK(other["cancelled"] == false);
  auto cancelled = worker->result("environmentCancelExecute",
                                  params({{"executionId", "run-7"}}));
  CHECK(cancelled["cancelled"] == true);
  auto end = worker->answer(id)["result"];
  CHECK(end["exitCode"] == json());
  CHECK(end["signal"] == "SIGKILL");
  CHECK(end["timedOut"] == false);
  CHECK(end["metadata"]["cancelled"] == true);
  CHECK(end["stdout"] == "up\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: daemons end with their command",
                 "[bubblewrap]") {
  auto name = "leasehold-daemon-" + std::to_string(worker->pid());
  auto end = run("(setsid sh -c 'sleep 1000; : " + name
                 + "' >/dev/null 2>&1 &) ; echo done");
  CHECK(end["stdout"] == "done\n");
  CHECK(processes_with(name).empty());
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: no process stays uncollected",
                 "[bubblewrap]") {
  run("true");
  auto id = start("echo up; exec sleep 1000", {{"executionId", "x"}});
  worker->await_output(id, "stdout", "up");
  worker->result("environmentCancelExecute", params({{"executionId", "x"}}));
  worker->answer(id);
  auto pid = std::to_string(worker->pid());
  CHECK(test::read_text("/proc/" + pid + "/task/" + pid + "/children") == "");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: commands die with a killed worker",
                 "[bubblewrap]") {
  auto name = "leasehold-orphan-" + std::to_string(worker->pid());
  auto id = start("echo up; sleep 1000; : " + name);
  worker->await_output(id, "stdout", "up");
  auto running = processes_with(name);
  CHECK_FALSE(running.empty());
  worker->kill();
  worker->await_exit();
  for (auto pid : running)
    CHECK(test::process_ends(pid));
}

TEST_CASE_METHOD(in_a_young_box,
                 "bubblewrap: a command that just began dies with its worker",
                 "[bubblewrap][trap-5]") {
  worker->kill();
  worker->await_exit();
  CHECK(test::process_ends(pid));
}

TEST_CASE_METHOD(in_a_young_box,
                 "bubblewrap: a command that just began can be cancelled",
                 "[bubblewrap]") {
  worker->result("environmentCancelExecute",
                 params({{"executionId", "young"}}));
  CHECK(worker->answer(id)["result"]["signal"] == "SIGKILL");
  CHECK(test::process_ends(pid));
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: commands end when the host is gone",
                 "[bubblewrap][trap-17]") {
  auto name = "leasehold-left-" + std::to_string(worker->pid());
  auto id = start("echo up; sleep 1000; : " + name);
  worker->await_output(id, "stdout", "up");
  auto running = processes_with(name);
  worker->close_stdin();
  CHECK(worker->await_exit().code == 0);
  for (auto pid : running)
    CHECK(test::process_ends(pid));
}

// -- workspaces ---------------------------------------------------------------

TEST_CASE_METHOD(in_a_box, "bubblewrap: a workspace is copied in",
                 "[bubblewrap]") {
  test::write_text(dir / "project/src/a.txt", "hello");
  auto realized = realize(dir / "project");
  CHECK(realized["cwd"] == "/workspace");
  CHECK(realized["metadata"]["mode"] == "copy");
  CHECK(realized["metadata"]["files"] == 1);
  CHECK(realized["metadata"]["bytes"] == 5);
  CHECK(run("cat src/a.txt; echo changed > src/a.txt")["stdout"] == "hello");
  CHECK(test::read_text(dir / "project/src/a.txt") == "hello");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: a bound workspace is the original",
                 "[bubblewrap]") {
  config["workspaceMode"] = "bind";
  test::write_text(dir / "project/a.txt", "hello");
  CHECK(realize(dir / "project")["metadata"]["mode"] == "bind");
  CHECK(run("cat a.txt; echo changed > a.txt")["stdout"] == "hello");
  CHECK(test::read_text(dir / "project/a.txt") == "changed\n");
  verb("environmentDestroyLease");
  CHECK(test::read_text(dir / "project/a.txt") == "changed\n");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: a missing workspace is an error",
                 "[bubblewrap]") {
  auto error
    = worker->error("environmentRealizeWorkspace",
                    params({{"lease", {{"providerLeaseId", box}}},
                            {"workspace", {{"localPath", dir / "nowhere"}}}}));
  CHECK(error["message"]
        == "The workspace " + (dir / "nowhere") + " is not a directory");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: without a folder there is an empty one",
                 "[bubblewrap]") {
  auto realized
    = worker->result("environmentRealizeWorkspace",
                     params({{"lease", {{"providerLeaseId", box}}}}));
  CHECK(realized["cwd"] == "/workspace");
  CHECK(run("ls -A")["stdout"] == "");
}

TEST_CASE_METHOD(in_a_box, "bubblewrap: configured host paths can be read",
                 "[bubblewrap]") {
  test::write_text(dir / "tools/x", "tool");
  config["readOnlyPaths"] = {dir / "tools"};
  CHECK(run("cat " + (dir / "tools/x"))["stdout"] == "tool");
  CHECK(run("echo y > " + (dir / "tools/x"))["exitCode"] != 0);
}
