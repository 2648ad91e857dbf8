// Configs: whether they are valid, and whether they work here.

#include "drivers/bubblewrap/provider.hpp"
#include "drivers/bubblewrap/sandbox_process.hpp"

#include <utility>

namespace leasehold::bubblewrap {

namespace {

using kit::json;

/// A command in a sandbox without a box, to see whether that works here.
struct trial {
  std::shared_ptr<sandbox_process> process;
  std::string words;
};

json report(bool ok, const std::string& summary, json diagnostics) {
  return {{"ok", ok},
          {"summary", summary},
          {"diagnostics", std::move(diagnostics)},
          {"metadata", {{"provider", "bubblewrap"}}}};
}

json refusal(const std::string& words) {
  json hint{{"severity", "info"},
            {"code", "user_namespaces"},
            {"message", "Bubblewrap needs user namespaces: see sysctl "
                        "kernel.unprivileged_userns_clone and "
                        "user.max_user_namespaces, and AppArmor."}};
  json error{
    {"severity", "error"}, {"code", "sandbox_failed"}, {"message", words}};
  return report(false, "bubblewrap cannot make a sandbox here.", {error, hint});
}

json success(std::string words) {
  while (!words.empty() && words.back() == '\n')
    words.pop_back();
  auto version = words.substr(words.rfind(' ') + 1);
  return report(
    true, "bubblewrap " + version + " is ready.",
    {{{"severity", "info"}, {"code", "version"}, {"message", words}}});
}

std::vector<std::string> trial_options(const host_layout& host,
                                       const std::string& program) {
  std::vector<std::string> out{
    "--unshare-all", "--unshare-user", "--die-with-parent",
    "--new-session", "--uid",          "1000",
    "--gid",         "1000",           "--ro-bind",
    "/usr",          "/usr",           "--proc",
    "/proc",         "--dev",          "/dev",
    "--ro-bind",     program,          "/bwrap"};
  for (const auto& [name, target] : host.links)
    out.insert(out.end(), {"--symlink", target, name});
  for (const auto& name : host.directories)
    out.insert(out.end(), {"--ro-bind", name, name});
  return out;
}

} // namespace

void provider::validate(const kit::call& what) {
  auto [config, errors]
    = read_config(kit::required_object(what.params(), "config"));
  if (errors.empty())
    what.reply({{"ok", true}, {"normalizedConfig", to_json(config)}});
  else
    what.reply({{"ok", false}, {"errors", errors}});
}

void provider::probe(const kit::call& what) {
  config_of(what.params());
  auto where = program();
  auto run = std::make_shared<trial>();
  auto refuse = [what](const std::string& why) { what.reply(refusal(why)); };
  auto note = [run](auto bytes) { run->words += bytes; };
  sandbox_events tell;
  tell.on_failure = [refuse](const failure& why) { refuse(why.message); };
  tell.on_stdout = note;
  tell.on_stderr = note;
  tell.on_exit = [run, what, refuse](const sandbox_exit& how) {
    if (how.exit_code == 0)
      what.reply(success(run->words));
    else
      refuse(run->words);
    run->process.reset();
  };
  // Bubblewrap tells its version from inside a sandbox: both at one go.
  auto started = sandbox_process::start(
    me_.loop(), me_.launcher(), where, trial_options(host_, where),
    {"/bwrap", "--version"}, std::move(tell));
  if (!started)
    return refuse(started.error().message);
  run->process = *started;
  run->process->child().close_stdin();
}

} // namespace leasehold::bubblewrap
