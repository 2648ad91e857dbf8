// A ready worker for this provider: now, or as soon as one is ready, or the
// exact reason when the grace period ends.

#include "tests/support/stage.hpp"

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;
using test::fake_process;
using test::stage;

namespace {

constexpr const char* not_running
  = "Sandbox provider \"boxes\" is installed via plugin \"boxes.plugin\", but "
    "its worker is not running.";

/// Makes boxes, and forgets nothing.
void make_boxes(fake_process& process, const json& request) {
  auto method = request.value("method", "");
  if (method == "initialize")
    process.reply(request, {{"ok", true}});
  else if (method == "environmentAcquireLease")
    process.reply(request, {{"providerLeaseId", "box-1"}});
  else if (method == "shutdown")
    process.exit(0);
  else if (request.contains("id"))
    process.reply(request, json::object());
}

/// A stage whose provider makes boxes once it is ready.
struct providing : stage {
  providing() {
    processes.on_request = make_boxes;
  }

  /// The next worker takes this long to get ready.
  void ready_after(milliseconds delay) {
    processes.on_request
      = [this, delay](fake_process& process, const json& request) {
          if (request.value("method", "") != "initialize")
            return make_boxes(process, request);
          later(delay, [&process, request] {
            process.reply(request, {{"ok", true}});
          });
        };
  }

  void never_ready() {
    processes.on_request = [](fake_process&, const json&) {
      // It has nothing to say.
    };
  }

  size_t starts() const {
    return processes.started.size();
  }
};

} // namespace

TEST_CASE_METHOD(providing,
                 "worker desk: an acquire waits for a worker that "
                 "takes its time",
                 "[actors]") {
  ready_after(2s);
  auto lease = acquire("run-1", "sandbox");
  pass(1'900ms);
  CHECK_FALSE(lease->arrived());
  pass(200ms);
  REQUIRE(lease->value);
  CHECK(lease->value->resource == resource_id{"box-1"});
}

TEST_CASE_METHOD(providing,
                 "worker desk: the grace period ends when it ends, "
                 "with the text of PB 3.5",
                 "[actors]") {
  never_ready();
  auto lease = acquire("run-1", "sandbox");
  pass(4'990ms);
  CHECK_FALSE(lease->arrived());
  pass(20ms);
  CHECK(lease->error.code == ec::worker_not_ready);
  CHECK(lease->error.message == not_running);
  CHECK(rows().empty());
}

TEST_CASE_METHOD(providing, "worker desk: a provider that nobody declares",
                 "[actors]") {
  environment_row row;
  row.id = {"env-x"};
  row.name = "x";
  row.driver = "sandbox";
  row.config = json_text{R"({"provider":"clouds"})"};
  write(put_environment{row});
  auto lease = acquire("run-1", "x");
  CHECK(lease->error.code == ec::unknown_provider);
  CHECK(lease->error.message
        == "Sandbox provider \"clouds\" is not registered as a built-in "
           "provider and no matching plugin is available.");
}

TEST_CASE_METHOD(providing, "worker desk: a plugin that is not ready",
                 "[actors]") {
  auto found = database->read(get_plugin{"plugin-1"}).value();
  auto row = std::get<plugin_rows>(found).rows.front();
  row.status = plugin_status::disabled;
  write(put_plugin{row});
  auto lease = acquire("run-1", "sandbox");
  CHECK(lease->error.code == ec::plugin_not_ready);
  CHECK(lease->error.message
        == "Sandbox provider \"boxes\" is installed via plugin "
           "\"boxes.plugin\", but that plugin is currently disabled.");
}

TEST_CASE_METHOD(providing, "worker desk: many runs wait for one worker",
                 "[actors]") {
  ready_after(1s);
  std::vector<std::shared_ptr<test::answer<lease_granted>>> leases;
  for (auto run : {"run-1", "run-2", "run-3"})
    leases.push_back(acquire(run, "sandbox"));
  pass(1'100ms);
  CHECK(starts() == 1);
  // One box cannot be held by three.
  CHECK(leases.at(0)->value);
  CHECK(leases.at(1)->arrived());
}

TEST_CASE_METHOD(providing, "worker desk: the first restart is immediate",
                 "[actors]") {
  acquire("run-1", "sandbox");
  processes.current().exit(-1, 9);
  settle();
  CHECK(starts() == 2);
  auto lease = acquire("run-2", "sandbox");
  CHECK(lease->arrived());
}

TEST_CASE_METHOD(providing,
                 "worker desk: later restarts wait longer and "
                 "longer",
                 "[actors]") {
  acquire("run-1", "sandbox");
  auto crash = [this] {
    processes.current().exit(1);
    settle();
  };
  crash();
  CHECK(starts() == 2);
  crash();
  CHECK(starts() == 2);
  pass(1'010ms);
  CHECK(starts() == 3);
  crash();
  pass(1'900ms);
  CHECK(starts() == 3);
  pass(110ms);
  CHECK(starts() == 4);
}

TEST_CASE_METHOD(providing,
                 "worker desk: PB 12.2.20, getting ready does not wipe the "
                 "slate, a stable run does",
                 "[actors][pb-12.2.20]") {
  acquire("run-1", "sandbox");
  processes.current().exit(1);
  settle();
  processes.current().exit(1);
  pass(1'010ms);
  CHECK(starts() == 3);
  pass(61s);
  processes.current().exit(1);
  settle();
  CHECK(starts() == 4);
}

TEST_CASE_METHOD(providing,
                 "worker desk: PB 12.2.21, a failed initialize is retried "
                 "like a crash",
                 "[actors][pb-12.2.21]") {
  never_ready();
  acquire("run-1", "sandbox");
  pass(15'010ms);
  CHECK(processes.started.at(0)->signals == std::vector<int>{9});
  CHECK(starts() == 2);
}

TEST_CASE_METHOD(providing,
                 "worker desk: a worker that crashes ten times is left alone, "
                 "and tried again after the longest pause",
                 "[actors]") {
  processes.on_request
    = [](fake_process& process, const json&) { process.exit(1); };
  acquire("run-1", "sandbox");
  pass(300s);
  CHECK(starts() == 10);
  auto refused = acquire("run-2", "sandbox");
  CHECK(refused->error.code == ec::worker_broken);
  CHECK(refused->error.message == not_running);
  CHECK(refused->error.detail.find("crashed 10 times") != std::string::npos);
  processes.on_request = make_boxes;
  pass(300s);
  auto lease = acquire("run-3", "sandbox");
  CHECK(lease->value);
}

TEST_CASE_METHOD(providing,
                 "worker desk: a lease whose worker died works again once the "
                 "worker is back",
                 "[actors]") {
  auto lease = acquire("run-1", "sandbox");
  REQUIRE(lease->value);
  processes.current().exit(-1, 9);
  settle();
  CHECK(row(lease->value->handle.id).status == lease_status::active);
  auto ended = release(*lease->value);
  REQUIRE(ended->value);
  CHECK(ended->value->cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(providing,
                 "worker desk: a release while the worker is down owes the "
                 "cleanup, which is made good when it is back",
                 "[actors]") {
  auto lease = acquire("run-1", "sandbox");
  ready_after(2s);
  processes.current().exit(-1, 9);
  settle();
  auto ended = release(*lease->value, release_status::failed);
  REQUIRE(ended->value);
  CHECK(ended->value->status == lease_status::failed);
  CHECK(ended->value->cleanup == cleanup_status::failed);
  pass(2'100ms);
  CHECK(row(lease->value->handle.id).cleanup == cleanup_status::success);
  CHECK_FALSE(processes.current().last("environmentDestroyLease").is_null());
}

TEST_CASE_METHOD(providing,
                 "worker desk: a command whose worker dies has an unknown "
                 "outcome, never an exit code",
                 "[actors][promise-5]") {
  auto lease = acquire("run-1", "sandbox");
  processes.current().on_request = [](fake_process&, const json&) {
    // The command runs and runs.
  };
  auto how = execute(*lease->value, "make");
  CHECK_FALSE(how->arrived());
  processes.current().exit(-1, 9);
  settle();
  CHECK(how->error.code == ec::outcome_unknown);
  CHECK(row(lease->value->handle.id).status == lease_status::active);
}

TEST_CASE_METHOD(providing,
                 "worker desk: a plugin that was changed gets a new worker",
                 "[actors]") {
  acquire("run-1", "sandbox");
  auto found = database->read(get_plugin{"plugin-1"}).value();
  auto row = std::get<plugin_rows>(found).rows.front();
  row.command = {"better-worker"};
  write(put_plugin{row});
  say(supervisor, plugin_changed{{"plugin-1"}});
  acquire("run-2", "sandbox");
  CHECK(processes.current().launch.argv.at(0) == "better-worker");
}
