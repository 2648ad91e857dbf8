#include "drivers/plugin_driver.hpp"

#include "drivers/config_schema.hpp"
#include "drivers/follow.hpp"
#include "drivers/worker_results.hpp"
#include "drivers/workspace_record.hpp"
#include "messages/json.hpp"

#include <utility>

namespace leasehold {

namespace {

wire::subject subject_of(const plugin_settings& config) {
  auto details = with_member(
    json_text{R"({"pluginKey":)" + json_string(config.plugin_key) + "}"},
    "driverKey", json_text{json_string(config.driver_key)});
  return {"plugin", "Plugin environment driver \"" + config.name() + "\"",
          details};
}

/// Secrets are bound to where they stand in the whole config.
secret_request secret_place_of(const environment_context& place) {
  secret_request out;
  out.company = place.company;
  out.environment = place.environment;
  out.path = wire::nested_prefix;
  return out;
}

} // namespace

std::string_view plugin_driver::key() const noexcept {
  return "plugin";
}

milliseconds plugin_driver::verb_timeout(const json_text&) const {
  // PB §3.10: the channel's default, whatever the config says.
  return milliseconds{0};
}

workspace_realized plugin_driver::told_of(const place_workspace& what,
                                          workspace_realized by_worker) const {
  // PB §3.17: callers hear the worker's words and no others; the lease keeps a
  // record all the same.
  auto provider = "plugin:" + text_member(what.lease.metadata, "pluginKey")
                  + ":" + text_member(what.lease.metadata, "driverKey");
  by_worker.record = build_workspace_record({"plugin", provider, what,
                                             by_worker.cwd, by_worker.metadata})
                       .record;
  return by_worker;
}

std::shared_ptr<const known_driver>
plugin_driver::declaration(const ready_worker& worker,
                           const plugin_settings& config) {
  return declared_.find(worker.plugin, config.driver_key);
}

// -- configs ------------------------------------------------------------------

void plugin_driver::validate(const environment_context& place,
                             completion<json_text> then) {
  auto config = parse_plugin_settings(place.config);
  if (!config)
    return then(config.error());
  auto ask = [this, config = *config](const ready_worker& worker,
                                      completion<json_text> rest) {
    validate_by(worker, config, std::move(rest));
  };
  workers_.find_driver(config->plugin_key, config->driver_key,
                       follow<ready_worker>(std::move(then), ask));
}

void plugin_driver::validate_by(const ready_worker& worker,
                                const plugin_settings& config,
                                completion<json_text> then) {
  auto says = declaration(worker, config);
  if (says->schema.text != "{}")
    if (auto fits = check_against_schema(config.driver_config, says->schema);
        !fits)
      return then(fits.error());
  worker_call call;
  call.method = "environmentValidateConfig";
  call.params = wire::validate_params(config.driver_key, config.driver_config);
  auto told = raw_secrets(config.driver_config, says->secret_paths);
  scrubber hide{told};
  call.secrets = std::make_shared<std::vector<std::string>>(std::move(told));
  auto read = [config, hide, then](result<json_text> answer) {
    auto valid = config;
    if (!answer && answer.error().code != ec::not_supported)
      return then(hide.error(answer.error()));
    if (answer) {
      auto own = wire::parse_validated(*answer, config.driver_config,
                                       subject_of(config));
      if (!own)
        return then(hide.error(own.error()));
      valid.driver_config = std::move(*own);
    }
    then(to_config(valid));
  };
  workers_.call(worker.plugin.id, std::move(call), true, read);
}

void plugin_driver::secret_paths(const environment_context& place,
                                 completion<std::vector<std::string>> then) {
  auto config = parse_plugin_settings(place.config);
  if (!config)
    return then(config.error());
  auto tell
    = [this, config = *config](const ready_worker& worker,
                               completion<std::vector<std::string>> rest) {
        auto paths = declaration(worker, config)->secret_paths;
        for (auto& path : paths)
          path.insert(0, wire::nested_prefix);
        rest(std::move(paths));
      };
  workers_.find_driver(config->plugin_key, config->driver_key,
                       follow<ready_worker>(std::move(then), std::move(tell)));
}

// -- probes -------------------------------------------------------------------

void plugin_driver::probe(const environment_context& place,
                          completion<probe_report> then) {
  auto config = parse_plugin_settings(place.config);
  if (!config)
    return then(config.error());
  auto whose = subject_of(*config);
  auto report = [whose, then](result<probe_report> x) {
    if (x)
      return then(std::move(x));
    then(probe_report{false, whose.driver, x.error().message, whose.details});
  };
  auto ask = [this, place, config = *config](const ready_worker& worker,
                                             completion<probe_report> rest) {
    probe_by(worker, place, config, std::move(rest));
  };
  workers_.find_driver(
    config->plugin_key, config->driver_key,
    follow<ready_worker>(completion<probe_report>{report}, ask));
}

void plugin_driver::probe_by(const ready_worker& worker,
                             const environment_context& place,
                             const plugin_settings& config,
                             completion<probe_report> then) {
  auto ask = [this, worker, place, config](const opened_config& opened,
                                           completion<probe_report> rest) {
    worker_call call;
    call.method = "environmentProbe";
    call.params = wire::place_params(config.driver_key, place, opened.config);
    call.company = place.company;
    call.timeout = worker_probe_timeout;
    auto read = [whose = subject_of(config)](const json_text& answer,
                                             completion<probe_report> last) {
      last(wire::parse_probed(answer, whose));
    };
    call_plugin(worker.plugin.id, std::move(call), opened,
                follow<json_text>(std::move(rest), read));
  };
  open_secrets(config.driver_config, declaration(worker, config)->secret_paths,
               secret_place_of(place),
               follow<opened_config>(std::move(then), ask));
}

// -- leases -------------------------------------------------------------------

void plugin_driver::plan(const plan_lease& what, completion<lease_plan> then) {
  auto config = parse_plugin_settings(what.place.config);
  if (!config)
    return then(config.error());
  auto ready = [this, what, config = *config](const ready_worker& worker,
                                              completion<lease_plan> rest) {
    lease_plan plan;
    plan.provider = "plugin:" + config.name();
    plan.makes_resource = true;
    plan.exclusive = true;
    plan.acquire_timeout = options_.call_timeout + options_.acquire_margin;
    auto says = declaration(worker, config);
    const auto& paths = says->secret_paths;
    plan.metadata = plugin_lease_metadata(what, config, worker.plugin, paths);
    plan.plugin = {worker.plugin.id, worker.plugin.updated_at};
    auto planned = [plan](done, completion<lease_plan> last) { last(plan); };
    check_secrets(config.driver_config, paths, secret_place_of(what.place),
                  follow<done>(std::move(rest), planned));
  };
  workers_.find_driver(config->plugin_key, config->driver_key,
                       follow<ready_worker>(std::move(then), ready));
}

} // namespace leasehold
