#include "drivers/local_driver.hpp"

#include "drivers/command_rules.hpp"
#include "drivers/workspace_record.hpp"
#include "messages/json.hpp"
#include "messages/json_writer.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace leasehold {

namespace {

using nlohmann::json;

constexpr auto default_path = "/usr/local/bin:/usr/bin:/bin";

failure invalid(std::string text) {
  return {ec::invalid_request, std::move(text)};
}

failure not_started(std::string text, std::string detail = {}) {
  return {ec::command_not_started, std::move(text), std::move(detail)};
}

/// Whether a command may see this variable of the host. Everything else may
/// hold a secret.
bool is_harmless(std::string_view key) {
  constexpr auto allowed = std::to_array<std::string_view>(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "SHELL",
     "TERM"});
  return key.starts_with("LC_")
         || std::find(allowed.begin(), allowed.end(), key) != allowed.end();
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

/// A text of a JSON object; empty if it has none of that name.
std::string text_in(const json_text& object, const char* key) {
  auto parsed = json::parse(object.text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains(key) || !parsed[key].is_string())
    return {};
  return parsed[key].get<std::string>();
}

/// The time limit that a config sets; zero if it sets none.
milliseconds timeout_in(const json_text& config) {
  auto parsed = json::parse(config.text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("timeoutMs")
      || !parsed["timeoutMs"].is_number_unsigned())
    return milliseconds{0};
  return milliseconds{parsed["timeoutMs"].get<int64_t>()};
}

/// Where a command runs.
std::string folder_of(const run_command& what) {
  auto home = text_in(what.lease.metadata, "workspaceCwd");
  auto base = std::filesystem::path{home.empty() ? "/" : home};
  return what.spec.cwd.empty() ? base : base / what.spec.cwd;
}

failure not_found(const std::string& command, const std::string& path) {
  if (command.find('/') != std::string::npos)
    return not_started("Command \"" + command
                       + "\" was not found, or is not executable.");
  return not_started("Command \"" + command + "\" was not found in PATH.",
                     "PATH is \"" + path
                       + "\". Install the command, or set PATH for it.");
}

} // namespace

local_host this_host() {
  local_host out;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0)
    out.hostname = name.data();
  std::error_code ignored;
  out.cwd = std::filesystem::current_path(ignored);
  for (auto** entry = ::environ; entry && *entry; ++entry) {
    std::string_view text{*entry};
    // The engine's master key is nobody else's.
    if (text.starts_with("LEASEHOLD_MASTER_KEY="))
      continue;
    if (auto end = text.find('='); end != std::string_view::npos)
      out.env.emplace(text.substr(0, end), text.substr(end + 1));
  }
  return out;
}

local_driver::local_driver(process_launcher& launcher, io_loop& loop,
                           std::string guard, local_host host,
                           local_limits limits)
  : launcher_{launcher}, loop_{loop}, guard_{std::move(guard)},
    host_{std::move(host)}, limits_{limits} {
  // nop
}

local_driver::~local_driver() {
  std::map<uint64_t, running> rows;
  std::lock_guard guard{running_->mutex};
  rows.swap(running_->rows);
}

std::string_view local_driver::key() const noexcept {
  return "local";
}

void local_driver::validate(const environment_context& place,
                            completion<json_text> then) {
  then(canonical_object(place.config.text, "The config of a local "
                                           "environment"));
}

void local_driver::probe(const environment_context&,
                         completion<probe_report> then) {
  json details{{"hostname", host_.hostname}, {"cwd", host_.cwd}};
  probe_report report;
  report.ok = true;
  report.driver = key();
  report.summary = "Local environment is available on this Leasehold host.";
  report.details
    = json_text{details.dump(-1, ' ', false, json::error_handler_t::replace)};
  then(std::move(report));
}

void local_driver::plan(const plan_lease& what, completion<lease_plan> then) {
  lease_plan out;
  out.provider = key();
  json_writer metadata{80};
  metadata.text("driver", "local");
  if (what.workspace_mode.empty())
    metadata.json("executionWorkspaceMode", "null");
  else
    metadata.text("executionWorkspaceMode", what.workspace_mode);
  out.metadata = std::move(metadata).done();
  then(std::move(out));
}

void local_driver::release(release_resource what, completion<> then) {
  cancel(what.lease, {});
  then(done{});
}

void local_driver::destroy(destroy_resource what, completion<> then) {
  cancel(what.lease, {});
  then(done{});
}

void local_driver::realize(place_workspace what,
                           completion<workspace_realized> then) {
  if (!what.local_path.empty() && !is_folder(what.local_path))
    return then(invalid("The workspace folder \"" + what.local_path
                        + "\" does not exist on this host."));
  auto cwd = !what.local_path.empty()    ? what.local_path
             : !what.remote_path.empty() ? what.remote_path
                                         : "/";
  then(realized_by(build_workspace_record({"local", "local", what, cwd, {}}),
                   {}, cwd));
}

void local_driver::execute(run_command what,
                           std::shared_ptr<output_sink> output,
                           completion<command_result> then) {
  auto request = prepare(what);
  if (!request)
    return then(request.error());
  request->sink = std::move(output);
  std::lock_guard guard{running_->mutex};
  auto number = ++running_->last;
  auto finish = [rows = running_, number,
                 then = std::move(then)](result<command_result> outcome) {
    decltype(rows->rows)::node_type row;
    {
      std::lock_guard lock{rows->mutex};
      row = rows->rows.extract(number);
    }
    then(std::move(outcome));
  };
  auto command = std::make_shared<local_command>(
    loop_, launcher_, limits_, std::move(*request), std::move(finish));
  running_->rows.emplace(number,
                         running{what.lease.lease, what.execution, command});
  // Under the lock, so that no cancel comes before it.
  command->start();
}

void local_driver::cancel(const lease_context& lease,
                          const execution_id& execution) {
  std::lock_guard guard{running_->mutex};
  for (const auto& [number, row] : running_->rows)
    if (row.lease == lease.lease
        && (execution.empty() || row.execution == execution))
      row.command->cancel();
}

result<local_command::request> local_driver::prepare(run_command& what) const {
  auto& spec = what.spec;
  if (spec.command.empty())
    return invalid("A command needs a program to run.");
  if (has_nul(spec))
    return invalid("A command must not contain NUL characters.");
  local_command::request out;
  auto& launch = out.launch;
  for (const auto& [name, value] : host_.env)
    if (is_harmless(name))
      launch.env.emplace(name, value);
  for (const auto& [name, value] : spec.env) {
    if (!is_variable_name(name))
      return invalid("\"" + name
                     + "\" cannot be the name of an environment "
                       "variable.");
    launch.env.insert_or_assign(name, value);
  }
  launch.env.insert_or_assign("LEASEHOLD_LEASE_ID", what.lease.lease.value);
  launch.env.insert_or_assign("LEASEHOLD_LEASE_FENCE",
                              std::to_string(what.lease.fence));
  launch.cwd = folder_of(what);
  if (!is_folder(launch.cwd))
    return not_started("The working directory \"" + launch.cwd
                       + "\" does not exist.");
  auto& path = launch.env.emplace("PATH", default_path).first->second;
  auto program = find_program(spec.command, path, launch.cwd);
  if (program.empty())
    return not_found(spec.command, path);
  if (find_program(guard_, {}).empty())
    return not_started("The helper program \"" + guard_
                       + "\" is missing; local commands cannot run "
                         "without it.");
  launch.argv = {guard_, "--grace-ms",
                 std::to_string(limits_.term_grace.count()), "--", program};
  launch.argv.insert(launch.argv.end(), spec.args.begin(), spec.args.end());
  launch.parent_death_signal = SIGTERM;
  // Has the guard kill at once what it guards, and end.
  launch.abandon_signal = SIGQUIT;
  out.name = spec.command;
  out.stdin_text = std::move(spec.stdin_text);
  out.timeout = spec.timeout.count() > 0 ? spec.timeout
                                         : timeout_in(what.lease.place.config);
  return out;
}

} // namespace leasehold
