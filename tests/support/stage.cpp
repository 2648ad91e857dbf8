#include "tests/support/stage.hpp"

#include "drivers/local_driver.hpp"
#include "drivers/plugin_driver.hpp"

#include <algorithm>

namespace leasehold::test {

namespace {

constexpr const char* boxes_manifest = R"({
  "id": "boxes.plugin", "apiVersion": 1, "version": "1.0.0",
  "displayName": "Boxes", "capabilities": ["environment.drivers.register"],
  "environmentDrivers": [{"driverKey": "boxes", "kind": "sandbox_provider"}]})";

plugin_row boxes_plugin() {
  plugin_row out;
  out.id = {"plugin-1"};
  out.key = "boxes.plugin";
  out.version = "1.0.0";
  out.manifest = json_text{boxes_manifest};
  out.command = {"boxes-worker"};
  return out;
}

environment_row environment(const std::string& name, const std::string& driver,
                            const std::string& config) {
  environment_row out;
  out.id = {"env-" + name};
  out.name = name;
  out.driver = driver;
  out.config = json_text{config};
  return out;
}

} // namespace

stage::stage(supervisor_options setup, const stage_parts& parts)
  : options{std::move(setup)} {
  script.plan.provider = "scripted";
  script.plan.makes_resource = true;
  script.plan.exclusive = true;
  auto clock = [this] { return timestamp{now().count()}; };
  if (parts.open)
    database = parts.open({"engine-1"}, clock);
  else
    database
      = open_sqlite_store(folder / "leasehold.db", {"engine-1"}, clock).value();
  set_the_stage();
  with = make_services(parts);
  std::shared_ptr<store_runner> runner = make_inline_runner(database);
  if (parts.run)
    runner = parts.run(database);
  store_of_play = spawn_actor<store_state>(sys, std::move(runner));
  janitor
    = spawn_actor<janitor_state>(sys, store_of_play, with, options.janitor);
  supervisor = spawn_actor<supervisor_state>(
    sys, supervisor_colleagues{store_of_play, janitor, &processes, with},
    options);
  gate.open(supervisor);
  settle();
}

stage::~stage() {
  script.held_back.clear();
  while (!script.waiting.empty())
    script.let_go(script.waiting.front().first);
  ask(supervisor, shut_down{});
  // Long enough for every ladder to come to its end.
  pass(options.stop_timeout + std::chrono::seconds{30});
  gate.close();
  send_away(supervisor);
  send_away(janitor);
  send_away(store_of_play);
  settle();
}

void stage::set_the_stage() {
  write(put_environment{environment("box", "scripted", "{}")});
  write(put_environment{
    environment("sandbox", "sandbox", R"({"provider":"boxes"})")});
  write(put_plugin{boxes_plugin()});
}

services_ptr stage::make_services(const stage_parts& parts) {
  auto out = std::make_shared<services>();
  out->self = {"engine-1"};
  out->secrets = &secrets;
  out->dice = [] { return 0.5; };
  out->make_id = [this] { return "id-" + std::to_string(++last_id_); };
  out->observe = [this](const transition& x) {
    log.push_back(x.subject + ": " + x.from + " -> " + x.to);
    if (on_transition)
      on_transition(x);
  };
  out->log
    = [this](log_rank, std::string_view text) { logged.emplace_back(text); };
  out->drivers.add(std::make_shared<scripted_driver>(script));
  // Rows of the scripted driver name it as their provider.
  auto late = [this](late_resource what) {
    tell_from_outside(janitor, std::move(what));
  };
  worker_driver_options calls{late};
  calls.secrets = &secrets;
  out->drivers.add(std::make_shared<sandbox_driver>(gate, calls, false));
  out->drivers.add(std::make_shared<plugin_driver>(gate, calls));
  out->drivers.add(std::make_shared<local_driver>(
    processes, loop_, "leasehold-guard", local_host{}));
  if (parts.add_drivers)
    parts.add_drivers(out->drivers);
  return out;
}

std::shared_ptr<answer<lease_granted>> stage::acquire(const std::string& run,
                                                      const std::string& name) {
  acquire_lease what;
  what.id = {"lease-" + std::to_string(++last_id_)};
  what.company = {"company-1"};
  what.environment = name;
  what.run = {run};
  return ask<lease_granted>(supervisor, what);
}

std::shared_ptr<answer<lease_ended>> stage::release(const lease_granted& lease,
                                                    release_status how) {
  return ask<lease_ended>(supervisor,
                          release_lease{lease.handle, how, {}, false, false});
}

std::shared_ptr<answer<command_result>>
stage::execute(const lease_granted& lease, const std::string& command) {
  execute_command what;
  what.lease = lease.handle;
  what.execution = {"execution-" + std::to_string(++last_id_)};
  what.spec.command = command;
  return ask<command_result>(supervisor, what);
}

lease_row stage::row(const lease_id& id) {
  auto found = database->read(get_lease{id.value}).value();
  return std::get<lease_rows>(found).rows.front();
}

std::vector<lease_row> stage::rows() {
  auto found = database->read(list_leases{}).value();
  auto out = std::get<lease_rows>(found).rows;
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<std::string> stage::history(const lease_id& id) {
  std::vector<std::string> out;
  auto found = database->read(list_events{id}).value();
  for (const auto& line : std::get<lease_events>(found).rows)
    out.push_back(line.from + " -> " + line.to + ": " + line.note);
  return out;
}

void stage::write(store_write what) {
  std::vector<store_write> batch{std::move(what)};
  REQUIRE(database->apply(batch).front());
}

} // namespace leasehold::test
