#pragma once

// What the janitor is told, and what it is asked.

#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <string>

namespace leasehold {

/// LEASE, SUPERVISOR -> JANITOR: a cleanup is owed; look when you can.
struct cleanup_owed {
  lease_id lease;
};

/// SUPERVISOR -> JANITOR: this plugin's worker answers again.
struct provider_is_back {
  plugin_id plugin;
};

/// ENGINE -> JANITOR: tell me when what dead engines left has been dealt with.
struct await_recovery {};

/// ENGINE -> JANITOR: tell me when no cleanup is owed, or when patience ends.
struct await_settled {
  milliseconds patience{0};
};

/// JANITOR -> ENGINE: how many cleanups are owed still.
struct cleanups_left {
  uint64_t count = 0;
};

/// ENGINE, DOCTOR -> JANITOR: an operator wants an owed cleanup tried again,
/// now; all its attempts count anew.
struct retry_cleanup {
  lease_id lease;
  /// Who says so, for the history.
  std::string who;
};

/// ENGINE -> JANITOR: an operator has seen that what an ended lease left no
/// longer exists.
struct report_gone {
  lease_id lease;
  std::string who;
};

/// DOCTOR -> JANITOR: the provider has a resource that was made for this lease
/// and that no row leads to.
struct remove_stray {
  lease_id lease;
  resource_id resource;
  std::string who;
};

template <class Inspector>
bool inspect(Inspector& f, retry_cleanup& x) {
  return f.object(x).fields(f.field("lease", x.lease), f.field("who", x.who));
}

template <class Inspector>
bool inspect(Inspector& f, report_gone& x) {
  return f.object(x).fields(f.field("lease", x.lease), f.field("who", x.who));
}

template <class Inspector>
bool inspect(Inspector& f, remove_stray& x) {
  return f.object(x).fields(f.field("lease", x.lease),
                            f.field("resource", x.resource),
                            f.field("who", x.who));
}

template <class Inspector>
bool inspect(Inspector& f, cleanup_owed& x) {
  return f.object(x).fields(f.field("lease", x.lease));
}

template <class Inspector>
bool inspect(Inspector& f, provider_is_back& x) {
  return f.object(x).fields(f.field("plugin", x.plugin));
}

template <class Inspector>
bool inspect(Inspector& f, await_recovery& x) {
  return f.object(x).fields();
}

template <class Inspector>
bool inspect(Inspector& f, await_settled& x) {
  return f.object(x).fields(f.field("patience", x.patience));
}

template <class Inspector>
bool inspect(Inspector& f, cleanups_left& x) {
  return f.object(x).fields(f.field("count", x.count));
}

} // namespace leasehold
