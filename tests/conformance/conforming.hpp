#pragma once

// The stage of the conformance suite: a worker that answers as a test says, and
// a recording of what it was told. Checks are made on the recording, outside of
// the worker, so that nothing that fails can be swallowed (PB §12.1.17).

#include "tests/support/stage.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leasehold::test {

/// The kind of store that a program runs the suite on. Each program has its
/// own: suite_on_sqlite.cpp, suite_on_postgres.cpp. Every object is an empty
/// database of its own.
class suite_store {
public:
  suite_store();
  ~suite_store();

  suite_store(const suite_store&) = delete;
  suite_store& operator=(const suite_store&) = delete;

  /// What an engine calls the database.
  [[nodiscard]] std::string url() const;

  /// Opens the database for a stage.
  [[nodiscard]] std::shared_ptr<store> open_for(const instance_id& self,
                                                store_clock clock) const;

private:
  struct place;
  std::unique_ptr<place> place_;
};

/// A worker that answers as a test says, and whose calls are kept.
struct recording {
  using json = nlohmann::json;

  void answer_call(fake_process& process, const json& request);

  /// The parameters of the last call of this method.
  [[nodiscard]] json told(const std::string& method) const;

  /// The methods that were called, in order.
  [[nodiscard]] std::vector<std::string> methods() const;

  std::vector<std::pair<std::string, json>> calls;
  std::map<std::string, json> answers{
    {"environmentAcquireLease", {{"providerLeaseId", "sandbox-1"}}}};
  /// Methods that fail, with this JSON-RPC code.
  std::map<std::string, int> refused;
  std::set<std::string> silent;
  /// What it says it supports; empty: it says nothing.
  std::vector<std::string> supported;
  /// Sent as `execute.log` before a command ends.
  std::vector<std::string> chatter;
};

/// What a driver that nobody should have called was asked.
struct spying {
  driver_script spied;
};

/// A stage with such a worker, of a plugin that declares the providers
/// `fake-plugin` and `stubborn`, which resumes nothing, and the driver
/// `fake-driver`. The environment of a case is called `x`. What stands before
/// the stage outlives it: its end is recorded, too.
struct conforming : recording, spying, suite_store, stage {
  using json = nlohmann::json;

  conforming();

  /// Makes the environment, or changes it.
  void place(const std::string& driver, const json& setup);

  /// What a run asks for.
  acquire_lease wish(const std::string& run);

  /// Takes a lease that must be granted.
  lease_granted leased(const std::string& run = "run-1");
  lease_granted leased(const acquire_lease& what);

  /// Asks for a lease that must be refused.
  failure refusal(const acquire_lease& what);

  /// Ends a lease; answers with its row.
  lease_row released(const lease_granted& lease,
                     release_status how = release_status::released);

  std::shared_ptr<answer<workspace_realized>>
  realize(const lease_granted& lease, const std::string& path,
          const json& metadata = json::object());

  /// A lease's metadata, as stored.
  json kept(const lease_granted& lease);

private:
  int last_wish_ = 0;
};

inline const nlohmann::json reusable{{"provider", "fake-plugin"},
                                     {"image", "template-b"},
                                     {"timeoutMs", 300'000},
                                     {"reuseLease", true}};

} // namespace leasehold::test
