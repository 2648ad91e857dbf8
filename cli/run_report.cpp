// What `leasehold run` did.

#include "cli/run_report.hpp"

#include "cli/durations.hpp"
#include "cli/report.hpp"
#include "cli/table.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstring>

namespace leasehold::cli {

namespace {

using json = nlohmann::ordered_json;

/// "SIGINT" for 2.
std::string signal_name(int number) {
  auto* name = sigabbrev_np(number);
  return name ? std::string{"SIG"} + name : std::to_string(number);
}

json view(const finished& x) {
  json result;
  result["exit_code"] = x.exit_code ? json(*x.exit_code) : json();
  result["signal"] = x.signal.empty() ? json() : json(x.signal);
  result["timed_out"] = x.timed_out;
  result["cancelled"] = x.cancelled;
  result["metadata"] = parsed(x.metadata);
  return result;
}

json view(const std::vector<phase>& phases) {
  auto result = json::array();
  for (const auto& [name, took] : phases)
    result.push_back(
      {{"name", name}, {"ms", static_cast<double>(took.count()) / 1e6}});
  return result;
}

/// " (a, b)", or nothing.
std::string in_brackets(const std::vector<std::string>& notes) {
  std::string text;
  for (const auto& note : notes)
    text += (text.empty() ? " (" : ", ") + one_line(note);
  return text.empty() ? text : text + ")";
}

} // namespace

int signal_number(std::string_view name) {
  for (auto number = 1; number < NSIG; ++number) {
    auto* abbreviation = sigabbrev_np(number);
    if (abbreviation && name == std::string{"SIG"} + abbreviation)
      return number;
  }
  return 0;
}

int exit_code_of(const run_report& x) {
  if (x.signal != 0)
    return 128 + x.signal;
  if (x.error || !x.command)
    return exit_own_failure;
  if (x.command->timed_out)
    return exit_timed_out;
  if (x.command->exit_code)
    return *x.command->exit_code;
  if (!x.command->signal.empty())
    return 128 + signal_number(x.command->signal);
  return exit_own_failure; // cancelled by somebody else
}

outcome outcome_of(const run_report& x) {
  if (x.signal != 0)
    return outcome::expired;
  auto good = !x.error && x.command && x.command->exit_code == 0
              && !x.command->timed_out;
  return good ? outcome::released : outcome::failed;
}

// -- sentences ----------------------------------------------------------------

std::string describe(const lease& x) {
  return one_line(x.resource.empty() ? x.driver : x.driver + " " + x.resource);
}

std::string acquired_sentence(const lease& x, std::chrono::nanoseconds took) {
  std::vector<std::string> notes{describe(x)};
  if (x.origin == origin::resumed)
    notes.push_back("resumed");
  else if (x.origin == origin::replacement)
    notes.push_back(x.origin_note.empty() ? "replacement"
                                          : "replacement: " + x.origin_note);
  else if (!x.resource.empty())
    notes.push_back("fresh");
  return "acquired in " + format_duration(took) + in_brackets(notes);
}

std::string realized_sentence(const realized_workspace& x,
                              std::chrono::nanoseconds took) {
  return "workspace realized in " + format_duration(took) + " ("
         + one_line(x.cwd) + ")";
}

std::string command_sentence(const finished& x, std::chrono::nanoseconds took) {
  std::vector<std::string> notes;
  if (x.timed_out)
    notes.push_back("timed out");
  if (x.cancelled)
    notes.push_back("cancelled");
  if (x.exit_code)
    notes.push_back("exit code " + std::to_string(*x.exit_code));
  if (!x.signal.empty())
    notes.push_back(x.signal);
  return "command ended in " + format_duration(took) + in_brackets(notes);
}

std::string released_sentence(const ended_lease& x,
                              std::chrono::nanoseconds took) {
  std::vector<std::string> notes;
  if (x.status != "released")
    notes.push_back(x.status);
  if (x.parked)
    notes.push_back("parked");
  if (x.cleanup_owed)
    notes.push_back(x.cleanup_error.empty()
                      ? "cleanup owed"
                      : "cleanup owed: " + x.cleanup_error);
  return "released in " + format_duration(took) + in_brackets(notes);
}

// -- report -------------------------------------------------------------------

json view(const run_report& x) {
  json result;
  result["run"] = x.run;
  result["environment"] = x.environment;
  result["lease"] = x.granted ? view(*x.granted) : json();
  result["cwd"] = x.cwd.empty() ? json() : json(x.cwd);
  result["phases"] = view(x.phases);
  result["command"] = x.command ? view(*x.command) : json();
  result["ended"] = x.ended ? view(*x.ended) : json();
  result["cleanups_left"] = x.cleanups_left ? json(*x.cleanups_left) : json();
  result["interrupted_by"] = x.signal ? json(signal_name(x.signal)) : json();
  result["error"] = x.error ? view(*x.error) : json();
  result["exit_code"] = exit_code_of(x);
  return result;
}

} // namespace leasehold::cli
