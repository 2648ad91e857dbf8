#pragma once

// How drivers get the secrets that a config names, without knowing who keeps
// them.

#include "messages/result.hpp"
#include "messages/secret.hpp"

#include <string>
#include <vector>

namespace leasehold {

/// The secrets of one engine. Thread-safe.
class secret_source {
public:
  virtual ~secret_source() = default;

  /// Completes with the values in the order of the requests, or with the first
  /// error: `unknown_secret`, `secret_unusable`, `binding_missing`, with the
  /// texts of PB §1.4. Values are for one call: do not keep, log or store them.
  virtual void resolve(std::vector<secret_request> what,
                       completion<std::vector<std::string>> then)
    = 0;
};

} // namespace leasehold
