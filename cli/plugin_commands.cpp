// leasehold plugin …, leasehold version.

#include "cli/admin_commands.hpp"
#include "cli/breaker_report.hpp"
#include "cli/durations.hpp"
#include "cli/error_texts.hpp"
#include "cli/npm_install.hpp"
#include "cli/plugin_source.hpp"
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

int fail_on_plugin(const context& where, session& in, const failure& why,
                   const std::string& key) {
  return fail(where, why, suggest(in.engine, why.code, key));
}

int show_change(const context& where, const plugin_info& x) {
  if (where.common.json) {
    show_json(where, view(x));
    return 0;
  }
  auto text = "plugin " + one_line(x.key) + " " + one_line(x.version) + " is "
              + x.status + "\n";
  if (!x.pending_version.empty())
    text += "Version " + one_line(x.pending_version) + " waits: it also wants "
            + one_line(joined(x.pending_capabilities, ", "))
            + ".\nAllow it with: leasehold plugin enable " + one_line(x.key)
            + "\n";
  show(where, text);
  return 0;
}

/// What a plugin is to become; its variables stay unless there are others.
result<plugin_info> upgrade_of(const plugin_upgrade_arguments& what,
                               session& in) {
  auto now = in.engine.find_plugin(what.key).get();
  if (!now)
    return now;
  plugin_offer_arguments from = what;
  if (from.env.empty())
    from.env = now->env;
  if (from.manifest.empty() && from.source.empty()) {
    auto source = source_of(*now, in.data);
    if (!source)
      return source.error();
    from.source = *source;
  }
  return offered_plugin(from, in.data);
}

int show_provider(const context& where, session& in, const std::string& key) {
  auto x = in.engine.find_provider(key).get();
  if (!x)
    return fail_on_plugin(where, in, x.error(), key);
  if (where.common.json)
    show_json(where, view(*x));
  else
    show(where, drivers_table({*x}, where.screen.colour_out));
  return 0;
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

std::string drivers_table(const std::vector<driver_info>& rows, bool colour) {
  table result{{"KEY", "KIND", "PLUGIN", "NAME", "SERVES", "WORKER"}};
  for (const auto& x : rows) {
    auto down = x.worker == "broken" || x.worker == "backoff";
    result.add({{x.key},
                {x.kind},
                {x.plugin_key},
                {x.display_name},
                {x.serves ? "yes" : "", tone::good},
                {x.worker, down ? tone::bad : tone::plain}});
  }
  return result.text(colour);
}

std::string plugin_fields(const plugin_info& x, bool colour) {
  return fields({{"key", {x.key}},
                 {"id", {x.id}},
                 {"version", {x.version}},
                 {"status",
                  {x.status, x.status == "ready" ? tone::good : tone::bad}},
                 {"provides", {joined(x.drivers, ", ")}},
                 {"capabilities", {joined(x.capabilities, ", ")}},
                 {"command", {joined(x.command, " ")}},
                 {"package", {x.package_name}},
                 {"folder", {x.package_path}},
                 {"waiting", {x.pending_version, tone::warning}},
                 {"wants too", {joined(x.pending_capabilities, ", ")}},
                 {"last error", {x.last_error, tone::bad}}},
                colour)
         + json_block("Manifest", x.manifest, colour);
}

int perform(const plugin_add_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto wanted = offered_plugin(what, in.data);
    if (!wanted)
      return fail(where, wanted.error());
    auto added = in.engine.put_plugin(*wanted).get();
    if (!added) {
      undo_npm_install(in.data, *wanted);
      return fail(where, added.error());
    }
    if (where.common.json)
      show_json(where, view(*added));
    else
      show(where, "plugin " + one_line(added->key) + " "
                    + one_line(added->version) + " added; it provides "
                    + one_line(joined(added->drivers, ", ")) + "\n");
    return 0;
  });
}

int perform(const plugin_upgrade_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto wanted = upgrade_of(what, in);
    if (!wanted)
      return fail_on_plugin(where, in, wanted.error(), what.key);
    auto next = in.engine.upgrade_plugin(what.key, *wanted).get();
    if (!next) {
      undo_npm_install(in.data, *wanted);
      return fail_on_plugin(where, in, next.error(), what.key);
    }
    return show_change(where, *next);
  });
}

int perform(const plugin_disable_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto next = in.engine.disable_plugin(what.key).get();
    return next ? show_change(where, *next)
                : fail_on_plugin(where, in, next.error(), what.key);
  });
}

int perform(const plugin_enable_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto next = in.engine.enable_plugin(what.key).get();
    return next ? show_change(where, *next)
                : fail_on_plugin(where, in, next.error(), what.key);
  });
}

int perform(const plugin_show_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto x = in.engine.find_plugin(what.key).get();
    if (!x)
      return fail_on_plugin(where, in, x.error(), what.key);
    auto breaker = open_breaker_of(in.engine, "plugin", x->id);
    auto shown = view(*x);
    shown["breaker"] = breaker_json(breaker);
    auto colour = where.screen.colour_out;
    if (where.common.json)
      show_json(where, shown);
    else
      show(where, fields({{"breaker", breaker_cell(breaker, now_ms())}}, colour)
                    + plugin_fields(*x, colour));
    return 0;
  });
}

int perform(const plugin_reset_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto closed = in.engine.reset_plugin(what.key).get();
    return closed ? show_reset(where, "plugin", what.key)
                  : fail_on_plugin(where, in, closed.error(), what.key);
  });
}

int perform(const plugin_drivers_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    if (!what.key.empty())
      return show_provider(where, in, what.key);
    auto rows = in.engine.ready_drivers().get();
    if (!rows)
      return fail(where, rows.error());
    if (where.common.json)
      show_json(where, {{"drivers", view_all(*rows)}});
    else if (rows->empty())
      show(where, "No plugin that is ready provides anything.\n");
    else
      show(where, drivers_table(*rows, where.screen.colour_out));
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
      show(where, "No plugins yet. Add one: leasehold plugin add SOURCE\n");
    else
      show(where, plugins_table(*rows, where.screen.colour_out));
    return 0;
  });
}

int perform(const plugin_remove_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto known = in.engine.find_plugin(what.key).get();
    if (!known)
      return fail_on_plugin(where, in, known.error(), what.key);
    auto removed = in.engine.remove_plugin(what.key).get();
    if (!removed)
      return fail_on_plugin(where, in, removed.error(), what.key);
    remove_npm_installs(in.data, known->key);
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
