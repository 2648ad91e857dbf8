#pragma once

// What verbs are made of.

#include "cli/verbs.hpp"

#include <functional>
#include <string>

namespace leasehold::cli {

/// Says in the usage line what follows `--`.
class usage_formatter : public CLI::Formatter {
public:
  explicit usage_formatter(bool takes_command);

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;

  std::string make_usage(const CLI::App* app, std::string name) const override;

private:
  bool takes_command_;
};

/// A verb that does something; `then` notes which one it was.
CLI::App& add_verb(CLI::App& parent, const std::string& name,
                   const std::string& description, const char* footer,
                   std::function<void()> then, bool takes_command = false);

/// An argument that must be there and say something.
void add_name(CLI::App& verb, std::string& to, const std::string& label,
              const std::string& description);

CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& to,
                      const std::string& label, const std::string& description);

/// `lease retry-cleanup` and `lease confirm-gone`; in care_verbs.cpp.
void add_cleanup_verbs(CLI::App& lease, draft& to);

/// `doctor`.
void add_doctor(CLI::App& app, draft& to);

} // namespace leasehold::cli
