#pragma once

// THE JANITOR: leases that nobody else minds.

#include "actors/cleanup.hpp"
#include "actors/foreign_end.hpp"
#include "actors/mail.hpp"
#include "actors/services.hpp"
#include "actors/sweeps.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <vector>

namespace leasehold {

using janitor_options = sweep_options;

/// Ends the leases of dead engines, carries out cleanups that are owed, and
/// ends leases that have no actor here. `sweeps` decides what is done when,
/// `foreign_end` what becomes of a lease.
class janitor_state {
public:
  using protocol = janitor_actor;

  static constexpr const char* name = "leasehold.janitor";

  janitor_state(janitor_actor::pointer self, store_actor store,
                services_ptr with, janitor_options options);

  janitor_actor::behavior_type make_behavior();

private:
  using end_promise = caf::typed_response_promise<lease_ended>;

  /// Steps the sweeps, then does what they ask for.
  void on(const sweep_event::any& what);

  void perform(const sweep_effect::list_orphans& wish);
  void perform(const sweep_effect::settle_orphan& wish);
  void perform(const sweep_effect::arm_orphans& wish);
  void perform(const sweep_effect::ask& wish);
  void perform(const sweep_effect::clean& wish);
  void perform(const sweep_effect::record& wish);
  void perform(const sweep_effect::give_up_parked& wish);
  void perform(const sweep_effect::arm_sweep& wish);

  /// Sweeps again soon: the store did not do what it was asked.
  void sweep_again();

  void perform(const sweep_effect::prune& wish);
  void perform(const sweep_effect::arm_prune& wish);
  void perform(const sweep_effect::check_settled& wish);
  void perform(const sweep_effect::say& wish);

  /// Cleans up after one lease, under the fence that its row has here.
  void clean(const lease_row& row, timestamp now);

  /// No fence was had for a cleanup.
  void on_unfit(const lease_row& row, const failure& why);

  /// Destroys what the provider says it holds for this lease, unless another
  /// one has it. `found` says whether it has found something already.
  void find_and_destroy(const lease_row& row, std::vector<listed_resource> all,
                        timestamp now, bool found = false);

  void destroy(const lease_row& row, const resource_id& resource,
               completion<> then);

  /// One attempt to clean up has ended.
  void finish(const lease_row& row, const result<>& outcome);

  /// Tells whoever waits for this cleanup.
  void report(const lease_row& row, const result<>& outcome);

  void try_plugin_again(const plugin_id& plugin);

  /// Answers those who wait for this cleanup.
  void answer(const lease_ended& how);

  caf::result<cleanups_left> settle(const await_settled& what);

  void give_up_settling(uint64_t number);

  // -- janitor_operators.cpp: what operators say ------------------------------

  caf::result<lease_ended> retry(const retry_cleanup& what);

  caf::result<lease_ended> confirm(const report_gone& what);

  caf::result<lease_ended> remove(const remove_stray& what);

  // -- janitor_requests.cpp: leases without an actor --------------------------

  /// Sees to it that a row leads to a late resource; `attempt` counts from 1.
  void on_late(const late_resource& what, uint32_t attempt);

  void record_late(const late_resource& what, const lease_row& row,
                   uint32_t attempt);

  void on_late_unrecorded(const late_resource& what, uint32_t attempt,
                          const failure& why);

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
  sweeps now_;
  timer next_sweep_;
  /// When that is, by the clock of `steady_now`.
  milliseconds next_sweep_at_{0};
  timer next_recovery_;
  timer next_prune_;
  /// Whether what dead engines left has been dealt with once.
  bool recovered_ = false;
  std::vector<caf::typed_response_promise<void>> await_recovery_;
  struct settling {
    caf::typed_response_promise<cleanups_left> promise;
    timer patience;
  };
  std::map<uint64_t, settling> await_settled_;
  uint64_t last_settling_ = 0;
  /// Late resources that no row leads to yet.
  std::map<resource_id, timer> late_retries_;
  /// Who waits for a cleanup.
  std::map<lease_id, std::vector<end_promise>> await_cleanup_;
};

/// What a driver is told about a lease that only its row remembers.
[[nodiscard]] lease_context context_of(const lease_row& row,
                                       const driver& with);

} // namespace leasehold
