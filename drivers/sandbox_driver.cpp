#include "drivers/sandbox_driver.hpp"

#include "drivers/config_schema.hpp"
#include "drivers/follow.hpp"
#include "drivers/sandbox_config.hpp"
#include "drivers/worker_results.hpp"
#include "drivers/workspace_record.hpp"
#include "messages/json.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

using sandbox::settings;

bool offers(const ready_worker& worker, std::string_view method) {
  const auto& all = worker.supported_methods;
  return all.empty() || std::find(all.begin(), all.end(), method) != all.end();
}

bool is_fake(const settings& config) {
  return config.provider == "fake";
}

/// What a plan says for the built-in provider: nobody has to make anything.
lease_plan fake_plan(const plan_lease& what, const settings& config) {
  lease_plan out;
  out.provider = "fake";
  out.policy = sandbox::policy_of(what, config, true);
  const auto& run = what.run.empty() ? what.lease.value : what.run.value;
  out.resource = {is_reusable(out.policy)
                    ? "sandbox://fake/" + what.place.environment.value
                    : "sandbox://fake/" + run + "/" + what.lease.value};
  out.metadata = sandbox::fake_metadata(what, config);
  return out;
}

lease_plan worker_plan(const plan_lease& what, const settings& config,
                       const ready_worker& worker, const known_driver& says,
                       const worker_driver_options& options) {
  lease_plan out;
  out.provider = config.provider;
  out.makes_resource = true;
  out.exclusive = true;
  auto can_resume
    = offers(worker, "environmentResumeLease") && says.reusable_leases;
  out.policy = sandbox::policy_of(what, config, can_resume);
  if (is_reusable(out.policy)) {
    // Another plugin may provide the same, and does not know this one's.
    out.fingerprint = worker.plugin.id.value + "/"
                      + sandbox::fingerprint_of(config, what.place.config);
    out.preserve_on_resume_failure = config.preserve_on_resume_failure;
  }
  auto timeout = sandbox::verb_timeout(config);
  out.acquire_timeout = (timeout.count() > 0 ? timeout : options.call_timeout)
                        + options.acquire_margin;
  out.metadata = sandbox::plan_metadata(what, config, out.policy, worker.plugin,
                                        says.secret_paths);
  out.plugin = {worker.plugin.id, worker.plugin.updated_at};
  return out;
}

std::string words_of(const std::string& provider) {
  return "Sandbox provider \"" + provider + "\"";
}

wire::subject subject_of(const std::string& provider,
                         const std::string& plugin_key) {
  return {
    "sandbox", words_of(provider),
    with_member(json_text{R"({"pluginKey":)" + json_string(plugin_key) + "}"},
                "provider", json_text{json_string(provider)})};
}

/// The text of PB for a provider that nobody serves right now; why is in the
/// detail.
failure not_running(const std::string& provider, failure why) {
  if (why.code != ec::unknown_provider && why.code != ec::plugin_not_ready
      && why.code != ec::worker_not_ready && why.code != ec::worker_broken)
    return why;
  why.detail = why.message + (why.detail.empty() ? "" : "\n" + why.detail);
  why.message = words_of(provider)
                + " is not installed or its plugin worker is not running.";
  return why;
}

probe_report probe_fake(const json_text& config) {
  auto image = sandbox::fake_image(config);
  auto normal = sandbox::normalize(config);
  return {true, "sandbox",
          "Fake sandbox provider is ready for image " + image + ".",
          normal ? *normal : config};
}

secret_request place_of(const environment_context& place) {
  secret_request out;
  out.company = place.company;
  out.environment = place.environment;
  return out;
}

/// The engine's own keys of the config that was sent, put back.
json_text with_envelope(json_text config, const json_text& sent) {
  for (const auto& key : wire::envelope_keys)
    if (auto own = json_member(sent, key))
      config = with_member(config, key, *own);
  return config;
}

} // namespace

sandbox_driver::sandbox_driver(worker_channel& workers,
                               worker_driver_options options, bool allow_fake)
  : worker_driver{workers, std::move(options)}, allow_fake_{allow_fake} {
  // nop
}

std::string_view sandbox_driver::key() const noexcept {
  return "sandbox";
}

milliseconds sandbox_driver::verb_timeout(const json_text& config) const {
  auto parsed = sandbox::parse_settings(config);
  return parsed ? sandbox::verb_timeout(*parsed) : milliseconds{0};
}

workspace_realized sandbox_driver::told_of(const place_workspace& what,
                                           workspace_realized by_worker) const {
  auto provider = text_member(what.lease.metadata, "provider");
  auto record = build_workspace_record(
    {"sandbox", provider, what, by_worker.cwd, by_worker.metadata});
  return realized_by(record, by_worker.metadata, std::move(by_worker.cwd));
}

std::shared_ptr<const known_driver>
sandbox_driver::declaration(const ready_worker& worker,
                            const std::string& provider) {
  return declared_.find(worker.plugin, provider, "sandbox_provider");
}

// -- configs ------------------------------------------------------------------

void sandbox_driver::validate(const environment_context& place,
                              completion<json_text> then) {
  auto config = sandbox::parse_settings(place.config);
  auto normal = sandbox::normalize(place.config);
  if (!config || !normal)
    return then(config ? normal.error() : config.error());
  if (is_fake(*config)) {
    if (allow_fake_)
      return then(std::move(normal));
    return then(failure{ec::invalid_config,
                        "Built-in fake sandbox environments are reserved for "
                        "internal probes and cannot be saved."});
  }
  auto provider = config->provider;
  workers_.find_provider(
    provider, [this, provider, normal = *normal, then](result<ready_worker> x) {
      if (x)
        validate_by(*x, normal, then);
      else
        then(not_running(provider, x.error()));
    });
}

void sandbox_driver::validate_by(const ready_worker& worker,
                                 const json_text& config,
                                 completion<json_text> then) {
  auto provider = text_member(config, "provider");
  auto sent = wire::without_envelope(config);
  auto says = declaration(worker, provider);
  if (says->schema.text != "{}")
    if (auto fits = check_against_schema(sent, says->schema); !fits)
      return then(fits.error());
  worker_call call;
  call.method = "environmentValidateConfig";
  call.params = wire::validate_params(provider, sent);
  auto read = [config, sent, whose = subject_of(provider, worker.plugin.key),
               then](result<json_text> answer) {
    // A worker without an opinion accepts what its schema accepts.
    if (!answer && answer.error().code == ec::not_supported)
      return then(config);
    auto valid = answer ? wire::parse_validated(*answer, sent, whose) : answer;
    if (valid)
      valid = with_envelope(std::move(*valid), config);
    then(std::move(valid));
  };
  auto told = raw_secrets(sent, says->secret_paths);
  scrubber hide{told};
  call.secrets = std::make_shared<std::vector<std::string>>(std::move(told));
  workers_.call(worker.plugin.id, std::move(call), true,
                [hide, read](result<json_text> answer) {
                  read(answer ? std::move(answer)
                              : result<json_text>{hide.error(answer.error())});
                });
}

void sandbox_driver::secret_paths(const environment_context& place,
                                  completion<std::vector<std::string>> then) {
  auto config = sandbox::parse_settings(place.config);
  if (!config)
    return then(config.error());
  if (is_fake(*config))
    return then(std::vector<std::string>{});
  auto provider = config->provider;
  workers_.find_provider(provider,
                         [this, provider, then](result<ready_worker> x) {
                           if (x)
                             then(declaration(*x, provider)->secret_paths);
                           else
                             then(not_running(provider, x.error()));
                         });
}

// -- probes -------------------------------------------------------------------

void sandbox_driver::probe(const environment_context& place,
                           completion<probe_report> then) {
  auto config = sandbox::parse_settings(place.config);
  if (!config)
    return then(config.error());
  if (is_fake(*config))
    return then(probe_fake(place.config));
  auto provider = config->provider;
  auto report = [provider, then](result<probe_report> x) {
    if (x)
      return then(std::move(x));
    // What keeps an environment from working is what a probe is for.
    auto why = not_running(provider, x.error());
    json_text details{R"({"provider":)" + json_string(provider) + "}"};
    if (!why.detail.empty())
      details
        = with_member(details, "error", json_text{json_string(why.detail)});
    then(probe_report{false, "sandbox", why.message, details});
  };
  auto ask = [this, place, provider](const ready_worker& worker,
                                     completion<probe_report> rest) {
    probe_by(worker, place, provider, std::move(rest));
  };
  workers_.find_provider(
    provider, follow<ready_worker>(completion<probe_report>{report}, ask));
}

void sandbox_driver::probe_by(const ready_worker& worker,
                              const environment_context& place,
                              const std::string& provider,
                              completion<probe_report> then) {
  auto ask = [this, worker, place, provider](const opened_config& opened,
                                             completion<probe_report> rest) {
    worker_call call;
    call.method = "environmentProbe";
    call.params = wire::place_params(provider, place,
                                     wire::without_envelope(opened.config));
    call.company = place.company;
    call.timeout = worker_probe_timeout;
    auto read = [whose = subject_of(provider, worker.plugin.key)](
                  const json_text& answer, completion<probe_report> last) {
      last(wire::parse_probed(answer, whose));
    };
    call_plugin(worker.plugin.id, std::move(call), opened,
                follow<json_text>(std::move(rest), read));
  };
  open_secrets(place.config, declaration(worker, provider)->secret_paths,
               place_of(place), follow<opened_config>(std::move(then), ask));
}

// -- leases -------------------------------------------------------------------

void sandbox_driver::plan(const plan_lease& what, completion<lease_plan> then) {
  auto config = sandbox::parse_settings(what.place.config);
  if (!config)
    return then(config.error());
  if (is_fake(*config))
    return then(fake_plan(what, *config));
  auto wish = std::make_shared<const plan_lease>(what);
  auto ready = [this, wish, settings = *config](const ready_worker& worker,
                                                completion<lease_plan> rest) {
    auto says = declaration(worker, settings.provider);
    auto plan = worker_plan(*wish, settings, worker, *says, options_);
    // A secret that cannot be had is told before anything is recorded.
    auto planned
      = [plan = std::move(plan)](done, completion<lease_plan> last) mutable {
          last(std::move(plan));
        };
    check_secrets(wish->place.config, says->secret_paths, place_of(wish->place),
                  follow<done>(std::move(rest), std::move(planned)));
  };
  workers_.find_provider(
    config->provider, follow<ready_worker>(std::move(then), std::move(ready)));
}

void sandbox_driver::realize(place_workspace what,
                             completion<workspace_realized> then) {
  if (!wire::parse_captured(what.lease.metadata).plugin.empty())
    return worker_driver::realize(std::move(what), std::move(then));
  // The built-in provider has nothing to place it in: a record is all.
  auto cwd = what.remote_path.empty() ? what.local_path : what.remote_path;
  then(realized_by(build_workspace_record({"sandbox", "fake", what, cwd, {}})));
}

} // namespace leasehold
