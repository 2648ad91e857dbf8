// leasehold plugin test: the worker conformance kit on a terminal.

#include "cli/plugin_test_command.hpp"

#include "cli/admin_commands.hpp"
#include "cli/builtin_plugins.hpp"
#include "cli/durations.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"
#include "cli/signals.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>

namespace leasehold::cli {

namespace {

using nlohmann::ordered_json;

/// How many lines of the worker's standard error are shown.
constexpr size_t stderr_lines = 20;

tone tone_of(check_verdict x) {
  switch (x) {
    case check_verdict::pass:
      return tone::good;
    case check_verdict::fail:
      return tone::bad;
    case check_verdict::skip:
      return tone::faint;
  }
  return tone::plain;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

size_t longest_id() {
  size_t out = 0;
  for (const auto& x : worker_checks())
    out = std::max(out, x.id.size());
  return out;
}

/// The last lines of a text.
std::string last_lines(std::string_view text, size_t count) {
  auto begin = text.size();
  while (begin > 0
         && (text[begin - 1] != '\n' || begin == text.size() || count-- > 1))
    --begin;
  return std::string{text.substr(begin)};
}

result<worker_check_options> options_from(const plugin_test_arguments& what) {
  worker_check_options out;
  out.command = what.command;
  out.env = what.env;
  out.driver_key = what.driver_key;
  out.only = what.only;
  out.timeout = what.timeout;
  out.total_timeout = what.total_timeout;
  std::pair<std::string, std::string*> texts[]
    = {{what.manifest.empty() ? "" : "@" + what.manifest, &out.manifest},
       {what.config, &out.config},
       {what.bad_config, &out.bad_config}};
  for (auto& [given, to] : texts) {
    auto text = read_option(given);
    if (!text)
      return text.error();
    *to = *text;
  }
  std::error_code ignored;
  auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (auto guard = find_helper(program, "leasehold-guard"))
    out.guard = guard->string();
  return out;
}

std::string nearest_check(const plugin_test_arguments& what) {
  std::vector<std::string> known;
  for (const auto& x : worker_checks())
    known.push_back(x.id);
  for (const auto& id : what.only)
    if (std::ranges::find(known, id) == known.end())
      return nearest(id, known);
  return {};
}

int list_checks(const context& where) {
  if (where.common.json) {
    auto rows = ordered_json::array();
    for (const auto& x : worker_checks())
      rows.push_back({{"id", x.id}, {"about", x.about}});
    show_json(where, {{"checks", rows}});
    return 0;
  }
  table rows{{"CHECK", "THE WORKER"}};
  for (const auto& x : worker_checks())
    rows.add({{x.id}, {x.about}});
  show(where, rows.text(where.screen.colour_out));
  return 0;
}

/// Bad usage that only shows when the options are used.
int refuse(const context& where, const failure& why,
           const std::string& suggestion = {}) {
  fail(where, why, suggestion);
  return exit_usage;
}

} // namespace

std::string check_line(const worker_check_result& x, bool colour) {
  static const auto width = longest_id();
  auto text = paint(upper(to_string(x.verdict)), tone_of(x.verdict), colour)
              + "  " + padded(x.what.id, width) + "  ";
  auto time = format_duration(x.took);
  text += std::string(time.size() < 8 ? 8 - time.size() : 0, ' ') + time + "  ";
  text += x.what.about;
  if (!x.reason.empty())
    text += ": " + one_line(x.reason);
  return text + "\n";
}

std::string check_summary(const worker_check_report& x, bool colour) {
  auto failed = x.count(check_verdict::fail);
  std::string text;
  if (failed > 0 && !x.stderr_tail.empty()) {
    text += "\nThe worker's last words on standard error:\n";
    auto lines = last_lines(x.stderr_tail, stderr_lines);
    for (size_t at = 0; at < lines.size();) {
      auto end = std::min(lines.find('\n', at), lines.size());
      text += "  " + one_line(lines.substr(at, end - at)) + "\n";
      at = end + 1;
    }
  }
  auto counts = std::to_string(x.count(check_verdict::pass)) + " passed, "
                + std::to_string(failed) + " failed, "
                + std::to_string(x.count(check_verdict::skip)) + " skipped";
  text += "\n" + paint(counts, failed > 0 ? tone::bad : tone::good, colour)
          + " in " + format_duration(x.took) + "\n";
  return text;
}

ordered_json check_view(const worker_check_report& x,
                        const std::vector<std::string>& command) {
  auto rows = ordered_json::array();
  for (const auto& y : x.results)
    rows.push_back({{"id", y.what.id},
                    {"about", y.what.about},
                    {"verdict", to_string(y.verdict)},
                    {"reason", y.reason},
                    {"ms", y.took.count()}});
  return {{"worker", command},
          {"driver_key", x.driver_key},
          {"methods", x.methods},
          {"passed", x.count(check_verdict::pass)},
          {"failed", x.count(check_verdict::fail)},
          {"skipped", x.count(check_verdict::skip)},
          {"ms", x.took.count()},
          {"checks", rows},
          {"stderr", x.stderr_tail}};
}

int perform(const plugin_test_arguments& what, const context& where) {
  if (what.list)
    return list_checks(where);
  std::atomic<bool> stop = false;
  interrupts watch{[&stop](int) { stop = true; },
                   [](int number) { ::_exit(128 + number); }};
  auto options = options_from(what);
  if (!options)
    return refuse(where, options.error());
  options->stop = &stop;
  auto colour = where.screen.colour_out;
  if (!where.common.json)
    options->on_result = [&](const worker_check_result& x) {
      show(where, check_line(x, colour));
    };
  auto report = check_worker(*options);
  if (!report)
    return refuse(where, report.error(), nearest_check(what));
  if (where.common.json)
    show_json(where, check_view(*report, what.command));
  else
    show(where, check_summary(*report, colour));
  if (watch.signal() != 0)
    return 128 + watch.signal();
  return report->count(check_verdict::fail) == 0 ? 0 : exit_failed;
}

} // namespace leasehold::cli
