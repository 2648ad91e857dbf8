#pragma once

// What workers ask of their host: the insides of their requests (PB §5.8).

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace leasehold::rpc {

/// `secrets.resolve`: which secret, and where it stands in the plugin's config.
struct secret_question {
  secret_id secret = {};
  /// Zero: what the binding says.
  uint32_t version = 0;
  /// Empty if the worker does not say.
  std::string path = {};
};

/// Reads the parameters of `secrets.resolve`. Errors: `invalid_request`, with
/// PB's text. What was given instead of a reference is not repeated: it may be
/// a secret.
result<secret_question> parse_secret_question(const json_text& params);

/// The capabilities that a manifest lists.
std::vector<std::string> capabilities_of(const json_text& manifest);

} // namespace leasehold::rpc
