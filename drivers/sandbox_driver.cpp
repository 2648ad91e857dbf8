#include "drivers/sandbox_driver.hpp"

#include "drivers/config_schema.hpp"
#include "drivers/manifest.hpp"
#include "drivers/sandbox_params.hpp"
#include "messages/json.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

using sandbox::settings;

constexpr milliseconds probe_timeout{120'000};
constexpr milliseconds cancel_timeout{10'000};
/// A command without a time limit has none. Paperclip gives up on it after 30 s
/// (PB §3.10), while it runs on; here health checks find a worker that hangs.
constexpr milliseconds no_limit = std::chrono::hours{24 * 365};
/// How much longer than its call an acquire is waited for.
constexpr milliseconds acquire_margin{5'000};

/// Hands the value of a result to `next`, and its error to `then`.
template <class T, class U, class Fun>
completion<T> follow(completion<U> then, Fun next) {
  return [then = std::move(then), next = std::move(next)](result<T> x) mutable {
    if (x)
      next(std::move(*x), std::move(then));
    else
      then(x.error());
  };
}

bool offers(const ready_worker& worker, std::string_view method) {
  const auto& all = worker.supported_methods;
  return all.empty() || std::find(all.begin(), all.end(), method) != all.end();
}

bool is_fake(const settings& config) {
  return config.provider == "fake";
}

settings settings_of(const lease_context& lease) {
  auto own = sandbox::parse_captured(lease.metadata);
  auto parsed = sandbox::parse_settings(own.config);
  return parsed ? *parsed : settings{};
}

worker_call make_call(std::string method, json_text params,
                      const environment_context& place, milliseconds timeout) {
  worker_call out;
  out.method = std::move(method);
  out.params = std::move(params);
  out.company = place.company;
  out.timeout = timeout;
  return out;
}

/// What a plan says for the built-in provider: nobody has to make anything.
lease_plan fake_plan(const plan_lease& what, const settings& config) {
  lease_plan out;
  out.provider = "fake";
  auto reuse = config.reuse_lease && !what.run.empty();
  const auto& run = what.run.empty() ? what.lease.value : what.run.value;
  out.resource = {reuse ? "sandbox://fake/" + what.place.environment.value
                        : "sandbox://fake/" + run + "/" + what.lease.value};
  out.policy
    = reuse ? lease_policy::reuse_by_environment : lease_policy::ephemeral;
  out.metadata = sandbox::fake_metadata(what, config);
  return out;
}

/// Config keys that do not keep a resource from serving another run.
std::vector<std::string> ignored_by_matching() {
  auto out = sandbox::envelope_keys;
  out.push_back("reuseLease");
  return out;
}

lease_plan worker_plan(const plan_lease& what, const settings& config,
                       const ready_worker& worker, milliseconds call_timeout) {
  lease_plan out;
  out.provider = config.provider;
  out.makes_resource = true;
  out.exclusive = true;
  auto own = config;
  own.reuse_lease = config.reuse_lease && !what.run.empty()
                    && offers(worker, "environmentResumeLease");
  if (own.reuse_lease) {
    out.policy = lease_policy::reuse_by_environment;
    out.fingerprint
      = config.provider + ":"
        + config_fingerprint(what.place.config, ignored_by_matching());
    out.preserve_on_resume_failure = config.preserve_on_resume_failure;
  }
  auto timeout = sandbox::verb_timeout(config);
  out.acquire_timeout
    = (timeout.count() > 0 ? timeout : call_timeout) + acquire_margin;
  out.metadata = sandbox::plan_metadata(what, own, worker.plugin);
  return out;
}

/// The schema that the plugin declares for this provider.
result<> check_schema(const ready_worker& worker, const std::string& provider,
                      const json_text& config) {
  auto manifest = parse_manifest(worker.plugin.manifest);
  if (!manifest)
    return manifest.error();
  auto* declared = find_driver(*manifest, provider, "sandbox_provider");
  if (!declared || declared->config_schema.text == "{}")
    return done{};
  return check_against_schema(config, declared->config_schema);
}

/// Whether a lease call that failed may have left something behind.
failure may_have_acted(failure why) {
  if (disposition_of(why.code) == disposition::in_doubt)
    why.provider_acted = acted::unknown;
  return why;
}

/// A command whose end nobody saw.
failure unknown_outcome(failure why) {
  if (disposition_of(why.code) != disposition::in_doubt)
    return why;
  return {ec::outcome_unknown,
          "The command was started and nobody saw how it ended: " + why.message,
          why.detail};
}

} // namespace

sandbox_driver::sandbox_driver(worker_channel& workers,
                               sandbox_driver_options options)
  : workers_{workers}, options_{std::move(options)} {
  // nop
}

std::string_view sandbox_driver::key() const noexcept {
  return "sandbox";
}

void sandbox_driver::validate(const environment_context& place,
                              completion<json_text> then) {
  auto config = sandbox::parse_settings(place.config);
  if (!config)
    return then(config.error());
  if (is_fake(*config)) {
    if (options_.allow_fake)
      return then(place.config);
    return then(failure{ec::invalid_config,
                        "Built-in fake sandbox environments are reserved for "
                        "internal probes and cannot be saved.",
                        {}});
  }
  auto ask = [this, place, provider = config->provider](
               ready_worker worker, completion<json_text> rest) {
    auto stripped = sandbox::config_params(provider, place.config);
    auto without_envelope
      = json_text{config_fingerprint(place.config, sandbox::envelope_keys)};
    if (auto fits = check_schema(worker, provider, without_envelope); !fits)
      return rest(fits.error());
    auto call = make_call("environmentValidateConfig", std::move(stripped),
                          place, milliseconds{0});
    auto read = [provider, config_sent = place.config](
                  json_text answer, completion<json_text> last) {
      last(sandbox::parse_validated(answer, provider, config_sent));
    };
    auto lenient = [rest, config_sent = place.config](result<json_text> x) {
      // A worker without an opinion accepts what its schema accepts.
      if (!x && x.error().code == ec::not_supported)
        return rest(config_sent);
      rest(std::move(x));
    };
    workers_.call(worker.plugin.id, std::move(call), true,
                  follow<json_text>(completion<json_text>{lenient}, read));
  };
  workers_.find_provider(config->provider,
                         follow<ready_worker>(std::move(then), ask));
}

void sandbox_driver::probe(const environment_context& place,
                           completion<probe_report> then) {
  auto config = sandbox::parse_settings(place.config);
  if (!config)
    return then(config.error());
  if (is_fake(*config))
    return then(probe_report{true, "sandbox", "Fake sandbox provider is ready.",
                             place.config});
  auto provider = config->provider;
  auto report = [provider, then](result<probe_report> x) {
    if (x)
      return then(std::move(x));
    // What keeps an environment from working is what a probe is for.
    then(probe_report{false, "sandbox", x.error().message,
                      json_text{R"({"provider":")" + provider + "\"}"}});
  };
  auto ask = [this, place, provider](ready_worker worker,
                                     completion<probe_report> rest) {
    auto call
      = make_call("environmentProbe", sandbox::place_params(provider, place),
                  place, probe_timeout);
    auto read = [provider, key = worker.plugin.key](
                  json_text answer, completion<probe_report> last) {
      last(sandbox::parse_probed(answer, provider, key));
    };
    workers_.call(worker.plugin.id, std::move(call), true,
                  follow<json_text>(std::move(rest), read));
  };
  workers_.find_provider(
    provider, follow<ready_worker>(completion<probe_report>{report}, ask));
}

void sandbox_driver::plan(const plan_lease& what, completion<lease_plan> then) {
  auto config = sandbox::parse_settings(what.place.config);
  if (!config)
    return then(config.error());
  if (is_fake(*config))
    return then(fake_plan(what, *config));
  auto ready = [what, settings = *config, timeout = options_.call_timeout](
                 ready_worker worker, completion<lease_plan> rest) {
    rest(worker_plan(what, settings, worker, timeout));
  };
  workers_.find_provider(config->provider,
                         follow<ready_worker>(std::move(then), ready));
}

void sandbox_driver::acquire(acquire_resource what,
                             completion<resource_ready> then) {
  auto call = make_call("environmentAcquireLease",
                        sandbox::acquire_params(what), what.lease.place,
                        sandbox::verb_timeout(settings_of(what.lease)));
  auto metadata = what.lease.metadata;
  call.late = [late = options_.late, metadata,
               lease = what.lease.lease](const json_text& answer) {
    auto ready = sandbox::parse_ready(answer, metadata);
    if (late && ready && !ready->resource.empty())
      late({lease, ready->resource});
  };
  this->call(what.lease, std::move(call), true,
             [then = std::move(then), metadata](result<json_text> answer) {
               if (answer)
                 then(sandbox::parse_ready(*answer, metadata));
               else
                 then(may_have_acted(answer.error()));
             });
}

void sandbox_driver::resume(resume_resource what,
                            completion<resource_ready> then) {
  auto call = make_call("environmentResumeLease", sandbox::resume_params(what),
                        what.lease.place,
                        sandbox::verb_timeout(settings_of(what.lease)));
  auto metadata = what.lease.metadata;
  auto read = [metadata](json_text answer, completion<resource_ready> rest) {
    auto ready = sandbox::parse_ready(answer, metadata);
    if (ready && ready->resource.empty())
      return rest(failure{ec::resource_gone, "The provider no longer has it.",
                          answer.text});
    rest(std::move(ready));
  };
  this->call(what.lease, std::move(call), true,
             follow<json_text>(std::move(then), read));
}

void sandbox_driver::release(release_resource what, completion<> then) {
  auto call = make_call("environmentReleaseLease",
                        sandbox::end_params(what.lease), what.lease.place,
                        sandbox::verb_timeout(settings_of(what.lease)));
  auto read = [](json_text, completion<> rest) { rest(done{}); };
  this->call(what.lease, std::move(call), false,
             follow<json_text>(std::move(then), read));
}

void sandbox_driver::destroy(destroy_resource what, completion<> then) {
  auto call = make_call("environmentDestroyLease",
                        sandbox::end_params(what.lease), what.lease.place,
                        sandbox::verb_timeout(settings_of(what.lease)));
  auto read = [](json_text, completion<> rest) { rest(done{}); };
  this->call(what.lease, std::move(call), what.wait_for_worker,
             follow<json_text>(std::move(then), read));
}

void sandbox_driver::realize(place_workspace what,
                             completion<workspace_realized> then) {
  auto call = make_call("environmentRealizeWorkspace",
                        sandbox::realize_params(what), what.lease.place,
                        sandbox::verb_timeout(settings_of(what.lease)));
  auto read = [](json_text answer, completion<workspace_realized> rest) {
    rest(sandbox::parse_realized(answer));
  };
  this->call(what.lease, std::move(call), true,
             follow<json_text>(std::move(then), read));
}

void sandbox_driver::execute(run_command what,
                             std::shared_ptr<output_sink> output,
                             completion<command_result> then) {
  if (sandbox::parse_captured(what.lease.metadata).plugin.empty())
    return then(failure{ec::not_supported,
                        "Sandbox driver does not support direct command "
                        "execution for built-in providers.",
                        {}});
  auto timeout
    = sandbox::execute_timeout(settings_of(what.lease), what.spec.timeout);
  auto call = make_call("environmentExecute", sandbox::execute_params(what),
                        what.lease.place, timeout);
  call.output = std::move(output);
  if (call.timeout.count() == 0)
    call.timeout = no_limit;
  this->call(what.lease, std::move(call), true,
             [then = std::move(then)](result<json_text> answer) {
               if (answer)
                 then(sandbox::parse_executed(*answer));
               else
                 then(unknown_outcome(answer.error()));
             });
}

void sandbox_driver::cancel(const lease_context& lease,
                            const execution_id& execution) {
  auto call = make_call("environmentCancelExecute",
                        sandbox::cancel_params(lease, execution), lease.place,
                        cancel_timeout);
  this->call(lease, std::move(call), false, [](result<json_text>) {
    // The command's own end says what became of it.
  });
}

void sandbox_driver::list(const lease_context& lease,
                          completion<std::vector<listed_resource>> then) {
  auto call = make_call("environmentListLeases", sandbox::list_params(lease),
                        lease.place, milliseconds{0});
  auto read
    = [](json_text answer, completion<std::vector<listed_resource>> rest) {
        rest(sandbox::parse_listed(answer));
      };
  this->call(lease, std::move(call), true,
             follow<json_text>(std::move(then), read));
}

void sandbox_driver::call(const lease_context& lease, worker_call what,
                          bool wait, completion<json_text> then) {
  auto own = sandbox::parse_captured(lease.metadata);
  if (own.plugin.empty())
    return then(failure{ec::not_supported,
                        "Sandbox provider \"" + own.provider
                          + "\" has no worker to call.",
                        {}});
  workers_.call(own.plugin, std::move(what), wait, std::move(then));
}

} // namespace leasehold
