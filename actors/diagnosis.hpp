#pragma once

// What is not as it should be, by everything that can be known about it, and
// what may safely be done about it.

#include "messages/driver.hpp"
#include "messages/environment.hpp"
#include "messages/finding.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"
#include "messages/worker.hpp"

#include <vector>

namespace leasehold {

/// What a provider said that it holds for a company in an environment.
struct provider_listing {
  environment_id environment;
  company_id company;
  result<std::vector<listed_resource>> answer;
};

/// A config that does not validate any more.
struct broken_config {
  environment_id environment;
  failure why;
};

/// What a doctor has seen. Nothing changes the order: everything below `at` was
/// looked at afterwards, and `claims` and `named` after `listings`.
struct symptoms {
  /// The store's clock, before anything was looked at.
  timestamp at;
  instance_id self;
  std::vector<environment_row> environments;
  std::vector<plugin_row> plugins;
  std::vector<surveyed_driver> workers;
  std::vector<instance_row> engines;
  /// Live leases of dead engines, those that wait for their run among them.
  std::vector<lease_row> orphans;
  std::vector<broken_config> broken;
  std::vector<provider_listing> listings;
  /// Leases that have a resource, or may have one.
  std::vector<lease_row> claims;
  /// Leases that listed resources are said to be made for, and that claim none.
  std::vector<lease_row> named;
};

/// What may be done about a finding without asking anybody.
enum class remedy : uint8_t {
  none,
  /// Try the cleanup of `lease` again.
  retry,
  /// Have `resource`, which was made for `lease`, removed.
  remove,
  /// Have what `lease` has parked removed, which is not there.
  discard,
};

struct diagnosed {
  finding what;
  remedy cure = remedy::none;
  lease_id lease = {};
  resource_id resource = {};
};

/// What is not as it should be: what needs somebody first. Pure.
[[nodiscard]] std::vector<diagnosed> diagnose(const symptoms& seen);

/// The leases that have to be looked up before a diagnosis: listed resources
/// are said to be made for them, and no claim is theirs. Pure.
[[nodiscard]] std::vector<lease_id> leases_to_look_up(const symptoms& seen);

/// `40 s`, `5 min`, `3 h`, `2 days`.
[[nodiscard]] std::string in_words(milliseconds time);

} // namespace leasehold
