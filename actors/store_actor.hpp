#pragma once

// THE STORE: group commit in front of the database.

#include "actors/store_runner.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace leasehold {

/// Writes whatever waits in one transaction, and answers each write after the
/// commit. While one batch is on its way the next one gathers; an idle store
/// adds no delay.
class store_state {
public:
  using protocol = store_actor;

  static constexpr const char* name = "leasehold.store";

  /// Commands that one transaction takes at the most.
  static constexpr size_t batch_max = 1'024;

  store_state(store_actor::pointer self, std::shared_ptr<store_runner> runner);

  store_actor::behavior_type make_behavior();

private:
  using write_promise = caf::typed_response_promise<written>;
  using read_promise = caf::typed_response_promise<store_answer>;

  /// Hands the gathered writes to the runner, unless it is busy.
  void flush();

  void on_outcomes(write_outcomes& what);

  store_actor::pointer self_;
  std::shared_ptr<store_runner> runner_;
  std::vector<store_write> gathered_;
  std::vector<write_promise> gathered_promises_;
  /// Who waits for the batch that is on its way; empty if none is.
  std::vector<write_promise> in_flight_;
  uint64_t last_question_ = 0;
  std::unordered_map<uint64_t, read_promise> questions_;
};

} // namespace leasehold
