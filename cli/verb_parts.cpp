#include "cli/verb_parts.hpp"

#include <memory>
#include <utility>

namespace leasehold::cli {

usage_formatter::usage_formatter(bool takes_command)
  : takes_command_{takes_command} {
  label("OPTIONS", "OPTION...");
  label("SUBCOMMAND", "VERB");
  label("Positionals", "Arguments");
  label("REQUIRED", "(required)");
  column_width(28);
}

std::string usage_formatter::make_help(const CLI::App* app, std::string name,
                                       CLI::AppFormatMode mode) const {
  auto text = CLI::Formatter::make_help(app, std::move(name), mode);
  for (size_t pos; (pos = text.find("\n\n\n")) != std::string::npos;)
    text.erase(pos, 1);
  return text;
}

std::string usage_formatter::make_usage(const CLI::App* app,
                                        std::string name) const {
  auto text = CLI::Formatter::make_usage(app, std::move(name));
  if (takes_command_)
    text.insert(text.find_last_not_of('\n') + 1, " -- COMMAND [ARGUMENT...]");
  return text;
}

CLI::App& add_verb(CLI::App& parent, const std::string& name,
                   const std::string& description, const char* footer,
                   std::function<void()> then, bool takes_command) {
  auto& verb = *parent.add_subcommand(name, description);
  verb.formatter(std::make_shared<usage_formatter>(takes_command));
  verb.footer(footer);
  verb.callback(std::move(then));
  verb.group("Verbs");
  return verb;
}

void add_name(CLI::App& verb, std::string& to, const std::string& label,
              const std::string& description) {
  verb.add_option(label, to, description)->required()->option_text(" ");
}

CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& to,
                      const std::string& label,
                      const std::string& description) {
  return verb.add_option(name, to, description)->option_text(label);
}

} // namespace leasehold::cli
