#pragma once

// What every implementation of the store must do. A test file opens its store
// through a `store_opener` and runs each part of the contract in a test case.

#include "storage/store.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::test {

/// Opens the store, or opens it again: what was written is there, and the store
/// that was opened before is gone. The first one of a test is empty.
using store_opener = std::function<std::unique_ptr<store>(
  const instance_id& self, store_clock clock)>;

/// A store in a test: a clock to turn, and words for what tests do.
class tried_store {
public:
  /// Opens it as `engine-1` with the environment `env-1`, which is named `box`.
  explicit tried_store(store_opener open);

  /// Closes the store and opens it again.
  void reopen();

  std::vector<result<written>> apply(const std::vector<store_write>& batch) {
    return it->apply(batch);
  }

  /// One write and how it went.
  result<written> try_to(store_write what);

  /// A write that must succeed.
  written must(store_write what);

  /// The error of a write that must fail.
  failure must_not(store_write what);

  /// A question that must have an answer of this kind.
  template <class Answer>
  Answer ask(const store_query& question);

  /// The error of a question that must not have one.
  failure ask_in_vain(const store_query& question);

  /// The row of a lease that must be there.
  lease_row lease(const std::string& id);

  /// The ids that a question about leases is answered with, in order.
  std::vector<std::string> ids(const store_query& question);

  /// A lease's history as texts such as `acquiring -> active: granted`.
  std::vector<std::string> history(const std::string& id);

  /// Inserts an active lease; returns its handle.
  lease_handle grant(const lease_row& row);

  /// Ends an active lease so that its resource waits; returns its handle.
  lease_handle park(const lease_row& row);

  /// Ends an active lease so that a cleanup is owed after this time, or by an
  /// operator.
  lease_handle owe(const lease_row& row, std::optional<milliseconds> in);

  timestamp now{1'000};
  std::unique_ptr<store> it;

private:
  store_opener open_;
};

/// A lease of `env-1` as a scheduler asks for it, not in the store yet.
lease_row a_lease(const std::string& id,
                  lease_status status = lease_status::active);

/// The same with a resource that may have one holder only.
lease_row a_holder(const std::string& id, const std::string& resource,
                   lease_status status = lease_status::active);

// -- the contract -------------------------------------------------------------

void check_grants(const store_opener& open);
void check_ends(const store_opener& open);
void check_claims(const store_opener& open);
void check_cleanups(const store_opener& open);
void check_batches(const store_opener& open);
void check_lease_lists(const store_opener& open);
// In store_contract_rescue.cpp.
void check_reattachment(const store_opener& open);
void check_parking_time(const store_opener& open);
void check_late_resources(const store_opener& open);
void check_confirmations(const store_opener& open);
void check_survey_lists(const store_opener& open);
void check_pruning(const store_opener& open);
void check_history(const store_opener& open);
void check_environments(const store_opener& open);
void check_plugins(const store_opener& open);
/// What a store held before leases named their plugins, and what becomes of
/// it. `schema` goes before the names of tables.
std::string rows_of_an_old_plugin(const std::string& schema);
void check_old_plugin(store& db);
void check_secrets(const store_opener& open);
void check_secret_bindings(const store_opener& open);
void check_secrets_of_environments(const store_opener& open);

} // namespace leasehold::test
