#pragma once

// How drivers get the secrets that a config names, without knowing who keeps
// them.

#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace leasehold {

/// Which secret a call needs, and where it is used (PB §1.4).
struct secret_request {
  secret_id secret;
  /// Who asks: the company of the lease.
  company_id company;
  /// Where the secret is used: an environment, and a dot path in its config.
  environment_id environment;
  std::string path;
  /// Zero: the latest.
  uint32_t version = 0;
  /// Whether it has to be bound to the environment at the path. Probes of an
  /// environment that is not saved yet, and cleanups, need no binding.
  bool needs_binding = true;
};

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
