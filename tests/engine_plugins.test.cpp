// The engine's verbs on plugins, with real workers: whatever operators do to a
// plugin, its leases end with nothing left behind.

#include "tests/support/engine_host.hpp"

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// Plugins `a.plugin` and `b.plugin`, each with boxes in a folder of its own,
/// provide the same sandboxes. The environment is `den`.
struct plugins : engine_host {
  plugins() {
    start();
    add("a");
    engine_host::add("den", "sandbox", R"({"provider":"boxes"})");
  }

  /// What a plugin is added or upgraded with.
  plugin_info offer(const std::string& name,
                    const std::string& capabilities = "",
                    const std::string& version = "1.0.0") {
    plugin_info out;
    out.manifest = R"({"id":")" + name + R"(.plugin","apiVersion":1,)"
                   + R"("version":")" + version + R"(","displayName":"Boxes",)"
                   + R"("capabilities":["environment.drivers.register")"
                   + capabilities + R"(],"environmentDrivers":[{"driverKey":)"
                   + R"("boxes","kind":"sandbox_provider",)"
                   + R"("displayName":"Boxes","description":"Files."}]})";
    out.command = {LEASEHOLD_ROGUE_WORKER, "normal", folder(name), version};
    return out;
  }

  plugin_info add(const std::string& name) {
    return value_of(running->put_plugin(offer(name)));
  }

  [[nodiscard]] std::string folder(const std::string& name) const {
    return dir / ("rogue-" + name);
  }

  /// The boxes of a plugin.
  [[nodiscard]] size_t boxes_of(const std::string& name) const {
    size_t out = 0;
    std::error_code missing;
    for ([[maybe_unused]] const auto& x :
         std::filesystem::directory_iterator{folder(name) + "/boxes", missing})
      ++out;
    return out;
  }

  [[nodiscard]] size_t workers_of(const std::string& name) const {
    return processes_with(folder(name)).size();
  }

  failure refused() {
    return failure_of(running->acquire({.environment = "den", .run = "run-x"}));
  }

  /// A lease that works, and ends with nothing left.
  void check_lease(const lease& which) {
    command echo{.command = "echo", .args = {"hi"}};
    CHECK(execute(which, echo).stdout_text == "hi\n");
    check_end(which);
  }

  void check_end(const lease& which) {
    auto ended = value_of(running->release(which));
    CHECK(ended.status == "released");
    CHECK(value_of(running->settled(patience)) == 0);
  }
};

} // namespace

TEST_CASE_METHOD(plugins, "engine: a plugin is found by its key",
                 "[engine][plugins]") {
  auto x = value_of(running->find_plugin("a.plugin"));
  CHECK(x.status == "ready");
  CHECK(x.version == "1.0.0");
  CHECK(x.drivers == std::vector<std::string>{"boxes"});
  CHECK(x.capabilities
        == std::vector<std::string>{"environment.drivers.register"});
  CHECK(failure_of(running->find_plugin("x.plugin")).code
        == ec::unknown_plugin);
}

TEST_CASE_METHOD(plugins,
                 "engine: a disabled plugin takes no leases; those that live "
                 "work and end",
                 "[engine][plugins]") {
  auto lease = acquire("den");
  CHECK(value_of(running->disable_plugin("a.plugin")).status == "disabled");
  auto why = refused();
  CHECK(why.code == ec::plugin_not_ready);
  CHECK(why.message
        == "Sandbox provider \"boxes\" is installed via plugin \"a.plugin\", "
           "but that plugin is currently disabled.");
  check_lease(lease);
  CHECK(boxes_of("a") == 0);
  CHECK(eventually([&] { return workers_of("a") == 0; }));
  CHECK(value_of(running->enable_plugin("a.plugin")).status == "ready");
  check_lease(acquire("den", "run-2"));
}

TEST_CASE_METHOD(plugins,
                 "engine: a lease of the first plugin stays its own while the "
                 "second takes over, is upgraded, or is removed",
                 "[engine][plugins]") {
  add("b");
  auto first = acquire("den", "run-1");
  CHECK(boxes_of("a") == 1);
  value_of(running->disable_plugin("a.plugin"));
  auto second = acquire("den", "run-2");
  CHECK(boxes_of("b") == 1);
  CHECK(failure_of(running->remove_plugin("a.plugin")).code == ec::in_use);
  value_of(running->upgrade_plugin("b.plugin", offer("b", "", "1.1.0")));
  check_lease(first);
  CHECK(boxes_of("a") == 0);
  CHECK(boxes_of("b") == 1);
  check_lease(second);
  CHECK(boxes_of("b") == 0);
  value_of(running->remove_plugin("a.plugin"));
  CHECK(eventually([&] { return workers_of("a") == 0; }));
  check_lease(acquire("den", "run-3"));
}

TEST_CASE_METHOD(plugins,
                 "engine: an upgrade lets a running command end, then its new "
                 "worker serves the lease",
                 "[engine][plugins]") {
  auto lease = acquire("den");
  output_notes heard;
  std::stop_source stop;
  command hang{.command = "hang"};
  hang.stop = stop.get_token();
  auto running_command = running->execute(lease, hang, heard.callback());
  REQUIRE(heard.says("running"));
  auto before = processes_with(folder("a"));
  auto up
    = value_of(running->upgrade_plugin("a.plugin", offer("a", "", "2.0.0")));
  CHECK(up.version == "2.0.0");
  CHECK(up.status == "ready");
  // The old worker still hears what concerns its command.
  stop.request_stop();
  CHECK(value_of(std::move(running_command)).cancelled);
  CHECK(eventually([&] {
    auto now = processes_with(folder("a"));
    return now.empty() || now.front().pid != before.front().pid;
  }));
  check_lease(lease);
  CHECK(boxes_of("a") == 0);
}

TEST_CASE_METHOD(plugins,
                 "engine: an upgrade that wants more capabilities waits for "
                 "consent",
                 "[engine][plugins]") {
  auto lease = acquire("den");
  auto up = value_of(running->upgrade_plugin(
    "a.plugin", offer("a", R"(,"http.outbound")", "2.0.0")));
  CHECK(up.status == "upgrade_pending");
  CHECK(up.version == "1.0.0");
  CHECK(up.pending_version == "2.0.0");
  CHECK(up.pending_capabilities == std::vector<std::string>{"http.outbound"});
  CHECK(refused().message.ends_with("currently upgrade_pending."));
  auto why = failure_of(running->disable_plugin("a.plugin"));
  CHECK(why.code == ec::invalid_request);
  check_lease(lease);
  auto agreed = value_of(running->enable_plugin("a.plugin"));
  CHECK(agreed.status == "ready");
  CHECK(agreed.version == "2.0.0");
  CHECK(agreed.pending_version.empty());
  check_lease(acquire("den", "run-2"));
}

TEST_CASE_METHOD(plugins, "engine: an upgrade is of the same plugin",
                 "[engine][plugins]") {
  auto why = failure_of(running->upgrade_plugin("a.plugin", offer("b")));
  CHECK(why.code == ec::invalid_request);
  CHECK(why.message
        == "Plugin \"a.plugin\" cannot be upgraded to another plugin: the "
           "manifest is that of \"b.plugin\". Add that one instead.");
  CHECK(failure_of(running->upgrade_plugin("b.plugin", offer("b"))).code
        == ec::unknown_plugin);
  auto broken = offer("a");
  broken.manifest = R"({"id":"a.plugin"})";
  CHECK(failure_of(running->upgrade_plugin("a.plugin", broken)).message
        == "Plugin manifest: apiVersion must be 1.");
}

TEST_CASE_METHOD(plugins, "engine: a plugin that is added again stays disabled",
                 "[engine][plugins]") {
  value_of(running->disable_plugin("a.plugin"));
  CHECK(add("a").status == "disabled");
  CHECK(refused().code == ec::plugin_not_ready);
}

TEST_CASE_METHOD(plugins, "engine: what other engines do to a plugin counts",
                 "[engine][plugins]") {
  auto lease = acquire("den");
  options more = opts;
  engine other{more};
  value_of(other.disable_plugin("a.plugin"));
  CHECK(refused().code == ec::plugin_not_ready);
  check_lease(lease);
  value_of(other.enable_plugin("a.plugin"));
  check_lease(acquire("den", "run-2"));
  value_of(other.remove_plugin("a.plugin"));
  CHECK(refused().code == ec::unknown_provider);
  CHECK(boxes_of("a") == 0);
}

TEST_CASE_METHOD(plugins, "engine: drivers are listed and resolved by key",
                 "[engine][plugins]") {
  add("b");
  auto all = value_of(running->ready_drivers());
  REQUIRE(all.size() == 2);
  CHECK(all[0].key == "boxes");
  CHECK(all[0].kind == "sandbox_provider");
  CHECK(all[0].plugin_key == "a.plugin");
  CHECK(all[0].description == "Files.");
  CHECK(all[0].serves);
  CHECK_FALSE(all[1].serves);
  CHECK(value_of(running->find_provider("boxes")).plugin_key == "a.plugin");
  value_of(running->disable_plugin("a.plugin"));
  CHECK(value_of(running->find_provider("boxes")).plugin_key == "b.plugin");
  CHECK(value_of(running->ready_drivers()).size() == 1);
  value_of(running->disable_plugin("b.plugin"));
  auto why = failure_of(running->find_provider("boxes"));
  CHECK(why.code == ec::plugin_not_ready);
  CHECK(why.message
        == "Sandbox provider \"boxes\" is installed via plugin \"a.plugin\", "
           "but that plugin is currently disabled.");
  CHECK(failure_of(running->find_provider("clouds")).message
        == "Sandbox provider \"clouds\" is not registered as a built-in "
           "provider and no matching plugin is available.");
}
