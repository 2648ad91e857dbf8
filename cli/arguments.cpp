// Reads the command line. CLI11 knows the options; everything after the first
// `--` is somebody else's command and never passes through it.

#include "cli/arguments.hpp"

#include "cli/durations.hpp"
#include "cli/error_texts.hpp"
#include "cli/verbs.hpp"

#include <algorithm>
#include <optional>

namespace leasehold::cli {

namespace {

using word_list = std::vector<std::string>;

// -- what CLI11 does not check ------------------------------------------------

using complaint = std::optional<std::string>;

complaint set_time(const std::string& option, const std::string& text,
                   std::chrono::milliseconds& to) {
  if (text.empty())
    return std::nullopt;
  auto time = parse_duration(text);
  if (!time)
    return option + ": '" + text
           + "' is no time; write 500ms, 30s, 10m or 1h30m";
  to = *time;
  return std::nullopt;
}

complaint set_variables(const word_list& words,
                        std::map<std::string, std::string>& to) {
  for (const auto& word : words) {
    auto middle = word.find('=');
    if (middle == std::string::npos || middle == 0)
      return "--env-var: '" + word + "' is not KEY=VALUE";
    to[word.substr(0, middle)] = word.substr(middle + 1);
  }
  return std::nullopt;
}

complaint set_command(const std::optional<word_list>& words, word_list& to) {
  if (!words || words->empty())
    return "there is no command; it goes after --";
  if (words->front().empty())
    return "the command after -- is an empty text";
  to = *words;
  return std::nullopt;
}

complaint complete(const draft& from, const std::optional<word_list>& command,
                   run_arguments& x) {
  if (auto bad = set_command(command, x.command))
    return bad;
  if (auto bad = set_variables(from.env_vars, x.env))
    return bad;
  if (auto bad = set_time("--timeout", from.timeout, x.timeout))
    return bad;
  if (auto bad
      = set_time("--queue-timeout", from.queue_timeout, x.queue_timeout))
    return bad;
  return set_time("--ttl", from.ttl, x.ttl);
}

/// A manifest has a command, a source has none.
complaint set_offer(const draft& from, const std::optional<word_list>& command,
                    plugin_offer_arguments& x) {
  if (!x.manifest.empty() && !x.source.empty())
    return "give a source or --manifest, not both";
  if (x.manifest.empty() && command)
    return "a command goes with --manifest; a package says itself what its "
           "worker is";
  if (!x.manifest.empty())
    if (auto bad = set_command(command, x.command))
      return bad;
  return set_variables(from.env_vars, x.env);
}

complaint complete(const draft& from, const std::optional<word_list>& command,
                   plugin_add_arguments& x) {
  if (x.manifest.empty() && x.source.empty())
    return "say what to add: a folder, an npm package, or --manifest FILE -- "
           "COMMAND";
  return set_offer(from, command, x);
}

complaint complete(const draft& from, const std::optional<word_list>& command,
                   plugin_upgrade_arguments& x) {
  return set_offer(from, command, x);
}

complaint complete(const draft& from, const std::optional<word_list>& command,
                   plugin_test_arguments& x) {
  if (x.list)
    return command ? complaint{"--list takes no command"} : std::nullopt;
  if (auto bad = set_command(command, x.command))
    return bad;
  if (auto bad = set_variables(from.env_vars, x.env))
    return bad;
  if (auto bad = set_time("--timeout", from.timeout, x.timeout))
    return bad;
  return set_time("--total-timeout", from.total_timeout, x.total_timeout);
}

/// A secret is bound to one thing.
template <class Verb>
complaint check_target(const Verb& x) {
  if (x.environment.empty() == x.plugin.empty())
    return "say where: --env or --plugin";
  return std::nullopt;
}

template <class Verb>
complaint complete(const draft&, const std::optional<word_list>& command,
                   Verb& x) {
  if (command)
    return "this verb takes no command after --";
  if constexpr (std::is_same_v<Verb, env_add_arguments>)
    if (x.provider.empty() == x.driver.empty())
      return "say what makes the environment: --provider or --driver";
  if constexpr (
    std::is_same_v<
      Verb,
      secret_bind_arguments> || std::is_same_v<Verb, secret_unbind_arguments>)
    return check_target(x);
  return std::nullopt;
}

// -- usage errors -------------------------------------------------------------

/// `leasehold lease`, and the word after it that is no verb, if any.
struct place {
  std::string path = "leasehold";
  std::string unknown;
  std::string nearest;
};

place find_place(const CLI::App& root, const word_list& words) {
  place result;
  const auto* app = &root;
  for (const auto& word : words) {
    auto verbs = app->get_subcommands([](const CLI::App*) { return true; });
    if (verbs.empty())
      break;
    if (word.starts_with('-'))
      continue;
    word_list known;
    for (const auto* verb : verbs)
      known.push_back(verb->get_name());
    auto pos = std::ranges::find(known, word);
    if (pos == known.end()) {
      result.unknown = word;
      result.nearest = nearest(word, known);
      break;
    }
    app = verbs[static_cast<size_t>(pos - known.begin())];
    result.path += " " + word;
  }
  return result;
}

usage_error explain(const CLI::App& app, const CLI::ParseError& why,
                    const word_list& words, bool json) {
  auto where = find_place(app, words);
  auto more = where.path + " --help says more.";
  if (!where.unknown.empty()) {
    auto hint = where.nearest.empty()
                  ? more
                  : "Did you mean `" + where.path + " " + where.nearest + "`?";
    return {"'" + where.unknown + "' is no verb of " + where.path, hint, json};
  }
  auto needs_dashes = where.path == "leasehold run"
                      || where.path == "leasehold lease resume"
                      || where.path == "leasehold plugin add"
                      || where.path == "leasehold plugin upgrade"
                      || where.path == "leasehold plugin test";
  if (needs_dashes
      && why.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError))
    more = "The command goes after --: " + where.path + " [OPTION...] -- "
           + "COMMAND. " + more;
  return {why.what(), more, json};
}

} // namespace

parsed_arguments parse_arguments(const word_list& words) {
  auto dashes = std::ranges::find(words, "--");
  word_list ours{words.begin(), dashes};
  std::optional<word_list> command;
  if (dashes != words.end())
    command.emplace(dashes + 1, words.end());
  auto json = std::ranges::find(ours, "--json") != ours.end();
  draft to;
  CLI::App app{"Leases execution environments to runs.", "leasehold"};
  add_verbs(app, to);
  try {
    // CLI11 takes them from the back.
    app.parse(word_list{ours.rbegin(), ours.rend()});
  } catch (const CLI::CallForHelp&) {
    return help_wanted{app.help()};
  } catch (const CLI::ParseError& why) {
    if (ours.empty())
      return help_wanted{app.help()};
    return explain(app, why, ours, json);
  }
  auto check = [&](auto& verb) { return complete(to, command, verb); };
  if (auto bad = std::visit(check, to.result.verb))
    return usage_error{*bad, find_place(app, ours).path + " --help says more.",
                       json};
  return std::move(to.result);
}

} // namespace leasehold::cli
