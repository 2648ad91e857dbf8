#pragma once

// Circuit breakers as the store keeps them, and what is said about them.

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <string>

namespace leasehold {

/// What a breaker guards: `environment:<id>` or `plugin:<id>`.
struct breaker_subject {
  std::string text = {};

  friend auto operator<=>(const breaker_subject&, const breaker_subject&)
    = default;
};

inline breaker_subject subject_of(const environment_id& x) {
  return {"environment:" + x.value};
}

inline breaker_subject subject_of(const plugin_id& x) {
  return {"plugin:" + x.value};
}

/// A breaker that is open: nobody is let through until the pause is over, and
/// then one.
struct breaker_row {
  breaker_subject subject = {};
  /// Failures that opened it, and pauses since then.
  uint32_t failures = 0;
  uint32_t pauses = 0;
  /// When one may try.
  timestamp retry_at = {};
  /// The last failure.
  ec code = ec::none;
  std::string words = {};

  friend bool operator==(const breaker_row&, const breaker_row&) = default;
};

/// ENGINE -> SUPERVISOR: an operator has closed this breaker.
struct breaker_reset {
  breaker_subject subject;
};

template <class Inspector>
bool inspect(Inspector& f, breaker_subject& x) {
  return f.object(x).fields(f.field("text", x.text));
}

template <class Inspector>
bool inspect(Inspector& f, breaker_reset& x) {
  return f.object(x).fields(f.field("subject", x.subject));
}

} // namespace leasehold
