#pragma once

// An engine on the data directory, for the length of one command.

#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "leasehold/engine.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace leasehold::cli {

/// What every command is given.
struct context {
  common_arguments common;
  console& screen;
};

struct session {
  std::filesystem::path data;
  leasehold::engine engine;
};

/// Makes the data directory ready, starts an engine on it, and sees to it that
/// the built-in providers are registered.
result<session> open_session(const context& where);

/// When a command waits for what dead engines left behind.
enum class recovery {
  /// Before its own work: it shows or changes leases.
  first,
  /// After its own work: it must not be slowed down.
  last,
};

/// How long a command waits for it.
inline constexpr std::chrono::seconds recovery_patience{5};

/// Runs `body` in a session; answers with its exit code.
int with_session(const context& where, recovery when,
                 const std::function<int(session&)>& body);

/// Prints a failure as text or JSON; answers with `exit_failed`. `suggestion`
/// is the nearest existing name.
int fail(const context& where, const failure& why,
         const std::string& suggestion = {});

/// The existing environment, provider, plugin, driver or secret (whatever
/// `code` says is unknown) that was probably meant by `name`; empty if none is
/// near.
std::string suggest(engine& from, ec code, const std::string& name);

/// Fails with the nearest name as suggestion.
int fail_about(session& in, const context& where, const failure& why,
               const std::string& name);

/// Prints a JSON value or a text to standard output.
void show_json(const context& where, const nlohmann::ordered_json& x);
void show(const context& where, const std::string& text);

} // namespace leasehold::cli
