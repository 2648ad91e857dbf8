// PB §3.10: how long each call to a worker may take, by verb, config and
// request. One table; the drivers are the shipped ones.

#include "drivers/plugin_driver.hpp"
#include "drivers/sandbox_driver.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>

using namespace leasehold;
using namespace std::literals;
using nlohmann::json;

namespace {

/// A worker that is ready and notes how long it is given for each call.
struct timekeeper : worker_channel {
  std::map<std::string, milliseconds> given;

  void find_provider(const std::string&,
                     completion<ready_worker> then) override {
    then(ready_worker{});
  }

  void find_driver(const std::string&, const std::string&,
                   completion<ready_worker> then) override {
    then(ready_worker{});
  }

  void call(const plugin_id&, worker_call what, bool,
            completion<json_text> then) override {
    given[what.method] = what.timeout;
    then(json_text{});
  }
};

/// A lease that has captured this config.
lease_context lease(const std::string& driver, json config) {
  lease_context out;
  out.resource = {"box-1"};
  out.metadata = json_text{json{
    {"driver", driver},
    {"provider", "boxes"},
    {"driverKey", "boxes"},
    {"pluginId", "plugin-1"},
    {"config",
     std::move(config)}}.dump()};
  return out;
}

template <class T>
completion<T> ignored() {
  return [](const result<T>&) {};
}

struct row {
  const char* driver;
  json config;
  /// What the command asks for.
  milliseconds requested;
  /// Zero: the channel's default of 30 s.
  milliseconds for_lease_calls;
  milliseconds for_execute;
};

constexpr auto no_limit = milliseconds{365 * 24h};

const json no_times{{"provider", "boxes"}};
const json times{{"provider", "boxes"}, {"timeoutMs", 1234}};
const json bridge{{"provider", "boxes"},
                  {"timeoutMs", 1234},
                  {"bridgeRequestTimeoutMs", 40'000}};
const json only_bridge{{"provider", "boxes"},
                       {"bridgeRequestTimeoutMs", 40'000}};
const json fraction{{"provider", "boxes"}, {"timeoutMs", 1234.9}};
const json nothing{{"provider", "boxes"}, {"bridgeRequestTimeoutMs", -5}};

// Execute goes by what is requested, else by `timeoutMs`, never by the bridge's
// time; lease calls by the longer of the config's two. A command that nobody
// limits has no limit: our repair of the 30 s after which it would run on
// unseen. The plugin driver's lease calls have the default.
const std::vector<row> table{
  {"sandbox", no_times, 0ms, 0ms, no_limit},
  {"sandbox", no_times, 1000ms, 0ms, 31'000ms},
  {"sandbox", times, 0ms, 31'234ms, 31'234ms},
  {"sandbox", times, 1000ms, 31'234ms, 31'000ms},
  {"sandbox", bridge, 0ms, 70'000ms, 31'234ms},
  {"sandbox", bridge, 1000ms, 70'000ms, 31'000ms},
  {"sandbox", only_bridge, 0ms, 70'000ms, no_limit},
  {"sandbox", fraction, 0ms, 31'234ms, 31'234ms},
  {"sandbox", nothing, 0ms, 0ms, no_limit},
  {"plugin", no_times, 0ms, 0ms, no_limit},
  {"plugin", no_times, 1000ms, 0ms, 31'000ms},
  {"plugin", times, 0ms, 0ms, 31'234ms},
  {"plugin", times, 1000ms, 0ms, 31'000ms},
  {"plugin", bridge, 0ms, 0ms, 31'234ms},
};

std::unique_ptr<driver> made(const char* key, worker_channel& workers) {
  if (key == "plugin"s)
    return std::make_unique<plugin_driver>(workers, worker_driver_options{});
  return std::make_unique<sandbox_driver>(workers, worker_driver_options{},
                                          false);
}

} // namespace

TEST_CASE("conformance 3.10: every call has the time that config and request "
          "give it",
          "[conformance][pb-12.1.14]") {
  for (const auto& x : table) {
    CAPTURE(x.driver, x.config.dump(), x.requested.count());
    timekeeper workers;
    auto uut = made(x.driver, workers);
    auto on = lease(x.driver, x.config);
    uut->acquire({on, {}, {}}, ignored<resource_ready>());
    uut->resume({on, {}}, ignored<resource_ready>());
    uut->realize({on, "/src", {}, {}, {}}, ignored<workspace_realized>());
    uut->release({on, release_status::released}, ignored<done>());
    uut->destroy({on, true}, ignored<done>());
    uut->list(on, ignored<std::vector<listed_resource>>());
    run_command command{on, {"execution-1"}, {}};
    command.spec.command = "true";
    command.spec.timeout = x.requested;
    uut->execute(command, nullptr, ignored<command_result>());
    uut->cancel(on, {"execution-1"});
    for (const auto* method :
         {"environmentAcquireLease", "environmentResumeLease",
          "environmentRealizeWorkspace", "environmentReleaseLease",
          "environmentDestroyLease", "environmentListLeases"}) {
      CAPTURE(method);
      CHECK(workers.given.at(method) == x.for_lease_calls);
    }
    CHECK(workers.given.at("environmentExecute") == x.for_execute);
    CHECK(workers.given.at("environmentCancelExecute") == 10s);
  }
}

TEST_CASE("conformance 3.10: a config is validated within the default, a probe "
          "within 120 s",
          "[conformance]") {
  auto nested = json{{"pluginKey", "a.b"},
                     {"driverKey", "boxes"},
                     {"driverConfig", {{"timeoutMs", 1234}}}};
  for (const auto* key : {"sandbox", "plugin"}) {
    CAPTURE(key);
    timekeeper workers;
    auto uut = made(key, workers);
    environment_context place;
    place.config = json_text{(key == "plugin"s ? nested : times).dump()};
    uut->validate(place, ignored<json_text>());
    uut->probe(place, ignored<probe_report>());
    CHECK(workers.given.at("environmentValidateConfig") == 0ms);
    CHECK(workers.given.at("environmentProbe") == 120s);
  }
}
