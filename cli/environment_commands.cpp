// leasehold env …, leasehold probe.

#include "cli/admin_commands.hpp"
#include "cli/breaker_report.hpp"
#include "cli/durations.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"

#include <nlohmann/json.hpp>

namespace leasehold::cli {

namespace {

using nlohmann::json;

std::string provider_in(const environment_info& x) {
  auto config = json::parse(x.config, nullptr, false);
  auto pos = config.is_object() ? config.find("provider") : config.end();
  return pos != config.end() && pos->is_string() ? pos->get<std::string>() : "";
}

cell status_cell(const std::string& status) {
  return {status, status == "active" ? tone::good : tone::warning};
}

} // namespace

std::string json_block(const std::string& title, const std::string& text,
                       bool colour) {
  auto shown = print(parsed(text));
  std::string result = "\n" + paint(title, tone::heading, colour);
  for (auto begin = size_t{0}; begin < shown.size();) {
    auto end = shown.find('\n', begin);
    result += "\n  " + one_line(shown.substr(begin, end - begin));
    begin = end + 1;
  }
  return result + "\n";
}

std::string environments_table(const std::vector<environment_info>& rows,
                               int64_t now, bool colour) {
  table result{
    {"NAME", "DRIVER", "PROVIDER", "STATUS", "CHANGED", "DESCRIPTION"}};
  for (const auto& x : rows)
    result.add({{x.name},
                {x.driver},
                {provider_in(x)},
                status_cell(x.status),
                {x.updated_at_ms ? format_relative(x.updated_at_ms, now) : ""},
                {x.description}});
  return result.text(colour);
}

// -- verbs --------------------------------------------------------------------

int perform(const env_add_arguments& what, const context& where) {
  auto wanted = environment_from(what, read_text);
  if (!wanted)
    return fail(where, wanted.error());
  return with_session(where, recovery::last, [&](session& in) {
    auto existed = in.engine.find_environment(what.name).get().has_value();
    auto added = in.engine.put_environment(*wanted).get();
    if (!added) {
      auto name = what.provider.empty() ? what.driver : what.provider;
      return fail_about(in, where, added.error(), name);
    }
    if (where.common.json)
      show_json(where, view(*added));
    else
      show(where, "environment " + one_line(added->name)
                    + (existed ? " changed\n" : " added\n"));
    return 0;
  });
}

int perform(const env_list_arguments&, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto rows = in.engine.environments().get();
    if (!rows)
      return fail(where, rows.error());
    if (where.common.json)
      show_json(where, {{"environments", view_all(*rows)}});
    else if (rows->empty())
      show(where, "No environments yet. Add one: leasehold env add box "
                  "--provider bubblewrap\n");
    else
      show(where, environments_table(*rows, now_ms(), where.screen.colour_out));
    return 0;
  });
}

int perform(const env_show_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto found = in.engine.find_environment(what.name).get();
    if (!found)
      return fail_about(in, where, found.error(), what.name);
    const auto& x = *found;
    auto colour = where.screen.colour_out;
    auto breaker = open_breaker_of(in.engine, "environment", x.id);
    auto shown = view(x);
    shown["breaker"] = breaker_json(breaker);
    if (where.common.json)
      show_json(where, shown);
    else
      show(where, fields({{"name", {x.name}},
                          {"id", {x.id}},
                          {"description", {x.description}},
                          {"driver", {x.driver}},
                          {"status", status_cell(x.status)},
                          {"changed", {format_local_time(x.updated_at_ms)}},
                          {"breaker", breaker_cell(breaker, now_ms())}},
                         colour)
                    + json_block("Configuration", x.config, colour));
    return 0;
  });
}

int perform(const env_remove_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto removed = in.engine.remove_environment(what.name).get();
    if (!removed)
      return fail_about(in, where, removed.error(), what.name);
    if (where.common.json)
      show_json(where, {{"removed", what.name}});
    else
      show(where, "environment " + one_line(what.name) + " removed\n");
    return 0;
  });
}

int perform(const env_reset_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto closed = in.engine.reset_environment(what.name).get();
    return closed ? show_reset(where, "environment", what.name)
                  : fail_about(in, where, closed.error(), what.name);
  });
}

int perform(const probe_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto found = in.engine.probe(what.environment).get();
    if (!found)
      return fail_about(in, where, found.error(), what.environment);
    auto colour = where.screen.colour_out;
    if (where.common.json)
      show_json(where, view(*found));
    else
      show(where, paint(found->ok ? "works" : "does not work",
                        found->ok ? tone::good : tone::bad, colour)
                    + ": " + one_line(found->summary) + "\n");
    return found->ok ? 0 : exit_failed;
  });
}

} // namespace leasehold::cli
