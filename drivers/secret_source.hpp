#pragma once

// How drivers get the secrets that a config names, without knowing who keeps
// them.

#include "messages/result.hpp"
#include "messages/secret.hpp"

#include <string>
#include <utility>
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

  /// Completes as `resolve` would, without the values: whether they can be had.
  /// Where accesses go on record, only a refusal does.
  virtual void check(std::vector<secret_request> what, completion<> then) {
    resolve(std::move(what), [then = std::move(then)](
                               const result<std::vector<std::string>>& x) {
      then(x ? result<>{done{}} : result<>{x.error()});
    });
  }
};

} // namespace leasehold
