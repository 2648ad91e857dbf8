#pragma once

// What the doctor finds.

#include <cstdint>
#include <string>
#include <vector>

namespace leasehold {

/// Something that is not as it should be, in words.
struct finding {
  /// `owed`, `needs_operator`, `unknown`, `stuck`, `orphaned`, `unowned`,
  /// `missing`, `unlisted`, `engine`, `plugin` or `environment`; see
  /// docs/command-line.md.
  std::string kind = {};
  /// Whether somebody has to act. If not, the engine deals with it.
  bool needs_you = false;
  /// Whose problem it is: the id of a lease, the name of an environment, the
  /// key of a plugin, the id of an engine.
  std::string subject = {};
  /// The resource that it is about, if it is about one.
  std::string resource = {};
  /// What is wrong; a sentence.
  std::string what = {};
  /// Since when, in milliseconds since the Unix epoch by the store's clock;
  /// zero if nobody knows.
  int64_t since_ms = 0;
  /// What the engine does about it by itself, and when; a sentence.
  std::string engine_does = {};
  /// What a person can do; a sentence or a command, or nothing.
  std::string you_can = {};
  /// What was done about it just now; empty if nothing was.
  std::string done = {};

  friend bool operator==(const finding&, const finding&) = default;
};

/// ENGINE -> DOCTOR: look at everything.
struct examine {
  /// Also do what is safe.
  bool fix = false;
  /// Who says so, for the history.
  std::string who = {};
};

/// DOCTOR -> ENGINE: what is not as it should be.
struct examined {
  /// When, by the store's clock.
  int64_t at_ms = 0;
  std::vector<finding> findings = {};
};

template <class Inspector>
bool inspect(Inspector& f, finding& x) {
  return f.object(x).fields(
    f.field("kind", x.kind), f.field("needs_you", x.needs_you),
    f.field("subject", x.subject), f.field("resource", x.resource),
    f.field("what", x.what), f.field("since_ms", x.since_ms),
    f.field("engine_does", x.engine_does), f.field("you_can", x.you_can),
    f.field("done", x.done));
}

template <class Inspector>
bool inspect(Inspector& f, examine& x) {
  return f.object(x).fields(f.field("fix", x.fix), f.field("who", x.who));
}

template <class Inspector>
bool inspect(Inspector& f, examined& x) {
  return f.object(x).fields(f.field("at_ms", x.at_ms),
                            f.field("findings", x.findings));
}

} // namespace leasehold
