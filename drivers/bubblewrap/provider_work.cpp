// Work in boxes: realize, execute, cancel.

#include "drivers/bubblewrap/provider.hpp"
#include "drivers/bubblewrap/sandbox_command.hpp"
#include "drivers/bubblewrap/workspace_copy.hpp"

#include <filesystem>
#include <utility>

namespace leasehold::bubblewrap {

namespace {

namespace fs = std::filesystem;

using kit::json;

[[noreturn]] void refuse(const std::string& why) {
  throw kit::rpc_error{kit::error_code::worker_error, why};
}

json realized(workspace_mode mode, const copy_report& report) {
  return {{"cwd", workspace_path},
          {"metadata",
           {{"mode", to_string(mode)},
            {"files", report.files},
            {"bytes", report.bytes},
            {"skipped", report.skipped}}}};
}

/// Whose command it is, for those who want to fence its effects.
std::map<std::string, std::string> identity(const json& params) {
  std::map<std::string, std::string> out;
  if (auto lease = kit::optional_text(params, "leaseId"); !lease.empty())
    out["LEASEHOLD_LEASE_ID"] = lease;
  if (auto fence = kit::optional_number(params, "leaseFence"))
    out["LEASEHOLD_LEASE_FENCE"] = std::to_string(*fence);
  return out;
}

std::map<std::string, std::string> variables(const json& params) {
  auto out = kit::optional_text_map(params, "env");
  for (const auto& [name, value] : out)
    if (!is_variable_name(name))
      kit::reject("env/" + name, "is not a variable name");
  return out;
}

/// Unlike other texts, input may hold NUL.
std::string stdin_of(const json& params) {
  auto pos = params.find("stdin");
  if (pos == params.end() || pos->is_null())
    return {};
  if (!pos->is_string())
    kit::reject("stdin", "must be a string");
  return pos->get<std::string>();
}

std::string cwd_of(const json& params) {
  auto cwd = kit::optional_text(params, "cwd");
  if (cwd.empty())
    return workspace_path;
  if (!cwd.starts_with('/'))
    kit::reject("cwd", "must be an absolute path in the sandbox");
  return cwd;
}

std::vector<std::string> argv_of(const json& params) {
  auto out = kit::optional_texts(params, "args");
  out.insert(out.begin(), kit::required_text(params, "command"));
  return out;
}

} // namespace

box provider::open_box(const kit::json& params) {
  auto id = kit::required_text(kit::required_object(params, "lease"),
                               "providerLeaseId");
  auto found = boxes_.find(id);
  if (!found || !found->record)
    refuse("Sandbox \"" + id + "\" does not exist any more");
  if (found->record->state == box_state::parked)
    refuse("Sandbox \"" + id + "\" is parked; resume it first");
  if (activities_.stopping(id))
    refuse("Sandbox \"" + id + "\" is being released");
  return *found->record;
}

// -- workspaces ---------------------------------------------------------------

void provider::realize(const kit::call& what) {
  const auto& params = what.params();
  auto where = open_box(params);
  auto mode = config_of(params).workspace;
  auto from = kit::optional_text(kit::optional_object(params, "workspace"),
                                 "localPath");
  if (from.empty())
    return what.reply(realized(mode, {}));
  if (!from.starts_with('/'))
    kit::reject("workspace/localPath", "must be an absolute path");
  std::error_code ignored;
  if (!fs::is_directory(from, ignored))
    refuse("The workspace " + from + " is not a directory");
  if (mode == workspace_mode::bind)
    bind_in(where, from, what);
  else
    copy_in(where, from, what);
}

void provider::bind_to(const std::string& id, const std::string& folder) {
  auto bound
    = boxes_.change(id, [&folder](box& x) { x.bound_workspace = folder; });
  if (!bound)
    refuse(bound.error().message);
}

void provider::bind_in(const box& where, const std::string& from,
                       const kit::call& what) {
  bind_to(where.id, from);
  what.reply(realized(workspace_mode::bind, {}));
}

void provider::copy_in(const box& where, const std::string& from,
                       const kit::call& what) {
  if (!where.bound_workspace.empty())
    bind_to(where.id, {});
  copy_job job{from, boxes_.path_of(where.id) + "/workspace",
               boxes_.state_path(), boxes_.state_path() + "/trash"};
  auto number = activities_.begin(
    where.id, [cancelled = job.cancelled] { *cancelled = true; });
  auto then = [this, id = where.id, number, what](const auto& copied) {
    if (copied)
      what.reply(realized(workspace_mode::copy, *copied));
    else
      what.fail(kit::error_code::worker_error, copied.error().message);
    if (copied)
      for (const auto& name : copied->replaced)
        burn(name);
    activities_.end(id, number);
  };
  copying_.run([job, then]() -> background::follow_up {
    return [then, copied = copy_workspace(job)] { then(copied); };
  });
}

// -- commands -----------------------------------------------------------------

void provider::execute(const kit::call& what) {
  const auto& params = what.params();
  auto where = open_box(params);
  auto config = config_of(params);
  auto execution = kit::optional_text(params, "executionId");
  if (!execution.empty() && commands_.contains(execution))
    refuse("Execution \"" + execution + "\" is running already");
  launch_request launch{
    .host = host_,
    .config = config,
    .box_path = boxes_.path_of(where.id),
    .bound_workspace = where.bound_workspace,
    .hostname = hostname_of(where, config),
    .cwd = cwd_of(params),
    .env = command_env(config, variables(params), identity(params))};
  auto timeout = kit::optional_number(params, "timeoutMs", timeout_min);
  if (!timeout)
    timeout = config.timeout_ms;
  command_request request{
    .program = program(),
    .options = bubblewrap_options(launch),
    .argv = argv_of(params),
    .stdin_text = stdin_of(params),
    .timeout = milliseconds{std::min(timeout.value_or(0), timeout_max)},
    .output_limit = config.output_limit};
  run(where.id, execution, what, std::move(request));
}

void provider::run(const std::string& box, const std::string& execution,
                   const kit::call& what, command_request request) {
  auto number = std::make_shared<activities::number>(0);
  auto on_end = [this, box, execution, number] {
    commands_.erase(execution);
    activities_.end(box, *number);
  };
  auto command
    = std::make_shared<sandbox_command>(me_, what, std::move(request), on_end);
  *number = activities_.begin(box, [command] { command->cancel(); });
  if (!execution.empty())
    commands_[execution] = command;
  command->start();
}

void provider::cancel(const kit::call& what) {
  auto pos = commands_.find(kit::required_text(what.params(), "executionId"));
  auto running = pos == commands_.end() ? nullptr : pos->second.lock();
  if (running)
    running->cancel();
  what.reply({{"cancelled", running != nullptr}});
}

} // namespace leasehold::bubblewrap
