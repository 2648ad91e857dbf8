// What operators do to plugins, and what becomes of leases that live: nothing
// is orphaned.

#include "tests/support/stage.hpp"

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;
using test::fake_process;
using test::stage;

namespace {

/// Workers that make boxes `1-box`, `2-box`, … and know their own only.
class registry_of_plugins : public stage {
public:
  registry_of_plugins() {
    processes.on_request = [this](fake_process& process, const json& request) {
      serve(process, request);
    };
  }

  plugin_row plugin(const std::string& id = "plugin-1") {
    auto found = database->read(get_plugin{id}).value();
    return std::get<plugin_rows>(found).rows.front();
  }

  /// Stores another state of a plugin and tells the supervisor of it.
  void change(plugin_row row) {
    auto seen = row.updated_at;
    auto id = row.id;
    write(change_plugin{std::move(row), seen});
    say(supervisor, plugin_changed{id});
  }

  void turn(const std::string& id, plugin_status to) {
    auto row = plugin(id);
    row.status = to;
    change(row);
  }

  /// Another program for a plugin.
  void upgrade(const std::string& id, const std::string& program) {
    auto row = plugin(id);
    row.command = {program};
    change(row);
  }

  /// A second plugin that provides the same.
  void add_second() {
    auto row = plugin();
    row.id = {"plugin-2"};
    row.key = "other.plugin";
    row.command = {"other-worker"};
    write(put_plugin{row});
    say(supervisor, plugin_changed{{"plugin-2"}});
  }

  /// From now on the environment's resources wait for the next run.
  void reuse() {
    auto found = database->read(get_environment{"sandbox"}).value();
    auto row = std::get<environment_rows>(found).rows.front();
    row.config = json_text{R"({"provider":"boxes","reuseLease":true})"};
    write(put_environment{row});
    say(supervisor, environment_changed{row.id, row.name});
  }

  /// The last process of this program.
  fake_process& worker(const std::string& program) {
    for (auto i = processes.started.rbegin(); i != processes.started.rend();
         ++i)
      if ((*i)->launch.argv.at(0) == program)
        return **i;
    throw std::runtime_error{"nobody started " + program};
  }

  size_t starts(const std::string& program) {
    return static_cast<size_t>(
      std::count_if(processes.started.begin(), processes.started.end(),
                    [&](auto& x) { return x->launch.argv.at(0) == program; }));
  }

  /// The resources that a worker of this program was asked to do this with.
  std::vector<std::string> asked(const std::string& program,
                                 const std::string& method) {
    std::vector<std::string> out;
    for (const auto& process : processes.started)
      if (process->launch.argv.at(0) == program)
        for (const auto& request : process->received)
          if (request.value("method", "") == method)
            out.push_back(request["params"].value("providerLeaseId", ""));
    return out;
  }

  lease_granted granted(const std::string& run) {
    auto lease = acquire(run, "sandbox");
    if (!lease->value)
      throw std::runtime_error{lease->error.message};
    return *lease->value;
  }

  std::string refused(const std::string& run) {
    auto lease = acquire(run, "sandbox");
    return lease->value ? "it was granted" : lease->error.message;
  }

  /// Commands run until the test lets them end.
  std::vector<std::function<void()>> running;

private:
  void serve(fake_process& process, const json& request) {
    auto method = request.value("method", "");
    if (method == "initialize")
      return process.reply(request, {{"ok", true}});
    if (method == "environmentAcquireLease")
      return process.reply(
        request, {{"providerLeaseId", std::to_string(++boxes_) + "-box"}});
    if (method == "environmentResumeLease")
      return process.reply(
        request,
        {{"providerLeaseId", request["params"].value("providerLeaseId", "")}});
    if (method == "environmentExecute")
      return running.push_back([&process, request] {
        process.reply(request, {{"exitCode", 0}});
      });
    if (method == "shutdown")
      return process.exit(0);
    if (request.contains("id"))
      process.reply(request, json::object());
  }

  int boxes_ = 0;
};

const std::string disabled_text
  = "Sandbox provider \"boxes\" is installed via plugin \"boxes.plugin\", but "
    "that plugin is currently disabled.";

} // namespace

// -- disabled -----------------------------------------------------------------

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: a disabled plugin takes no leases, and "
                 "those that live end as ever",
                 "[actors]") {
  auto lease = granted("run-1");
  turn("plugin-1", plugin_status::disabled);
  CHECK(refused("run-2") == disabled_text);
  auto command = execute(lease, "make");
  REQUIRE(running.size() == 1);
  running.front()();
  settle();
  REQUIRE(command->value);
  auto ended = release(lease);
  REQUIRE(ended->value);
  CHECK(ended->value->cleanup == cleanup_status::success);
  CHECK(starts("boxes-worker") == 1);
  // Nobody needs its worker any more.
  CHECK(worker("boxes-worker").ended);
  turn("plugin-1", plugin_status::ready);
  CHECK(granted("run-3").resource == resource_id{"2-box"});
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: a disabled plugin without leases has no "
                 "worker",
                 "[actors]") {
  release(granted("run-1"));
  CHECK_FALSE(worker("boxes-worker").ended);
  turn("plugin-1", plugin_status::disabled);
  CHECK(worker("boxes-worker").ended);
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: what is parked or owed under a disabled "
                 "plugin can be destroyed",
                 "[actors]") {
  reuse();
  auto lease = granted("run-1");
  release(lease);
  CHECK(row(lease.handle.id).parked);
  turn("plugin-1", plugin_status::disabled);
  CHECK(worker("boxes-worker").ended);
  CHECK(refused("run-2") == disabled_text);
  CHECK(row(lease.handle.id).parked);
  auto gone
    = ask<lease_ended>(supervisor, destroy_lease{{lease.handle.id, 0}, {}});
  pass(1s);
  REQUIRE(gone->value);
  CHECK(gone->value->cleanup == cleanup_status::success);
  CHECK(asked("boxes-worker", "environmentDestroyLease")
        == std::vector<std::string>{"1-box"});
  // Its second worker was started for that only.
  CHECK(starts("boxes-worker") == 2);
  CHECK(worker("boxes-worker").ended);
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: an engine that was not told of a change "
                 "learns of it when it records a lease",
                 "[actors]") {
  granted("run-1");
  // Another engine on the same store.
  auto row = plugin();
  row.status = plugin_status::disabled;
  write(change_plugin{row, row.updated_at});
  CHECK(refused("run-2") == disabled_text);
  row = plugin();
  row.status = plugin_status::ready;
  row.command = {"better-worker"};
  write(change_plugin{row, row.updated_at});
  CHECK(granted("run-3").resource == resource_id{"2-box"});
  CHECK(worker("boxes-worker").ended);
  granted("run-4");
  CHECK(starts("better-worker") == 1);
}

// -- upgraded -----------------------------------------------------------------

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: an upgraded plugin gets a new worker, which "
                 "serves the leases that live",
                 "[actors]") {
  auto lease = granted("run-1");
  upgrade("plugin-1", "better-worker");
  CHECK(worker("boxes-worker").ended);
  auto command = execute(lease, "make");
  running.back()();
  settle();
  CHECK(command->value);
  auto ended = release(lease);
  REQUIRE(ended->value);
  CHECK(ended->value->cleanup == cleanup_status::success);
  CHECK(asked("better-worker", "environmentReleaseLease")
        == std::vector<std::string>{"1-box"});
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: a worker that is to be relieved serves on "
                 "while a command runs",
                 "[actors][trap-9]") {
  auto lease = granted("run-1");
  auto command = execute(lease, "make");
  upgrade("plugin-1", "better-worker");
  pass(60s);
  CHECK_FALSE(worker("boxes-worker").ended);
  CHECK_FALSE(command->arrived());
  // It takes new calls, too: nobody waits for the command.
  CHECK(granted("run-2").resource == resource_id{"2-box"});
  CHECK(asked("boxes-worker", "environmentAcquireLease").size() == 2);
  running.front()();
  settle();
  REQUIRE(command->value);
  CHECK(command->value->exit_code == 0);
  CHECK(worker("boxes-worker").ended);
  CHECK(granted("run-3").resource == resource_id{"3-box"});
  CHECK(asked("better-worker", "environmentAcquireLease").size() == 1);
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: patience with a worker that is never idle "
                 "ends",
                 "[actors]") {
  auto lease = granted("run-1");
  auto command = execute(lease, "make");
  upgrade("plugin-1", "better-worker");
  pass(options.worker.relief_patience - 1s);
  CHECK_FALSE(command->arrived());
  pass(1s + options.worker.drain_timeout + 1s);
  CHECK(command->error.code == ec::outcome_unknown);
  CHECK(worker("boxes-worker").ended);
  auto ended = release(lease);
  pass(1s);
  CHECK(row(lease.handle.id).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: while an upgrade waits for consent the old "
                 "worker serves the leases that live",
                 "[actors]") {
  auto lease = granted("run-1");
  auto pending = plugin();
  pending.status = plugin_status::upgrade_pending;
  pending.pending = pending;
  pending.pending->command = {"better-worker"};
  change(pending);
  CHECK(refused("run-2")
        == "Sandbox provider \"boxes\" is installed via plugin "
           "\"boxes.plugin\", but that plugin is currently upgrade_pending.");
  auto ended = release(lease);
  REQUIRE(ended->value);
  CHECK(ended->value->cleanup == cleanup_status::success);
  CHECK(starts("better-worker") == 0);
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: an upgrade gives a broken worker another "
                 "chance at once",
                 "[actors]") {
  auto good = processes.on_request;
  processes.on_request
    = [](fake_process& process, const json&) { process.exit(1); };
  acquire("run-1", "sandbox");
  pass(300s);
  CHECK(acquire("run-2", "sandbox")->error.code == ec::worker_broken);
  processes.on_request = good;
  upgrade("plugin-1", "better-worker");
  CHECK(granted("run-3").resource == resource_id{"1-box"});
}

// -- two plugins, one driver key ----------------------------------------------

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: of two plugins that declare one provider "
                 "the first installed serves",
                 "[actors][pb-12.1.18]") {
  add_second();
  granted("run-1");
  CHECK(starts("boxes-worker") == 1);
  CHECK(starts("other-worker") == 0);
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: when the first plugin is disabled the "
                 "second takes over, and the first keeps its leases",
                 "[actors][pb-12.1.18]") {
  add_second();
  auto first = granted("run-1");
  turn("plugin-1", plugin_status::disabled);
  auto second = granted("run-2");
  CHECK(second.resource == resource_id{"2-box"});
  CHECK(asked("other-worker", "environmentAcquireLease").size() == 1);
  release(first);
  CHECK(row(first.handle.id).cleanup == cleanup_status::success);
  CHECK(asked("boxes-worker", "environmentReleaseLease")
        == std::vector<std::string>{"1-box"});
  release(second);
  CHECK(asked("other-worker", "environmentReleaseLease")
        == std::vector<std::string>{"2-box"});
  // And back.
  turn("plugin-1", plugin_status::ready);
  granted("run-3");
  CHECK(asked("boxes-worker", "environmentAcquireLease").size() == 2);
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: a plugin does not resume what another one "
                 "has parked",
                 "[actors]") {
  reuse();
  add_second();
  auto first = granted("run-1");
  release(first);
  turn("plugin-1", plugin_status::disabled);
  auto second = granted("run-2");
  CHECK(second.resource == resource_id{"2-box"});
  CHECK(asked("other-worker", "environmentResumeLease").empty());
  CHECK(row(first.handle.id).parked);
  // It waits for its own plugin.
  turn("plugin-1", plugin_status::ready);
  CHECK(granted("run-3").resource == resource_id{"1-box"});
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: while the first plugin's worker is down the "
                 "second serves new leases",
                 "[actors]") {
  add_second();
  granted("run-1");
  worker("boxes-worker").exit(1);
  settle();
  // The first restart is immediate, the second waits.
  worker("boxes-worker").exit(1);
  settle();
  granted("run-2");
  CHECK(asked("other-worker", "environmentAcquireLease").size() == 1);
  pass(2s);
  granted("run-3");
  CHECK(asked("other-worker", "environmentAcquireLease").size() == 1);
}

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: when the first plugin is removed the second "
                 "takes over",
                 "[actors]") {
  add_second();
  auto lease = granted("run-1");
  auto held
    = database->apply(std::vector<store_write>{remove_plugin{{"plugin-1"}}});
  CHECK(held.front().error().code == ec::in_use);
  release(lease);
  // An engine that has not heard of it plans with the first one.
  write(remove_plugin{{"plugin-1"}});
  CHECK(granted("run-2").resource == resource_id{"2-box"});
  CHECK(asked("other-worker", "environmentAcquireLease").size() == 1);
  CHECK(worker("boxes-worker").ended);
}

// -- who is there -------------------------------------------------------------

TEST_CASE_METHOD(registry_of_plugins,
                 "plugin registry: a survey says who serves and what workers "
                 "do",
                 "[actors]") {
  add_second();
  auto survey = [this] {
    std::vector<std::string> out;
    auto all = ask<drivers_surveyed>(supervisor, survey_drivers{});
    for (const auto& x : all->value->drivers)
      out.push_back(x.plugin_key + " " + x.key + " " + to_string(x.status) + " "
                    + x.worker + (x.serves ? " serves" : ""));
    return out;
  };
  using seen = std::vector<std::string>;
  CHECK(survey()
        == seen{"boxes.plugin boxes ready stopped serves",
                "other.plugin boxes ready stopped"});
  granted("run-1");
  CHECK(survey().front() == "boxes.plugin boxes ready running serves");
  turn("plugin-1", plugin_status::disabled);
  CHECK(survey()
        == seen{"boxes.plugin boxes disabled running",
                "other.plugin boxes ready stopped serves"});
}
