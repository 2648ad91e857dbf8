#pragma once

// What plugin workers answer (PB §5.6). An answer that is none is a
// `protocol_violation` of a provider that has acted.

#include "messages/driver.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"

#include <string>
#include <vector>

namespace leasehold::wire {

/// `metadata` is the engine's own part; the provider's goes beside it.
result<resource_ready> parse_ready(const json_text& answer,
                                   const json_text& metadata);
result<workspace_realized> parse_realized(const json_text& answer);
result<command_result> parse_executed(const json_text& answer);
result<std::vector<listed_resource>> parse_listed(const json_text& answer);

/// Whose probe or config it was, in words and in details.
struct subject {
  /// `sandbox` or `plugin`.
  std::string driver;
  /// `Sandbox provider "boxes"`.
  std::string words;
  /// Members of a probe's details, such as `provider` and `pluginKey`.
  json_text details;
};

result<probe_report> parse_probed(const json_text& answer,
                                  const subject& whose);

/// The config to store: the worker's own version, else what was sent. Errors:
/// `invalid_config` in the worker's words.
result<json_text> parse_validated(const json_text& answer,
                                  const json_text& sent, const subject& whose);

} // namespace leasehold::wire
