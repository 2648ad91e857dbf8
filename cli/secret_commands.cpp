// leasehold secret …

#include "cli/admin_commands.hpp"
#include "cli/durations.hpp"
#include "cli/report.hpp"
#include "cli/secret_input.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

namespace leasehold::cli {

namespace {

result<std::string> value_for(const std::string& name, const context& where) {
  return read_secret(STDIN_FILENO, "Value of secret " + one_line(name) + ": ",
                     where.screen);
}

/// Fails with the nearest name as suggestion.
/// The name of a secret's missing part: secrets, environments and plugins have
/// suggestions of their own.
const std::string& meant(const failure& why, const secret_bind_arguments& x) {
  if (why.code == ec::unknown_environment)
    return x.environment;
  return why.code == ec::unknown_plugin ? x.plugin : x.name;
}

/// Names for the ids of environments and plugins.
std::map<std::string, std::string> names_of_targets(engine& from) {
  std::map<std::string, std::string> out;
  if (auto all = from.environments().get())
    for (const auto& x : *all)
      out[x.id] = x.name;
  if (auto all = from.plugins().get())
    for (const auto& x : *all)
      out[x.id] = x.key;
  return out;
}

std::string place_text(const bound_place& x,
                       const std::map<std::string, std::string>& names) {
  auto pos = names.find(x.target_id);
  auto out = (pos == names.end() ? x.target_id : pos->second) + ":" + x.path;
  return x.version > 0 ? out + "@" + std::to_string(x.version) : out;
}

std::string places_text(const secret_info& x,
                        const std::map<std::string, std::string>& names) {
  std::string out;
  for (const auto& place : x.bindings)
    out += (out.empty() ? "" : ", ") + place_text(place, names);
  return out;
}

/// What `secret bind` and `unbind` are about.
std::string place_of(const std::string& environment, const std::string& plugin,
                     const std::string& path) {
  return one_line(environment.empty() ? plugin : environment) + " at "
         + one_line(path);
}

int turn(const secret_enable_arguments& what, bool on, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto how
      = in.engine.enable_secret({what.name, what.company}, on, what.version)
          .get();
    if (!how)
      return fail_about(in, where, how.error(), what.name);
    auto state = on ? "enabled" : "disabled";
    auto version = what.version > 0 ? " version " + std::to_string(what.version)
                                    : std::string{};
    if (where.common.json)
      show_json(where, {{state, what.name}});
    else
      show(where,
           "secret " + one_line(what.name) + version + " " + state + "\n");
    return 0;
  });
}

} // namespace

std::string secrets_table(const std::vector<secret_info>& rows,
                          const std::map<std::string, std::string>& names,
                          int64_t now, bool colour) {
  table result{
    {"NAME", "STATUS", "VERSION", "BOUND TO", "CHANGED", "DESCRIPTION"}};
  for (const auto& x : rows)
    result.add({{x.name},
                {x.status, x.status == "active" ? tone::good : tone::warning},
                {std::to_string(x.latest_version)},
                {places_text(x, names)},
                {x.updated_at_ms ? format_relative(x.updated_at_ms, now) : ""},
                {x.description}});
  return result.text(colour);
}

int perform(const secret_put_arguments& what, const context& where) {
  auto value = value_for(what.name, where);
  if (!value)
    return fail(where, value.error());
  return with_session(where, recovery::last, [&](session& in) {
    auto made = in.engine
                  .put_secret({what.name, std::move(*value), what.company,
                               what.description})
                  .get();
    if (!made)
      return fail(where, made.error());
    if (where.common.json)
      show_json(where, view(*made));
    else
      show(where,
           "secret " + one_line(made->name) + " added, id " + made->id + "\n");
    return 0;
  });
}

int perform(const secret_rotate_arguments& what, const context& where) {
  auto value = value_for(what.name, where);
  if (!value)
    return fail(where, value.error());
  return with_session(where, recovery::last, [&](session& in) {
    auto made
      = in.engine.rotate_secret({what.name, what.company}, std::move(*value))
          .get();
    if (!made)
      return fail_about(in, where, made.error(), what.name);
    if (where.common.json)
      show_json(where, view(*made));
    else
      show(where, "secret " + one_line(made->name) + " has version "
                    + std::to_string(made->latest_version) + " now\n");
    return 0;
  });
}

int perform(const secret_list_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto rows = in.engine.secrets(what.company).get();
    if (!rows)
      return fail(where, rows.error());
    if (where.common.json)
      show_json(where, {{"secrets", view_all(*rows)}});
    else if (rows->empty())
      show(where, "No secrets yet. Add one: leasehold secret put api-key "
                  "< FILE\n");
    else
      show(where, secrets_table(*rows, names_of_targets(in.engine), now_ms(),
                                where.screen.colour_out));
    return 0;
  });
}

int perform(const secret_bind_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto how = in.engine
                 .bind_secret({what.name, what.environment, what.plugin,
                               what.path, what.version, what.company})
                 .get();
    if (!how)
      return fail_about(in, where, how.error(), meant(how.error(), what));
    if (where.common.json)
      show_json(where, {{"bound", what.name}, {"path", what.path}});
    else
      show(where, "secret " + one_line(what.name) + " bound to "
                    + place_of(what.environment, what.plugin, what.path)
                    + "\n");
    return 0;
  });
}

int perform(const secret_unbind_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto how
      = in.engine
          .unbind_secret(
            {{}, what.environment, what.plugin, what.path, 0, what.company})
          .get();
    if (!how)
      return fail_about(in, where, how.error(),
                        what.environment.empty() ? what.plugin
                                                 : what.environment);
    if (where.common.json)
      show_json(where, {{"unbound", what.path}});
    else
      show(where, "no secret is bound to "
                    + place_of(what.environment, what.plugin, what.path)
                    + " any more\n");
    return 0;
  });
}

int perform(const secret_enable_arguments& what, const context& where) {
  return turn(what, true, where);
}

int perform(const secret_disable_arguments& what, const context& where) {
  return turn(what, false, where);
}

int perform(const secret_remove_arguments& what, const context& where) {
  return with_session(where, recovery::last, [&](session& in) {
    auto how
      = in.engine.remove_secret({what.name, what.company}, what.force).get();
    if (!how)
      return fail_about(in, where, how.error(), what.name);
    if (where.common.json)
      show_json(where, {{"removed", what.name}});
    else
      show(where, "secret " + one_line(what.name) + " removed\n");
    return 0;
  });
}

} // namespace leasehold::cli
