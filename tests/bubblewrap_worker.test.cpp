// The bubblewrap worker over its pipes: boxes come, stay and go.

#include "tests/support/catch.hpp"
#include "tests/support/sandbox_host.hpp"

using namespace leasehold;

using nlohmann::json;
using test::sandbox_host;

TEST_CASE("bubblewrap: --manifest declares the driver", "[bubblewrap]") {
  test::worker_pipe program{{LEASEHOLD_BUBBLEWRAP_PROGRAM, "--manifest"}};
  CHECK(program.await_exit().code == 0);
  std::string text;
  for (const auto& line : program.garbage())
    text += line;
  auto manifest = json::parse(text);
  CHECK(manifest["id"] == "leasehold.bubblewrap");
  CHECK(manifest["apiVersion"] == 1);
  const auto& driver = manifest["environmentDrivers"][0];
  CHECK(driver["driverKey"] == "bubblewrap");
  CHECK(driver["kind"] == "sandbox_provider");
  CHECK(driver["configSchema"]["additionalProperties"] == false);
  CHECK(driver["sandboxCapabilities"]["reusableLeases"] == true);
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: offers what the protocol has",
                 "[bubblewrap]") {
  CHECK(worker->error("initialize")["message"] == "Worker already initialized");
  auto other = test::worker_pipe{
    {LEASEHOLD_BUBBLEWRAP_PROGRAM, "--state", dir / "other"}};
  auto methods = other.result("initialize")["supportedMethods"];
  CHECK(methods
        == json{"environmentAcquireLease", "environmentCancelExecute",
                "environmentDestroyLease", "environmentExecute",
                "environmentListLeases", "environmentProbe",
                "environmentRealizeWorkspace", "environmentReleaseLease",
                "environmentResumeLease", "environmentValidateConfig",
                "shutdown", "leaseFence"});
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: the probe makes a real sandbox",
                 "[bubblewrap]") {
  auto report = worker->result("environmentProbe", params());
  CAPTURE(report.dump());
  CHECK(report["ok"] == true);
  auto summary = report["summary"].get<std::string>();
  CHECK(summary.starts_with("bubblewrap "));
  CHECK(summary.ends_with(" is ready."));
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: a config is checked and completed",
                 "[bubblewrap]") {
  auto good = worker->result("environmentValidateConfig",
                             {{"config", {{"network", true}}}});
  CHECK(good["ok"] == true);
  CHECK(good["normalizedConfig"]["network"] == true);
  CHECK(good["normalizedConfig"]["workspaceMode"] == "copy");
  auto bad = worker->result("environmentValidateConfig",
                            {{"config", {{"timeoutMs", -1}}}});
  CHECK(bad["ok"] == false);
  CHECK(bad["errors"][0]
        == "timeoutMs: must be a whole number from 1 to 86400000");
}

TEST_CASE_METHOD(sandbox_host,
                 "bubblewrap: an acquired box has a name and more",
                 "[bubblewrap]") {
  auto lease = worker->result("environmentAcquireLease", params());
  CHECK(lease["providerLeaseId"] == "box-0a1b2c3d");
  const auto& metadata = lease["metadata"];
  CHECK(metadata["provider"] == "bubblewrap");
  CHECK(metadata["remoteCwd"] == "/workspace");
  CHECK(metadata["hostname"] == "box-0a1b2c3d");
  CHECK(metadata["shellCommand"] == "sh");
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: a repeated acquire finds its box",
                 "[bubblewrap]") {
  auto first = acquire();
  CHECK(acquire() == first);
  CHECK(leftovers() == std::vector<std::string>{first});
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: a released box is removed",
                 "[bubblewrap]") {
  acquire();
  run("mkdir -p a/b; echo x > a/b/c; chmod 500 a/b; chmod 000 a");
  CHECK(verb("environmentReleaseLease")
        == json{{"providerLeaseId", box}, {"state", "destroyed"}});
  CHECK(leftovers().empty());
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: a parked box keeps its files",
                 "[bubblewrap]") {
  config["reuseLease"] = true;
  acquire();
  run("echo kept > note");
  CHECK(verb("environmentReleaseLease")["state"] == "stopped");
  auto error = worker->error("environmentExecute", script("true"));
  CHECK(error["message"]
        == "Sandbox \"" + box + "\" is parked; resume it first");
  fence = 6;
  auto lease = verb("environmentResumeLease");
  CHECK(lease["providerLeaseId"] == box);
  CHECK(lease["metadata"]["resumed"] == true);
  CHECK(lease["metadata"]["remoteCwd"] == "/workspace");
  CHECK(run("cat note")["stdout"] == "kept\n");
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: what does not exist is gone",
                 "[bubblewrap]") {
  json gone{{"providerLeaseId", nullptr}, {"metadata", {{"expired", true}}}};
  box = GENERATE("box-00000000", "../../etc", "sandbox-of-somebody-else");
  CHECK(verb("environmentResumeLease") == gone);
  CHECK(verb("environmentReleaseLease")["state"] == "destroyed");
  CHECK(verb("environmentDestroyLease")["state"] == "destroyed");
  auto error = worker->error("environmentExecute", script("true"));
  CHECK(error["message"] == "Sandbox \"" + box + "\" does not exist any more");
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: a null lease is released at once",
                 "[bubblewrap]") {
  auto answer = worker->result("environmentReleaseLease",
                               params({{"providerLeaseId", nullptr}}));
  CHECK(answer == json{{"providerLeaseId", nullptr}, {"state", "destroyed"}});
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: a box removed by hand is gone",
                 "[bubblewrap]") {
  config["reuseLease"] = true;
  acquire();
  verb("environmentReleaseLease");
  std::filesystem::remove_all(state() + "/boxes/" + box);
  CHECK(verb("environmentResumeLease")["providerLeaseId"] == json());
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: a damaged box is removed and gone",
                 "[bubblewrap]") {
  acquire();
  test::write_text(state() + "/boxes/" + box + "/box.json", "{\"id\":");
  CHECK(verb("environmentResumeLease")["providerLeaseId"] == json());
  CHECK_FALSE(std::filesystem::exists(state() + "/boxes/" + box));
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: destroy can be repeated",
                 "[bubblewrap]") {
  acquire();
  CHECK(verb("environmentDestroyLease")["state"] == "destroyed");
  CHECK(leftovers().empty());
  CHECK(verb("environmentDestroyLease")["state"] == "destroyed");
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: destroy ends what runs in the box",
                 "[bubblewrap]") {
  acquire();
  auto command = start("echo up; while :; do echo x > f; done");
  worker->await_output(command, "stdout", "up");
  auto first = worker->send("environmentDestroyLease",
                            params({{"providerLeaseId", box}}));
  auto second = worker->send("environmentDestroyLease",
                             params({{"providerLeaseId", box}}));
  CHECK(worker->answer(first)["result"]["state"] == "destroyed");
  CHECK(worker->answer(second)["result"]["state"] == "destroyed");
  auto end = worker->answer(command)["result"];
  CHECK(end["exitCode"] == json());
  CHECK(end["metadata"]["cancelled"] == true);
  CHECK(leftovers().empty());
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: a stale holder has no effect",
                 "[bubblewrap][pb-12.1.2][promise-2]") {
  config["reuseLease"] = true;
  acquire();
  verb("environmentReleaseLease");
  fence = 9;
  verb("environmentResumeLease");
  fence = 5;
  auto text = "stale fence 5: \"" + box + "\" has seen fence 9";
  for (auto* method : {"environmentResumeLease", "environmentReleaseLease",
                       "environmentDestroyLease"}) {
    CAPTURE(method);
    auto error = worker->error(method, params({{"providerLeaseId", box}}));
    CHECK(error == json{{"code", -32090}, {"message", text}});
  }
  CHECK(worker->error("environmentExecute", script("true"))["message"] == text);
  auto realize = params({{"lease", {{"providerLeaseId", box}}}});
  CHECK(worker->error("environmentRealizeWorkspace", realize)["message"]
        == text);
  fence = 9;
  CHECK(run("true")["exitCode"] == 0);
}

TEST_CASE_METHOD(sandbox_host,
                 "bubblewrap: every verb raises the fence, for good",
                 "[bubblewrap]") {
  acquire();
  auto is_refused = [&](int older) {
    fence = older;
    auto error = worker->error("environmentExecute", script("true"));
    return error["code"] == -32090;
  };
  fence = 6;
  run("true");
  restart();
  CHECK(is_refused(5));
  fence = 7;
  auto place = params({{"lease", {{"providerLeaseId", box}}}});
  worker->result("environmentRealizeWorkspace", place);
  restart();
  CHECK(is_refused(6));
  fence = 8;
  auto cancel
    = params({{"providerLeaseId", box}, {"executionId", "execution-1"}});
  worker->result("environmentCancelExecute", cancel);
  CHECK(is_refused(7));
  fence = 7;
  cancel["leaseFence"] = 7;
  CHECK(worker->error("environmentCancelExecute", cancel)["code"] == -32090);
  fence = 8;
  CHECK(run("echo $LEASEHOLD_LEASE_FENCE")["stdout"] == "8\n");
}

TEST_CASE_METHOD(sandbox_host,
                 "bubblewrap: an acquire under an older fence is refused",
                 "[bubblewrap]") {
  acquire();
  fence = 4;
  auto error = worker->error("environmentAcquireLease", params());
  CHECK(error["code"] == -32090);
  auto free = params();
  free.erase("leaseFence");
  CHECK(worker->result("environmentAcquireLease", free)["providerLeaseId"]
        == box);
  fence = 5;
  CHECK(run("true")["exitCode"] == 0);
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: boxes are listed by environment",
                 "[bubblewrap][trap-8]") {
  acquire();
  auto listed = worker->result("environmentListLeases", params());
  CHECK(listed
        == json{{"leases",
                 {{{"providerLeaseId", box},
                   {"leaseId", lease_1},
                   {"metadata", {{"state", "active"}}}}}}});
  auto others = worker->result("environmentListLeases",
                               params({{"environmentId", "env-2"}}));
  CHECK(others["leases"].empty());
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: boxes outlive a killed worker",
                 "[bubblewrap]") {
  acquire();
  auto command = start("echo $$; exec sleep 1000");
  worker->await_output(command, "stdout", "\n");
  restart();
  auto leases = worker->result("environmentListLeases", params())["leases"];
  REQUIRE(leases.size() == 1);
  CHECK(leases[0]["providerLeaseId"] == box);
  CHECK(verb("environmentDestroyLease")["state"] == "destroyed");
  CHECK(leftovers().empty());
}

TEST_CASE_METHOD(sandbox_host, "bubblewrap: bad parameters are named",
                 "[bubblewrap]") {
  acquire();
  auto complaint = [&](const char* method, const json& more) {
    auto error = worker->error(method, params(more));
    CHECK(error["code"] == -32602);
    return error["message"].get<std::string>();
  };
  json lease{{"providerLeaseId", box}};
  CHECK(complaint("environmentResumeLease", json::object())
        == "Parameter \"providerLeaseId\" must be a string");
  CHECK(complaint("environmentExecute", json::object())
        == "Parameter \"lease\" must be an object");
  CHECK(complaint("environmentExecute", {{"lease", lease}})
        == "Parameter \"command\" must be a string");
  CHECK(complaint("environmentExecute",
                  {{"lease", lease}, {"command", "ls"}, {"args", "-l"}})
        == "Parameter \"args\" must be an array of strings");
  CHECK(complaint("environmentExecute",
                  {{"lease", lease}, {"command", "ls"}, {"cwd", "sub"}})
        == "Parameter \"cwd\" must be an absolute path in the sandbox");
  CHECK(complaint("environmentExecute",
                  {{"lease", lease}, {"command", "ls"}, {"timeoutMs", 0}})
        == "Parameter \"timeoutMs\" must be a whole number of at least 1");
  CHECK(complaint("environmentAcquireLease", {{"config", {{"network", 1}}}})
        == "Parameter \"config\" is not valid: network: must be true or false");
  CHECK(complaint("environmentAcquireLease", {{"leaseFence", -1}})
        == "Parameter \"leaseFence\" must be a whole number of at least 0");
}

TEST_CASE("bubblewrap: a state that cannot be used is said on stderr",
          "[bubblewrap]") {
  test::temp_dir dir;
  test::write_text(dir / "file", "");
  test::worker_pipe worker{
    {LEASEHOLD_BUBBLEWRAP_PROGRAM, "--state", dir / "file/state"}};
  CHECK(worker.await_exit().code == 1);
  worker.await_stderr("Not a directory");
}
