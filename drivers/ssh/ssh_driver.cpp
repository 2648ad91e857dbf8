#include "drivers/ssh/ssh_driver.hpp"

#include "drivers/command_rules.hpp"
#include "drivers/json_value.hpp"
#include "drivers/workspace_record.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace leasehold {

namespace {

using nlohmann::json;

/// How long the workspace check may take (PB §3.4).
constexpr milliseconds check_timeout{15'000};

/// What the kernel takes of a command line, less what goes around it.
constexpr size_t arguments_max = 120'000;

json parse_object(const json_text& text) {
  auto out = json::parse(text.text, nullptr, false);
  return out.is_object() ? out : json::object();
}

std::string trimmed(std::string_view text) {
  constexpr auto white_space = " \t\r\n\v\f";
  auto begin = text.find_first_not_of(white_space);
  if (begin == std::string_view::npos)
    return {};
  auto end = text.find_last_not_of(white_space);
  return std::string{text.substr(begin, end - begin + 1)};
}

failure invalid(std::string text) {
  return {ec::invalid_request, std::move(text)};
}

size_t length_of(const command_spec& spec) {
  auto out = spec.command.size();
  for (const auto& arg : spec.args)
    out += arg.size() + 3
           + 3 * static_cast<size_t>(std::count(arg.begin(), arg.end(), '\''));
  return out;
}

/// What keeps a command from being sent.
result<> check(const command_spec& spec) {
  if (spec.command.empty())
    return invalid("A command needs a program to run.");
  if (has_nul(spec))
    return invalid("A command must not contain NUL characters.");
  if (length_of(spec) > arguments_max)
    return invalid("The command and its arguments are longer than "
                   + std::to_string(arguments_max)
                   + " bytes; send what is long on standard input.");
  for (const auto& [name, value] : spec.env)
    if (!is_variable_name(name))
      return invalid("Invalid SSH environment variable key: " + name);
  return done{};
}

result<ssh::connection_request> host_of(const lease_context& lease) {
  auto config = ssh::parse_settings(lease.place.config);
  if (!config)
    return config.error();
  return ssh::connection_request{lease.place, *config, lease.lease, {}};
}

/// Where the lease's workspace is: as the host called it, else as the config
/// does.
std::string workspace_of(const lease_context& lease,
                         const ssh::settings& config) {
  auto metadata = parse_object(lease.metadata);
  auto found = metadata.find("remoteCwd");
  if (found != metadata.end() && found->is_string())
    if (auto path = trimmed(found->get_ref<const std::string&>());
        !path.empty())
      return path;
  return config.workspace_path;
}

json target_of(const ssh::settings& config) {
  return {{"host", config.host},
          {"port", config.port},
          {"username", config.username},
          {"remoteWorkspacePath", config.workspace_path}};
}

resource_ready ready_resource(const acquire_resource& what,
                              const ssh::settings& config,
                              const std::string& cwd) {
  auto metadata = parse_object(what.lease.metadata);
  metadata.update(target_of(config));
  metadata["driver"] = "ssh";
  metadata["remoteCwd"] = cwd;
  resource_ready out;
  out.resource = {"ssh://" + ssh::address_of(config) + ":"
                  + std::to_string(config.port) + cwd};
  out.metadata = pack(metadata);
  return out;
}

/// The workspace's path, or why there is none.
result<std::string> read_workspace(const ssh::settings& config,
                                   const result<command_result>& ended) {
  if (!ended)
    return ended.error();
  auto cwd = trimmed(ended->stdout_text);
  if (ended->exit_code == 0 && cwd.starts_with('/'))
    return cwd;
  return failure{ec::provider_refused,
                 "The workspace " + config.workspace_path + " on "
                   + ssh::address_of(config) + " cannot be used"
                   + (ended->timed_out ? ": the host took too long." : "."),
                 trimmed(ended->stderr_text)};
}

/// What the SSH client ended with; null if nobody saw it.
json exit_code_of(const result<command_result>& ended) {
  if (ended)
    return ended->exit_code ? json(*ended->exit_code) : json(nullptr);
  // Whatever keeps the client from a login, it ends with 255.
  if (ended.error().code == ec::provider_refused
      && !ended.error().detail.empty())
    return 255;
  return nullptr;
}

probe_report report_of(const ssh::settings& config,
                       const result<command_result>& ended) {
  auto cwd = read_workspace(config, ended);
  probe_report out;
  out.driver = "ssh";
  out.ok = cwd.has_value();
  auto details = target_of(config);
  if (cwd) {
    out.summary = "Connected to " + ssh::address_of(config)
                  + " and verified the remote workspace path.";
    details["remoteCwd"] = *cwd;
  } else {
    const auto& why = cwd.error();
    out.summary = "SSH probe failed for " + ssh::address_of(config) + ".";
    auto said = trimmed(why.detail);
    details["error"] = !said.empty()          ? said
                       : !why.message.empty() ? why.message
                                              : "SSH probe failed.";
    details["code"] = exit_code_of(ended);
  }
  out.details = pack(details);
  return out;
}

} // namespace

ssh::client_setup
client_setup_of(const std::map<std::string, std::string>& host_env) {
  ssh::client_setup out;
  for (const auto& [name, value] : host_env)
    if (!name.starts_with("LEASEHOLD_"))
      out.env.emplace(name, value);
  // Runs the client's local command.
  out.env.insert_or_assign("SHELL", "/bin/sh");
  out.env.emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  return out;
}

ssh_driver::ssh_driver(process_launcher& launcher, io_loop& loop,
                       secret_source* secrets, ssh_driver_options options)
  : loop_{loop}, options_{std::move(options)},
    hosts_{std::make_shared<ssh::connections>(loop, launcher, secrets,
                                              options_.client)},
    runner_{std::make_shared<ssh::runner>(loop, launcher, hosts_)} {
  // nop
}

ssh_driver::~ssh_driver() {
  for (const auto& weak : uploads_)
    if (auto upload = weak.lock())
      upload->cancel();
  runner_.reset();
  worker_.reset();
  // Connections belong to the loop's thread.
  loop_.post([hosts = std::move(hosts_)]() mutable { hosts.reset(); });
}

std::string_view ssh_driver::key() const noexcept {
  return "ssh";
}

void ssh_driver::validate(const environment_context& place,
                          completion<json_text> then) {
  auto config = ssh::parse_settings(place.config);
  if (!config)
    return then(config.error());
  then(ssh::to_stored(*config));
}

std::vector<secret_field> ssh_driver::secret_fields() const {
  return {
    {"privateKey", std::string{ssh::key_path}, std::string{ssh::key_field}}};
}

void ssh_driver::probe(const environment_context& place,
                       completion<probe_report> then) {
  auto draft = ssh::parse_draft(place.config);
  if (!draft)
    return then(draft.error());
  make_workspace({place, draft->config, {}, draft->private_key},
                 [config = draft->config,
                  then = std::move(then)](const result<command_result>& ended) {
                   then(report_of(config, ended));
                 });
}

void ssh_driver::plan(const plan_lease& what, completion<lease_plan> then) {
  auto config = ssh::parse_settings(what.place.config);
  if (!config)
    return then(config.error());
  json metadata{{"driver", "ssh"}, {"executionWorkspaceMode", nullptr}};
  if (!what.workspace_mode.empty())
    metadata["executionWorkspaceMode"] = what.workspace_mode;
  lease_plan out;
  out.provider = key();
  out.makes_resource = true;
  out.acquire_timeout
    = options_.client.login_max + check_timeout + milliseconds{5'000};
  out.metadata = pack(metadata);
  then(std::move(out));
}

void ssh_driver::acquire(acquire_resource what,
                         completion<resource_ready> then) {
  auto host = host_of(what.lease);
  if (!host)
    return then(host.error());
  auto answer = [what = std::move(what), config = host->config, hosts = hosts_,
                 then = std::move(then)](const result<command_result>& ended) {
    auto cwd = read_workspace(config, ended);
    if (cwd)
      return then(ready_resource(what, config, *cwd));
    // There is no lease that would end the connection.
    hosts->close(what.lease.lease);
    then(cwd.error());
  };
  make_workspace(*host, std::move(answer));
}

void ssh_driver::release(release_resource what, completion<> then) {
  end(what.lease);
  then(done{});
}

void ssh_driver::destroy(destroy_resource what, completion<> then) {
  end(what.lease);
  then(done{});
}

void ssh_driver::realize(place_workspace what,
                         completion<workspace_realized> then) {
  auto host = host_of(what.lease);
  if (!host)
    return then(host.error());
  auto cwd = workspace_of(what.lease, host->config);
  auto record = build_workspace_record({"ssh", "ssh", what, cwd, {}});
  auto out = realized_by(record);
  if (what.local_path.empty() || record.in_place)
    return then(std::move(out));
  std::error_code ignored;
  if (!std::filesystem::is_directory(what.local_path, ignored))
    return then(invalid("The workspace folder \"" + what.local_path
                        + "\" does not exist on this host."));
  upload({{*host}, what.local_path, cwd},
         [out = std::move(out), then = std::move(then)](const result<>& sent) {
           if (sent)
             then(out);
           else
             then(sent.error());
         });
}

void ssh_driver::execute(run_command what, std::shared_ptr<output_sink> output,
                         completion<command_result> then) {
  if (auto good = check(what.spec); !good)
    return then(good.error());
  auto host = host_of(what.lease);
  if (!host)
    return then(host.error());
  auto& spec = what.spec;
  ssh::ssh_command::request request;
  request.name = spec.command;
  request.timeout = spec.timeout;
  request.sink = std::move(output);
  request.job.command = std::move(spec.command);
  request.job.args = std::move(spec.args);
  request.job.cwd
    = (std::filesystem::path{workspace_of(what.lease, host->config)} / spec.cwd)
        .string();
  request.job.env = std::move(spec.env);
  request.job.env["LEASEHOLD_LEASE_ID"] = what.lease.lease.value;
  request.job.env["LEASEHOLD_LEASE_FENCE"] = std::to_string(what.lease.fence);
  request.job.stdin_text = std::move(spec.stdin_text);
  request.job.grace = options_.limits.term_grace;
  runner_->run({*host, what.execution}, std::move(request), options_.limits,
               std::move(then));
}

void ssh_driver::cancel(const lease_context& lease,
                        const execution_id& execution) {
  runner_->cancel(lease.lease, execution);
}

void ssh_driver::make_workspace(ssh::connection_request host,
                                completion<command_result> then) {
  ssh::ssh_command::request request;
  request.name = "sh";
  request.timeout = check_timeout;
  request.job.command = "/bin/sh";
  request.job.args = {"-c", "mkdir -p \"$1\" && cd \"$1\" && pwd", "sh",
                      host.config.workspace_path};
  runner_->run({std::move(host)}, std::move(request), {}, std::move(then));
}

void ssh_driver::end(const lease_context& lease) {
  {
    std::lock_guard guard{mutex_};
    for (const auto& weak : uploads_)
      if (auto upload = weak.lock(); upload && upload->lease() == lease.lease)
        upload->cancel();
  }
  cancel(lease, {});
  hosts_->close(lease.lease);
}

void ssh_driver::upload(ssh::ssh_upload::request what, completion<> then) {
  std::shared_ptr<ssh::ssh_upload> started;
  {
    std::lock_guard guard{mutex_};
    if (!worker_)
      worker_ = std::make_shared<background>(loop_);
    started = std::make_shared<ssh::ssh_upload>(
      runner_, worker_, std::move(what), std::move(then));
    std::erase_if(uploads_, [](const auto& x) { return x.expired(); });
    uploads_.push_back(started);
  }
  started->start();
}

} // namespace leasehold
