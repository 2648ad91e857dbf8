// An engine on the data directory, for the length of one command.

#include "cli/session.hpp"

#include "cli/builtin_plugins.hpp"
#include "cli/data_directory.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"

#include <nlohmann/json.hpp>

namespace leasehold::cli {

namespace {

std::string_view name_of(log_level x) {
  switch (x) {
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warning:
      return "warning";
    case log_level::error:
      return "error";
  }
  return "?";
}

std::function<void(log_level, std::string_view)> log_to(console& screen) {
  return [&screen](log_level level, std::string_view text) {
    auto line = "[" + std::string{name_of(level)} + "] " + one_line(text);
    screen.err(paint(line, tone::faint, screen.colour_err) + "\n");
  };
}

std::vector<std::string> names_for(engine& from, ec code) {
  std::vector<std::string> result;
  if (code == ec::unknown_environment) {
    if (auto all = from.environments().get())
      for (const auto& x : *all)
        result.push_back(x.name);
  } else if (code == ec::unknown_provider || code == ec::unknown_plugin) {
    if (auto all = from.plugins().get())
      for (const auto& x : *all) {
        if (code == ec::unknown_plugin)
          result.push_back(x.key);
        else
          result.insert(result.end(), x.drivers.begin(), x.drivers.end());
      }
  } else if (code == ec::unknown_secret) {
    if (auto all = from.secrets().get())
      for (const auto& x : *all)
        result.push_back(x.name);
  } else if (code == ec::unknown_driver) {
    result = {"local", "sandbox"};
  }
  return result;
}

} // namespace

result<session> open_session(const context& where) {
  auto data = choose_data_directory(where.common.data, environment_variable);
  if (!data)
    return data.error();
  if (auto ready = prepare_data_directory(*data); !ready)
    return ready.error();
  options opts;
  opts.store = (*data / "leasehold.db").string();
  if (where.common.verbose)
    opts.log = log_to(where.screen);
  auto started = engine::open(std::move(opts));
  if (!started)
    return started.error();
  session result{*data, std::move(*started)};
  if (auto ready = register_builtin_plugins(result.engine, result.data);
      !ready) {
    // Others may work; whoever needs this one will hear that it is unknown.
    const auto& why = ready.error();
    where.screen.err(
      render_failure(why, {}, where.common.verbose, where.screen.colour_err));
  }
  return result;
}

int with_session(const context& where, recovery when,
                 const std::function<int(session&)>& body) {
  auto opened = open_session(where);
  if (!opened)
    return fail(where, opened.error());
  auto recovered = opened->engine.recovered();
  if (when == recovery::first)
    recovered.wait_for(recovery_patience);
  auto exit_code = body(*opened);
  recovered.wait_for(recovery_patience);
  return exit_code;
}

int fail(const context& where, const failure& why,
         const std::string& suggestion) {
  auto& screen = where.screen;
  if (where.common.json)
    screen.out(print({{"error", view(why)}}));
  else
    screen.err(
      render_failure(why, suggestion, where.common.verbose, screen.colour_err));
  return exit_failed;
}

std::string suggest(engine& from, ec code, const std::string& name) {
  return nearest(name, names_for(from, code));
}

void show_json(const context& where, const nlohmann::ordered_json& x) {
  where.screen.out(print(x));
}

void show(const context& where, const std::string& text) {
  where.screen.out(text);
}

int fail_about(session& in, const context& where, const failure& why,
               const std::string& name) {
  return fail(where, why, suggest(in.engine, why.code, name));
}

} // namespace leasehold::cli
