// leasehold plugin …, leasehold version.

#include "cli/admin_commands.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"

#include <nlohmann/json.hpp>

#ifndef LEASEHOLD_VERSION
#  define LEASEHOLD_VERSION "unknown"
#endif

namespace leasehold::cli {

namespace {

std::string joined(const std::vector<std::string>& words,
                   std::string_view between) {
  std::string result;
  for (const auto& word : words)
    result += (result.empty() ? "" : std::string{between}) + word;
  return result;
}

} // namespace

std::string plugins_table(const std::vector<plugin_info>& rows, bool colour) {
  table result{{"KEY", "VERSION", "STATUS", "PROVIDERS", "PROGRAM", "ERROR"}};
  for (const auto& x : rows)
    result.add({{x.key},
                {x.version},
                {x.status, x.status == "ready" ? tone::good : tone::bad},
                {joined(x.drivers, ", ")},
                {x.command.empty() ? "" : x.command.front()},
                {x.last_error, tone::bad}});
  return result.text(colour);
}

int perform(const plugin_add_arguments& what, const context& where) {
  auto manifest = read_text(what.manifest);
  if (!manifest)
    return fail(where, manifest.error());
  auto config = read_option(what.config);
  if (!config)
    return fail(where, config.error());
  return with_session(where, recovery::last, [&](session& in) {
    plugin_info wanted;
    wanted.manifest = *manifest;
    wanted.config = *config;
    wanted.command = what.command;
    wanted.env = what.env;
    auto added = in.engine.put_plugin(std::move(wanted)).get();
    if (!added)
      return fail(where, added.error());
    if (where.common.json)
      show_json(where, view(*added));
    else
      show(where, "plugin " + one_line(added->key) + " "
                    + one_line(added->version) + " added; it provides "
                    + one_line(joined(added->drivers, ", ")) + "\n");
    return 0;
  });
}

int perform(const plugin_list_arguments&, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto rows = in.engine.plugins().get();
    if (!rows)
      return fail(where, rows.error());
    if (where.common.json)
      show_json(where, {{"plugins", view_all(*rows)}});
    else if (rows->empty())
      show(where, "No plugins yet. Add one: leasehold plugin add --manifest "
                  "FILE -- PROGRAM\n");
    else
      show(where, plugins_table(*rows, where.screen.colour_out));
    return 0;
  });
}

int perform(const plugin_remove_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto removed = in.engine.remove_plugin(what.key).get();
    if (!removed) {
      const auto& why = removed.error();
      return fail(where, why, suggest(in.engine, why.code, what.key));
    }
    if (where.common.json)
      show_json(where, {{"removed", what.key}});
    else
      show(where, "plugin " + one_line(what.key) + " removed\n");
    return 0;
  });
}

int perform(const version_arguments&, const context& where) {
  if (where.common.json)
    show_json(where, {{"version", LEASEHOLD_VERSION}});
  else
    show(where, "leasehold " LEASEHOLD_VERSION "\n");
  return 0;
}

} // namespace leasehold::cli
