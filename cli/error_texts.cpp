// Failures as people read them.

#include "cli/error_texts.hpp"

#include "cli/table.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace leasehold::cli {

namespace {

/// Enough to see what a worker died of, not enough to hide the message.
constexpr size_t detail_lines_max = 12;

/// One row per code about which a user can do something.
constexpr auto hints = std::to_array<std::pair<ec, std::string_view>>({
  {ec::worker_not_ready, "The plugin's worker did not get ready in time. Look "
                         "at its words above, and at `leasehold plugin list`."},
  {ec::worker_broken, "The plugin's worker keeps crashing. Look at its words "
                      "above, repair it, and run the command again."},
  {ec::overloaded, "Too much is going on at once; try again."},
  {ec::store_unavailable, "Check that the data directory is writable, that the "
                          "disk is not full, and try again."},
  {ec::plugin_not_ready, "`leasehold plugin show KEY` shows the plugin's "
                         "state, `leasehold plugin enable KEY` lets it take "
                         "leases."},
  {ec::circuit_open, "Its provider failed again and again; its last words are "
                     "above. It is tried again by itself."},
  {ec::queue_timed_out, "The environment is at its limit; wait longer with "
                        "--queue-timeout, or raise `admission` in its config."},
  {ec::resource_gone, "The resource is not there any more; run the command "
                      "again with `leasehold run` for a fresh one."},
  {ec::not_supported, "This driver or provider cannot do that."},
  {ec::conflict, "Somebody else was faster; look again and repeat."},
  {ec::call_timed_out,
   "It may have happened. `leasehold lease list` shows what "
   "is still to be cleaned up."},
  {ec::worker_lost,
   "It may have happened. `leasehold lease list` shows what is "
   "still to be cleaned up."},
  {ec::outcome_unknown, "The command was started and nobody saw how it ended. "
                        "Check its effects before you repeat it."},
  {ec::commit_unknown, "`leasehold lease list --all` shows whether it was "
                       "recorded."},
  {ec::invalid_config, "`leasehold env show NAME` shows a configuration, "
                       "`leasehold env add NAME …` changes it."},
  {ec::unknown_environment, "`leasehold env list` lists environments, "
                            "`leasehold env add` makes one."},
  {ec::unknown_driver, "Drivers are: local, sandbox, ssh."},
  {ec::unknown_provider, "`leasehold plugin list` lists providers, `leasehold "
                         "plugin add` adds one."},
  {ec::unknown_plugin, "`leasehold plugin list` lists plugins."},
  {ec::unknown_lease, "`leasehold lease list --all` lists leases."},
  {ec::environment_inactive, "The environment is archived; use another one, or "
                             "add it again with `leasehold env add`."},
  {ec::provider_refused, "The provider's own words are above."},
  {ec::stale_lease, "Somebody else holds the resource by now; `leasehold lease "
                    "show ID` says who."},
  {ec::lease_ended, "`leasehold lease show ID` says how and when."},
  {ec::held_elsewhere, "Another leasehold process holds the lease; stop it "
                       "there, or use `leasehold lease destroy ID`."},
  {ec::command_not_started, "Check that the command exists inside the "
                            "environment, and its working directory."},
  {ec::in_use, "What holds it must go first: `leasehold lease list` shows "
               "leases, `leasehold secret list` shows bindings."},
  {ec::unknown_secret, "`leasehold secret list` lists secrets, `leasehold "
                       "secret put` makes one."},
  {ec::secret_unusable, "`leasehold secret list` shows the state of secrets; "
                        "their key is master.key in the data directory."},
  {ec::binding_missing, "`leasehold secret list` shows where secrets are "
                        "bound, `leasehold secret bind` binds one."},
  {ec::store_unusable, "Choose another data directory with --data DIR or "
                       "LEASEHOLD_DATA, or make this one usable."},
  {ec::protocol_violation, "The plugin's worker broke the protocol; --verbose "
                           "shows what it said."},
  {ec::internal, "This is a defect in Leasehold; --verbose may show more."},
});

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    result.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::string render_detail(std::string_view text, bool everything) {
  auto lines = lines_of(text);
  std::string result;
  size_t first = 0;
  if (!everything && lines.size() > detail_lines_max) {
    first = lines.size() - detail_lines_max;
    result = "    … " + std::to_string(first)
             + " earlier lines; --verbose shows them\n";
  }
  for (auto i = first; i < lines.size(); ++i)
    result += "    " + one_line(lines[i]) + "\n";
  return result;
}

/// How many characters must be changed, added, removed, or swapped with their
/// neighbour, to make `b` of `a`.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::iota(above.begin(), above.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1, i);
    for (size_t j = 1; j <= b.size(); ++j) {
      auto differ = a[i - 1] == b[j - 1] ? 0u : 1u;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + differ});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(above, std::move(row));
  }
  return above.back();
}

} // namespace

std::string hint_for(ec code) {
  for (const auto& [key, text] : hints)
    if (key == code)
      return std::string{text};
  return {};
}

std::string render_failure(const failure& what, const std::string& suggestion,
                           bool everything, bool colour) {
  auto message = what.message.empty() ? to_string(what.code) : what.message;
  auto text = paint("leasehold:", tone::bad, colour) + " " + one_line(message)
              + "\n" + render_detail(what.detail, everything);
  auto hint = suggestion.empty() ? hint_for(what.code)
                                 : "Did you mean '" + suggestion + "'?";
  if (!hint.empty())
    text += "  " + hint + "\n";
  return text;
}

std::string nearest(std::string_view name,
                    const std::vector<std::string>& known) {
  auto limit = std::max<size_t>(1, name.size() / 3);
  std::string result;
  for (const auto& candidate : known) {
    // A name that only begins so is as good as one with a single typo.
    auto begins = name.size() >= 2 && candidate.starts_with(name);
    auto distance = begins ? 1 : edit_distance(name, candidate);
    if (distance <= limit && (result.empty() || distance < limit)) {
      result = candidate;
      limit = distance;
    }
  }
  return result;
}

} // namespace leasehold::cli
