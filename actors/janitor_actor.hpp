#pragma once

// THE JANITOR: leases that nobody else minds.

#include "actors/cleanup.hpp"
#include "actors/foreign_end.hpp"
#include "actors/mail.hpp"
#include "actors/services.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <vector>

namespace leasehold {

struct janitor_options {
  cleanup_options cleanup;
  /// Cleanups under way at a time.
  uint32_t batch_max = 100;
  /// How often leases of dead engines are looked for.
  milliseconds orphan_interval{10'000};
  /// How often owed cleanups are looked for at the latest.
  milliseconds sweep_interval{60'000};
};

/// Ends the leases of dead engines, carries out cleanups that are owed, and
/// ends leases that have no actor here. `cleanup` decides about retries,
/// `foreign_end` about leases.
class janitor_state {
public:
  using protocol = janitor_actor;

  static constexpr const char* name = "leasehold.janitor";

  janitor_state(janitor_actor::pointer self, store_actor store,
                services_ptr with, janitor_options options);

  janitor_actor::behavior_type make_behavior();

private:
  using end_promise = caf::typed_response_promise<lease_ended>;

  // -- leases of dead engines -------------------------------------------------

  /// Ends what dead engines left, then sweeps.
  void recover();

  void end_orphan(const lease_row& row);

  void on_orphan_ended();

  // -- cleanups that are owed -------------------------------------------------

  /// Starts the cleanups that are due and arms the next sweep.
  void sweep();

  void arm_next(const lease_rows& owed);

  /// Cleans up after one lease, unless that is under way already: takes a
  /// fence, then goes on under it.
  void start(const lease_row& row);

  void clean(const lease_row& row);

  /// There was no fence for this lease.
  void on_unfit(const lease_row& row, const failure& why);

  /// Destroys what the provider says it holds for this lease.
  void find_and_destroy(const lease_row& row, std::vector<listed_resource> all);

  void destroy(const lease_row& row, const resource_id& resource,
               completion<> then);

  void finish(const lease_row& row, const result<>& outcome);

  void on_finished(const lease_row& row, const result<>& outcome);

  /// Answers those who wait for this cleanup.
  void answer(const lease_ended& how);

  caf::result<cleanups_left> settle(const await_settled& what);

  void give_up_settling(uint64_t number);

  /// Answers those who wait for nothing to be owed.
  void check_settled();

  // -- janitor_requests.cpp: leases without an actor --------------------------

  /// Has a late resource removed; `attempt` counts from 1.
  void on_late(const late_resource& what, uint32_t attempt);

  /// Removes a late resource that no row can name.
  void remove_late(const lease_row& row, const late_resource& what,
                   uint32_t attempt);

  void on_late_removed(const late_resource& what, uint32_t attempt,
                       const result<>& outcome);

  caf::result<lease_ended> end_foreign(foreign_request what);

  /// Judges the row by what is known of its owner, and acts on it.
  void end_row(const foreign_request& what, const lease_row& row,
               std::optional<bool> owner_is_dead, end_promise promise);

  void ask_owner(const foreign_request& what, const lease_row& row,
                 end_promise promise);

  void perform(const foreign_verdict::end& wish, end_promise promise);

  void perform(const foreign_verdict::remove& wish, const lease_row& row,
               end_promise promise);

  /// Cleans up, then answers with the row as it is then.
  void clean_and_answer(const lease_row& row, end_promise promise);

  // ---------------------------------------------------------------------------

  /// Asks the store; `then` gets rows of leases, `otherwise` an error.
  void query(store_query what, std::function<void(lease_rows&)> then,
             std::function<void(const caf::error&)> otherwise);

  void write(store_write what, std::function<void(const written&)> then,
             std::function<void(const caf::error&)> otherwise);

  void log(log_rank rank, const std::string& what) const;

  janitor_actor::pointer self_;
  store_actor store_;
  services_ptr with_;
  janitor_options options_;
  timer next_sweep_;
  timer next_recovery_;
  bool sweeping_ = false;
  bool sweep_again_ = false;
  bool recovering_ = false;
  size_t orphans_left_ = 0;
  /// Whether what dead engines left has been dealt with once.
  bool recovered_ = false;
  bool orphans_ended_ = false;
  std::vector<caf::typed_response_promise<void>> await_recovery_;
  struct settling {
    caf::typed_response_promise<cleanups_left> promise;
    timer patience;
  };
  std::map<uint64_t, settling> await_settled_;
  uint64_t last_settling_ = 0;
  /// Late resources that could not be removed and that no row names.
  std::map<resource_id, timer> late_retries_;
  /// Cleanups under way, and who waits for each.
  std::map<lease_id, std::vector<end_promise>> under_way_;
};

/// What a driver is told about a lease that only its row remembers.
[[nodiscard]] lease_context context_of(const lease_row& row,
                                       const driver& with);

} // namespace leasehold
