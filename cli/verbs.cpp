// Every verb with its options.

#include "cli/verbs.hpp"

#include "cli/help_texts.hpp"
#include "cli/verb_parts.hpp"

#include <functional>
#include <memory>

namespace leasehold::cli {

namespace {

/// Last of all, so that help shows a verb's own options first.
void add_common(CLI::App& app, common_arguments& to) {
  constexpr auto group = "Everywhere";
  app.set_help_flag("-h,--help", "Print this help")->group(group);
  app.add_flag("--json", to.json, "Print JSON with stable field names")
    ->group(group);
  app
    .add_option("--data", to.data,
                "Data directory; leasehold --help has the default")
    ->option_text("DIR")
    ->group(group);
  app.add_flag("--verbose", to.verbose, "Print the engine's log to stderr")
    ->group(group);
  app.add_flag("--no-color", to.no_colour, "No colours; so does $NO_COLOR")
    ->group(group);
  for (auto* verb : app.get_subcommands([](CLI::App*) { return true; }))
    add_common(*verb, to);
}

void add_env_vars(CLI::App& verb, draft& to) {
  verb
    .add_option("--env-var", to.env_vars,
                "A variable for the command; may be repeated")
    ->option_text("KEY=VALUE")
    ->allow_extra_args(false);
}

/// What `run` and `lease resume` have in common.
void add_run_options(CLI::App& verb, draft& to) {
  auto& x = to.run;
  add_text(verb, "--workspace", x.workspace, "DIR", "Bring this folder in");
  add_text(verb, "--cwd", x.cwd, "DIR", "Run there; relative to the workspace");
  add_env_vars(verb, to);
  verb.add_flag("--stdin", x.read_stdin,
                "Give all of standard input to the command");
  add_text(verb, "--timeout", to.timeout, "TIME",
           "Stop the command then; 500ms, 30s, 1h30m");
  add_text(verb, "--ttl", to.ttl, "TIME",
           "End the lease after this time, whatever happens");
  add_text(verb, "--run", x.run, "ID",
           "The run that holds the lease; default a fresh one");
  verb.add_flag("--keep", x.keep, "Leave the resource for somebody to look at");
  verb.add_flag("--quiet", x.quiet, "Do not print the phases");
  add_text(verb, "--report", x.report, "FILE", "Write a JSON report to a file");
}

void add_run(CLI::App& app, draft& to) {
  auto& x = to.run;
  auto& verb = add_verb(
    app, "run", "Run a command in a leased environment", help::run,
    [&to] { to.result.verb = to.run; }, true);
  verb.group("Work");
  auto* env = add_text(verb, "--env", x.environment, "NAME",
                       "A configured environment");
  auto* driver = add_text(verb, "--driver", x.driver, "DRIVER",
                          "A driver without configuration: local");
  auto* provider = add_text(verb, "--provider", x.provider, "PROVIDER",
                            "A sandbox of this provider: bubblewrap");
  for (auto* option : {env, driver, provider})
    option->group("Where");
  env->excludes(driver)->excludes(provider);
  driver->excludes(provider);
  add_text(verb, "--queue-timeout", to.queue_timeout, "TIME",
           "How long to wait where the environment is full");
  add_run_options(verb, to);
}

/// A verb on one environment or plugin.
template <class Verb>
void add_verb_on(CLI::App& parent, draft& to, Verb& x, const char* name,
                 const char* description, const char* footer) {
  auto& verb = add_verb(parent, name, description, footer,
                        [&to, &x] { to.result.verb = x; });
  if constexpr (requires { x.key; })
    add_name(verb, x.key, "KEY", "The plugin's key");
  else
    add_name(verb, x.name, "NAME", "The environment");
}

void add_env(CLI::App& app, draft& to) {
  auto& env = *app.add_subcommand("env", "Environments: where work can run");
  env.group("Configuration");
  auto& x = to.env_add;
  auto& add = add_verb(env, "add", "Add an environment, or change it",
                       help::env_add, [&to] { to.result.verb = to.env_add; });
  add_name(add, x.name, "NAME", "Its name");
  auto* provider = add_text(add, "--provider", x.provider, "PROVIDER",
                            "Sandboxes of this provider");
  add_text(add, "--driver", x.driver, "DRIVER", "Another driver: local, ssh")
    ->excludes(provider);
  add_text(add, "--config", x.config, "JSON|@FILE|-",
           "The driver's or provider's configuration");
  add.add_option("--set", x.settings, "One configuration value; repeatable")
    ->option_text("KEY=VALUE")
    ->allow_extra_args(false);
  add_text(add, "--description", x.description, "TEXT", "For people");
  add_verb(env, "list", "List environments", help::env_list,
           [&to] { to.result.verb = env_list_arguments{}; });
  add_verb_on(env, to, to.env_show, "show",
              "Show an environment and its configuration", help::env_show);
  add_verb_on(env, to, to.env_remove, "remove", "Remove an environment",
              help::env_remove);
  add_verb_on(env, to, to.env_reset, "reset",
              "Close its circuit breaker: try it again now", help::env_reset);
}

void add_plugin_test(CLI::App& plugin, draft& to) {
  auto& x = to.plugin_test;
  auto& verb = add_verb(
    plugin, "test", "Check whether a worker keeps the contract",
    help::plugin_test, [&to] { to.result.verb = to.plugin_test; }, true);
  add_text(verb, "--manifest", x.manifest, "FILE",
           "The plugin's manifest, JSON; default a made-up one");
  add_text(verb, "--driver-key", x.driver_key, "KEY",
           "The driver to check; default the manifest's first");
  add_text(verb, "--config", x.config, "JSON|@FILE|-",
           "A configuration that it takes; default {}");
  add_text(verb, "--bad-config", x.bad_config, "JSON|@FILE|-",
           "A configuration that it must refuse");
  add_env_vars(verb, to);
  verb.add_option("--only", x.only, "Do this check only; may be repeated")
    ->option_text("ID")
    ->allow_extra_args(false);
  verb.add_flag("--list", x.list, "Print the checks and do none");
  add_text(verb, "--timeout", to.timeout, "TIME",
           "How long to wait for an answer; default 30s");
  add_text(verb, "--total-timeout", to.total_timeout, "TIME",
           "How long all may take; default 10m");
}

/// What a plugin is added or upgraded with.
void add_plugin_offer(CLI::App& verb, plugin_offer_arguments& x, draft& to) {
  verb
    .add_option("SOURCE", x.source,
                "A folder with a plugin of the SDK, or an npm package")
    ->option_text(" ");
  add_text(verb, "--manifest", x.manifest, "FILE",
           "Its manifest, JSON; its command goes after --");
  add_text(verb, "--config", x.config, "JSON|@FILE|-",
           "What the plugin itself is set to; default as it is");
  add_env_vars(verb, to);
}

void add_plugin(CLI::App& app, draft& to) {
  auto& plugin = *app.add_subcommand("plugin", "Plugins: who makes sandboxes");
  plugin.group("Configuration");
  auto& add
    = add_verb(plugin, "add", "Add a plugin, or change it", help::plugin_add,
               [&to] { to.result.verb = to.plugin_add; });
  add_plugin_offer(add, to.plugin_add, to);
  add_verb(plugin, "list", "List plugins", help::plugin_list,
           [&to] { to.result.verb = plugin_list_arguments{}; });
  add_verb_on(plugin, to, to.plugin_show, "show", "Show a plugin",
              help::plugin_show);
  auto& drivers = add_verb(plugin, "drivers", "List what plugins provide",
                           help::plugin_drivers,
                           [&to] { to.result.verb = to.plugin_drivers; });
  drivers.add_option("KEY", to.plugin_drivers.key, "Who serves this provider")
    ->option_text(" ");
  auto& upgrade = add_verb(plugin, "upgrade", "Give a plugin another version",
                           help::plugin_upgrade,
                           [&to] { to.result.verb = to.plugin_upgrade; });
  add_name(upgrade, to.plugin_upgrade.key, "KEY", "The plugin's key");
  add_plugin_offer(upgrade, to.plugin_upgrade, to);
  add_verb_on(plugin, to, to.plugin_disable, "disable",
              "Take no new leases of a plugin", help::plugin_disable);
  add_verb_on(plugin, to, to.plugin_enable, "enable",
              "Take leases again; allow a waiting upgrade",
              help::plugin_enable);
  add_verb_on(plugin, to, to.plugin_remove, "remove", "Remove a plugin",
              help::plugin_remove);
  add_verb_on(plugin, to, to.plugin_reset, "reset",
              "Close its circuit breaker: try it now", help::plugin_reset);
  add_plugin_test(plugin, to);
}

void add_lease(CLI::App& app, draft& to) {
  auto& lease = *app.add_subcommand("lease", "Leases: who holds what");
  lease.group("Records");
  auto& x = to.lease_list;
  auto& list
    = add_verb(lease, "list", "List leases, latest first", help::lease_list,
               [&to] { to.result.verb = to.lease_list; });
  add_text(list, "--env", x.environment, "NAME", "Only of this environment");
  add_text(list, "--run", x.run, "ID", "Only of this run");
  list.add_flag("--all", x.all, "Those too that have ended for good");
  list.add_option("--limit", x.limit, "At most so many; default 100")
    ->option_text("N")
    ->check(CLI::Range(1u, 100'000u));
  auto& show
    = add_verb(lease, "show", "Show a lease and its history", help::lease_show,
               [&to] { to.result.verb = to.lease_show; });
  add_name(show, to.lease_show.id, "ID", "The lease, or how its id begins");
  auto& resume = add_verb(
    lease, "resume", "Run a command in what a lease has left",
    help::lease_resume, [&to] { to.result.verb = to.run; }, true);
  add_name(resume, to.run.resume, "ID", "The lease, or how its id begins");
  add_run_options(resume, to);
  auto& end = to.lease_release;
  auto& release = add_verb(lease, "release", "End a lease", help::lease_release,
                           [&to] { to.result.verb = to.lease_release; });
  add_name(release, end.id, "ID", "The lease, or how its id begins");
  auto* failed = release.add_flag("--failed", end.failed, "The run failed");
  release.add_flag("--expired", end.expired, "The run took too long")
    ->excludes(failed);
  add_text(release, "--reason", end.reason, "TEXT", "For the record");
  auto& destroy = add_verb(lease, "destroy", "Remove a lease's resource now",
                           help::lease_destroy,
                           [&to] { to.result.verb = to.lease_destroy; });
  add_name(destroy, to.lease_destroy.id, "ID",
           "The lease, or how its id begins");
  add_text(destroy, "--reason", to.lease_destroy.reason, "TEXT",
           "For the record");
  add_cleanup_verbs(lease, to);
}

void add_company(CLI::App& verb, std::string& to) {
  add_text(verb, "--company", to, "ID", "Whose secret; default: default");
}

void add_version(CLI::App& verb, uint32_t& to, const std::string& description) {
  verb.add_option("--version", to, description)
    ->option_text("N")
    ->check(CLI::Range(1u, 1'000'000u));
}

/// Where a secret is bound.
template <class Verb>
void add_target(CLI::App& verb, Verb& x) {
  auto* env = add_text(verb, "--env", x.environment, "NAME",
                       "The environment that uses it");
  add_text(verb, "--plugin", x.plugin, "KEY", "The plugin that uses it")
    ->excludes(env);
  add_text(verb, "--path", x.path, "PATH (required)",
           "Where in its config, such as auth.token")
    ->required();
}

void add_secret_values(CLI::App& secret, draft& to) {
  auto& put
    = add_verb(secret, "put", "Add a secret; its value comes from stdin",
               help::secret_put, [&to] { to.result.verb = to.secret_put; });
  add_name(put, to.secret_put.name, "NAME", "Its name");
  add_text(put, "--description", to.secret_put.description, "TEXT",
           "For people");
  add_company(put, to.secret_put.company);
  auto& rotate = add_verb(
    secret, "rotate", "Give a secret another value, from stdin",
    help::secret_rotate, [&to] { to.result.verb = to.secret_rotate; });
  add_name(rotate, to.secret_rotate.name, "NAME", "The secret");
  add_company(rotate, to.secret_rotate.company);
}

void add_secret_bindings(CLI::App& secret, draft& to) {
  auto& bind
    = add_verb(secret, "bind", "Let an environment use a secret",
               help::secret_bind, [&to] { to.result.verb = to.secret_bind; });
  add_name(bind, to.secret_bind.name, "NAME", "The secret");
  add_target(bind, to.secret_bind);
  add_version(bind, to.secret_bind.version,
              "Always this version; default: the latest");
  add_company(bind, to.secret_bind.company);
  auto& unbind
    = add_verb(secret, "unbind", "Take that back", help::secret_unbind,
               [&to] { to.result.verb = to.secret_unbind; });
  add_target(unbind, to.secret_unbind);
  add_company(unbind, to.secret_unbind.company);
}

/// `enable` and `disable`.
template <class Verb>
void add_switch(CLI::App& secret, draft& to, Verb& x, const std::string& name,
                const std::string& description, const char* footer) {
  auto& verb = add_verb(secret, name, description, footer,
                        [&to, &x] { to.result.verb = x; });
  add_name(verb, x.name, "NAME", "The secret");
  add_version(verb, x.version, "Only this version");
  add_company(verb, x.company);
}

void add_secret(CLI::App& app, draft& to) {
  auto& secret = *app.add_subcommand("secret", "Secrets: what configs name");
  secret.group("Configuration");
  add_secret_values(secret, to);
  auto& list
    = add_verb(secret, "list", "List secrets and where they are bound",
               help::secret_list, [&to] { to.result.verb = to.secret_list; });
  add_company(list, to.secret_list.company);
  add_secret_bindings(secret, to);
  add_switch(secret, to, to.secret_disable, "disable",
             "Let nobody use a secret", help::secret_disable);
  add_switch(secret, to, to.secret_enable, "enable", "Let it be used again",
             help::secret_enable);
  auto& remove = add_verb(secret, "remove", "Forget a secret for good",
                          help::secret_remove,
                          [&to] { to.result.verb = to.secret_remove; });
  add_name(remove, to.secret_remove.name, "NAME", "The secret");
  remove.add_flag("--force", to.secret_remove.force,
                  "Even if it is bound somewhere");
  add_company(remove, to.secret_remove.company);
}

} // namespace

void add_verbs(CLI::App& app, draft& to) {
  app.formatter(std::make_shared<usage_formatter>(false));
  app.footer(help::program);
  app.require_subcommand(1);
  add_run(app, to);
  auto& probe = add_verb(app, "probe", "Test whether an environment works",
                         help::probe, [&to] { to.result.verb = to.probe; });
  probe.group("Work");
  add_name(probe, to.probe.environment, "ENV", "The environment");
  add_env(app, to);
  add_plugin(app, to);
  add_secret(app, to);
  add_lease(app, to);
  add_doctor(app, to);
  add_verb(app, "version", "Print the version", help::version, [&to] {
    to.result.verb = version_arguments{};
  }).group("Records");
  for (auto* name : {"env", "plugin", "secret", "lease"}) {
    auto* group = app.get_subcommand(name);
    group->formatter(std::make_shared<usage_formatter>(false));
    group->footer("leasehold " + std::string{name} + " VERB --help says more.");
    group->require_subcommand(1);
  }
  add_common(app, to.result.common);
}

} // namespace leasehold::cli
