// The leasehold program: reads the command line and performs one verb.

#include "cli/admin_commands.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"
#include "cli/run_command.hpp"
#include "cli/run_report.hpp"
#include "cli/signals.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>

namespace leasehold::cli {

namespace {

int refuse(const usage_error& why, console& screen) {
  failure as_failure{ec::invalid_request, why.message, {}};
  if (why.json)
    screen.out(print({{"error", view(as_failure)}}));
  else
    screen.err(render_failure(as_failure, {}, false, screen.colour_err) + "  "
               + why.hint + "\n");
  return exit_usage;
}

int perform_verb(const arguments& what) {
  console screen{!what.common.no_colour};
  context where{what.common, screen};
  auto is_run = std::holds_alternative<run_arguments>(what.verb);
  try {
    return std::visit([&](const auto& x) { return perform(x, where); },
                      what.verb);
  } catch (const std::exception& why) {
    fail(where, {ec::internal, "Something unforeseen went wrong.", why.what()});
  }
  return is_run ? exit_own_failure : exit_failed;
}

int main(int argc, char** argv) {
  survive_broken_pipes();
  auto parsed = parse_arguments({argv + std::min(argc, 1), argv + argc});
  if (auto* what = std::get_if<arguments>(&parsed))
    return perform_verb(*what);
  console screen{true};
  if (auto* why = std::get_if<usage_error>(&parsed))
    return refuse(*why, screen);
  screen.out(std::get<help_wanted>(parsed).text);
  return 0;
}

} // namespace

} // namespace leasehold::cli

int main(int argc, char** argv) {
  return leasehold::cli::main(argc, argv);
}
