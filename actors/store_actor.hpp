#pragma once

// THE STORE: group commit in front of the database.

#include "actors/store_runner.hpp"
#include "actors/write_lanes.hpp"
#include "actors/write_queue.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>

namespace leasehold {

/// Has whatever waits written in one transaction, and answers each write after
/// the commit. While one batch is on its way the next one gathers, and follows
/// it at once; an idle store adds no delay.
class store_state {
public:
  using protocol = store_actor;

  static constexpr const char* name = "leasehold.store";

  store_state(store_actor::pointer self, std::shared_ptr<store_runner> runner);

  store_actor::behavior_type make_behavior();

private:
  using write_promise = caf::typed_response_promise<written>;
  using read_promise = caf::typed_response_promise<store_answer>;

  /// What is written in one order.
  struct lane {
    explicit lane(size_t number)
      : writes{std::make_shared<write_queue>(number)} {
      // nop
    }

    std::shared_ptr<write_queue> writes;
    /// Who waits for the writes that have not been answered, first come first,
    /// and the leases that these are about.
    std::deque<std::pair<write_promise, lease_id>> waiting;
  };

  caf::result<written> write(store_write& what);

  void on_outcomes(write_outcomes& what);

  store_actor::pointer self_;
  std::shared_ptr<store_runner> runner_;
  std::array<lane, 2> lanes_{lane{write_lanes::others},
                             lane{write_lanes::grants}};
  write_lanes chooser_;
  uint64_t last_question_ = 0;
  std::unordered_map<uint64_t, read_promise> questions_;
};

} // namespace leasehold
