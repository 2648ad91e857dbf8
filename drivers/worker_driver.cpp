#include "drivers/worker_driver.hpp"

#include "drivers/follow.hpp"
#include "drivers/secret_source.hpp"
#include "drivers/worker_results.hpp"
#include "drivers/workspace_record.hpp"
#include "messages/json.hpp"
#include "messages/mutation.hpp"

#include <utility>

namespace leasehold {

namespace {

constexpr milliseconds cancel_timeout{10'000};
/// A command without a time limit has none. Paperclip gives up on it after 30 s
/// (PB §3.10), while it runs on; here health checks find a worker that hangs.
constexpr milliseconds no_limit = std::chrono::hours{24 * 365};

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

result<command_result> lost_command(failure why) {
  if (!mutated(mutation::exit_code_invented))
    return unknown_outcome(std::move(why));
  command_result made_up;
  made_up.exit_code = 0;
  return made_up;
}

/// What the provider said, without the secrets that it was told.
json_text kept(json_text metadata, const wire::captured& own,
               const scrubber& hide) {
  if (own.secret_paths.empty() && hide.empty())
    return metadata;
  auto said = json_member(metadata, "providerMetadata");
  if (!said)
    return metadata;
  auto stripped = strip_secrets(*said, own.secret_paths);
  return with_member(metadata, "providerMetadata", hide.json(stripped));
}

} // namespace

worker_driver::worker_driver(worker_channel& workers,
                             worker_driver_options options)
  : workers_{workers}, options_{std::move(options)} {
  // nop
}

void worker_driver::acquire(acquire_resource what,
                            completion<resource_ready> then) {
  auto wish = std::make_shared<const acquire_resource>(std::move(what));
  verb call{"environmentAcquireLease"};
  call.params = [wish](const json_text& config) {
    return wire::acquire_params(*wish, config);
  };
  if (options_.late)
    call.late = [late = options_.late, wish](const json_text& answer) {
      auto ready = wire::parse_ready(answer, wish->lease.metadata);
      if (ready && !ready->resource.empty())
        late({wish->lease.lease, ready->resource});
    };
  auto read = [then = std::move(then), wish](result<answered> x) {
    if (!x)
      return then(may_have_acted(x.error()));
    auto ready = wire::parse_ready(x->result, wish->lease.metadata);
    if (ready)
      ready->metadata = kept(std::move(ready->metadata), *x->own, *x->hide);
    else
      ready = x->hide->error(ready.error());
    then(std::move(ready));
  };
  this->call(wish->lease, std::move(call), std::move(read));
}

void worker_driver::resume(resume_resource what,
                           completion<resource_ready> then) {
  auto wish = std::make_shared<const resume_resource>(std::move(what));
  verb call{"environmentResumeLease"};
  call.params = [wish](const json_text& config) {
    return wire::resume_params(*wish, config);
  };
  auto read = [wish](const answered& x, completion<resource_ready> rest) {
    auto ready = wire::parse_ready(x.result, wish->lease.metadata);
    if (!ready)
      return rest(x.hide->error(ready.error()));
    if (ready->resource.empty())
      return rest(failure{ec::resource_gone, "The provider no longer has it.",
                          x.hide->text(x.result.text)});
    ready->metadata = kept(std::move(ready->metadata), *x.own, *x.hide);
    rest(std::move(ready));
  };
  this->call(wish->lease, std::move(call),
             follow<answered>(std::move(then), read));
}

void worker_driver::release(release_resource what, completion<> then) {
  verb call{"environmentReleaseLease"};
  call.wait = false;
  end(std::move(what.lease), std::move(call), std::move(then));
}

void worker_driver::destroy(destroy_resource what, completion<> then) {
  verb call{"environmentDestroyLease"};
  call.wait = what.wait_for_worker;
  end(std::move(what.lease), std::move(call), std::move(then));
}

void worker_driver::end(lease_context lease, verb call, completion<> then) {
  auto whose = std::make_shared<const lease_context>(std::move(lease));
  call.params = [whose](const json_text& config) {
    return wire::end_params(*whose, config);
  };
  call.needs_binding = false;
  auto read = [](const answered&, completion<> rest) { rest(done{}); };
  this->call(*whose, std::move(call), follow<answered>(std::move(then), read));
}

void worker_driver::realize(place_workspace what,
                            completion<workspace_realized> then) {
  what.metadata = with_request(what);
  auto wish = std::make_shared<const place_workspace>(std::move(what));
  verb call{"environmentRealizeWorkspace"};
  call.params = [wish](const json_text& config) {
    return wire::realize_params(*wish, config);
  };
  auto read
    = [this, wish](const answered& x, completion<workspace_realized> rest) {
        auto out = wire::parse_realized(x.result);
        if (!out)
          return rest(x.hide->error(out.error()));
        out->metadata = x.hide->json(out->metadata);
        rest(told_of(*wish, std::move(*out)));
      };
  this->call(wish->lease, std::move(call),
             follow<answered>(std::move(then), read));
}

void worker_driver::execute(run_command what,
                            std::shared_ptr<output_sink> output,
                            completion<command_result> then) {
  auto wish = std::make_shared<const run_command>(std::move(what));
  verb call{"environmentExecute"};
  call.params = [wish](const json_text& config) {
    return wire::execute_params(*wish, config);
  };
  call.timeout = [requested = wish->spec.timeout](const json_text& config) {
    auto time = wire::execute_timeout(config, requested);
    return time.count() > 0 ? time : no_limit;
  };
  call.without_worker = "Sandbox driver does not support direct command "
                        "execution for built-in providers.";
  call.output = std::move(output);
  this->call(wish->lease, std::move(call),
             [then = std::move(then)](const result<answered>& x) {
               if (!x)
                 return then(lost_command(x.error()));
               auto ended = wire::parse_executed(x->result);
               if (!ended)
                 return then(x->hide->error(ended.error()));
               ended->signal = x->hide->text(ended->signal);
               ended->metadata = x->hide->json(ended->metadata);
               then(std::move(ended));
             });
}

void worker_driver::cancel(const lease_context& lease,
                           const execution_id& execution) {
  verb call{"environmentCancelExecute"};
  call.params = [lease, execution](const json_text& config) {
    return wire::cancel_params(lease, execution, config);
  };
  call.timeout = [](const json_text&) { return cancel_timeout; };
  call.wait = false;
  call.needs_binding = false;
  this->call(lease, std::move(call), [](const result<answered>&) {
    // The command's own end says what became of it.
  });
}

void worker_driver::list(const lease_context& lease,
                         completion<std::vector<listed_resource>> then) {
  verb call{"environmentListLeases"};
  call.params = [lease](const json_text& config) {
    return wire::list_params(lease, config);
  };
  call.needs_binding = false;
  auto read
    = [](const answered& x, completion<std::vector<listed_resource>> rest) {
        rest(wire::parse_listed(x.result));
      };
  this->call(lease, std::move(call), follow<answered>(std::move(then), read));
}

// -- calls --------------------------------------------------------------------

void worker_driver::call(const lease_context& lease, verb what,
                         completion<answered> then) {
  auto own = std::make_shared<const wire::captured>(
    wire::parse_captured(lease.metadata));
  if (own->plugin.empty())
    return then(failure{ec::not_supported, what.without_worker.empty()
                                             ? "Sandbox provider \""
                                                 + own->driver_key
                                                 + "\" has no worker to call."
                                             : what.without_worker});
  secret_request place;
  place.company = lease.place.company;
  place.environment = lease.place.environment;
  place.path = own->binding_prefix;
  place.needs_binding = what.needs_binding;
  auto send = [this, own, company = lease.place.company,
               what = std::make_shared<const verb>(std::move(what))](
                opened_config opened, completion<answered> rest) {
    worker_call out;
    out.method = what->method;
    out.params = what->params(opened.config);
    out.company = company;
    out.timeout
      = what->timeout ? what->timeout(own->config) : verb_timeout(own->config);
    out.output = what->output;
    out.late = what->late;
    out.secrets = opened.values;
    auto read = [own, hide = opened.hide,
                 rest = std::move(rest)](result<json_text> answer) {
      if (answer)
        rest(answered{std::move(*answer), own, hide});
      else
        rest(hide->error(answer.error()));
    };
    workers_.call(own->plugin, std::move(out), what->wait, std::move(read));
  };
  open_secrets(own->config, own->secret_paths, place,
               follow<opened_config>(std::move(then), std::move(send)));
}

void worker_driver::open_secrets(const json_text& config,
                                 const std::vector<std::string>& paths,
                                 const secret_request& place,
                                 completion<opened_config> then) {
  auto wanted = secret_requests(config, paths, place);
  if (wanted.empty())
    return then(opened_config{config, nullptr, std::make_shared<scrubber>()});
  for (auto& request : wanted)
    request.path.insert(0, place.path);
  if (!options_.secrets)
    return then(failure{ec::internal, "This engine keeps no secrets."});
  auto fill = [config, paths](const std::vector<std::string>& values,
                              completion<opened_config> rest) {
    rest(opened_config{fill_secrets(config, paths, values),
                       std::make_shared<std::vector<std::string>>(values),
                       std::make_shared<scrubber>(values)});
  };
  options_.secrets->resolve(
    std::move(wanted), follow<std::vector<std::string>>(std::move(then), fill));
}

void worker_driver::check_secrets(const json_text& config,
                                  const std::vector<std::string>& paths,
                                  const secret_request& place,
                                  completion<> then) {
  auto wanted = secret_requests(config, paths, place);
  if (wanted.empty())
    return then(done{});
  for (auto& request : wanted)
    request.path.insert(0, place.path);
  if (!options_.secrets)
    return then(failure{ec::internal, "This engine keeps no secrets."});
  options_.secrets->check(std::move(wanted), std::move(then));
}

void worker_driver::call_plugin(const plugin_id& plugin, worker_call what,
                                const opened_config& opened,
                                completion<json_text> then) {
  what.secrets = opened.values;
  auto read
    = [hide = opened.hide, then = std::move(then)](result<json_text> answer) {
        if (answer)
          then(hide->json(*answer));
        else
          then(hide->error(answer.error()));
      };
  workers_.call(plugin, std::move(what), true, std::move(read));
}

} // namespace leasehold
