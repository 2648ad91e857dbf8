#pragma once

// A LEASE: one granted lease, its deadline, its commands, its end.

#include "actors/lease_output.hpp"
#include "actors/mail.hpp"
#include "actors/services.hpp"
#include "actors/tenancy.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace leasehold {

struct lease_options {
  /// How long cancelled commands get to end before the release goes on.
  milliseconds drain_timeout{10'000};
  /// How long a provider may take to release before its cleanup is owed.
  milliseconds release_timeout{60'000};
  /// How soon an end that the store could not take is written again.
  milliseconds record_retry{1'000};
  /// How long a parked resource waits for the next run; zero: for ever. What
  /// the environment's config says goes before.
  milliseconds parked_ttl{0};
};

/// Whom a LEASE talks to.
struct lease_colleagues {
  supervisor_actor supervisor;
  store_actor store;
  janitor_actor janitor;
};

/// Turns what is asked of a lease into events of its tenancy, and carries out
/// what follows.
class lease_state {
public:
  using protocol = lease_actor;

  static constexpr const char* name = "leasehold.lease";

  /// `at` is when the store wrote the grant.
  lease_state(lease_actor::pointer self, lease_row row,
              environment_context place, bool makes_resource, timestamp at,
              lease_colleagues with, services_ptr services,
              lease_options options);

  lease_actor::behavior_type make_behavior();

private:
  using end_promise = caf::typed_response_promise<lease_ended>;

  /// A command that runs, and who is told.
  struct running_command {
    caf::typed_response_promise<command_result> promise;
    std::shared_ptr<output_sink> watcher;
    std::shared_ptr<lease_output> output;
  };

  /// Steps the tenancy, then does what it asks for.
  void on(const tenancy_event::any& what);

  void perform(const tenancy_effect::cancel_commands& wish);
  void perform(const tenancy_effect::arm_patience& wish);
  void perform(const tenancy_effect::call_release& wish);
  void perform(const tenancy_effect::call_destroy& wish);
  void perform(const tenancy_effect::record& wish);
  void perform(const tenancy_effect::arm_retry& wish);
  void perform(const tenancy_effect::announce& wish);
  void perform(const tenancy_effect::excuse& wish);
  void perform(const tenancy_effect::withdraw& wish);

  caf::result<command_result> execute(execute_command& what);
  void on_command_end(const execution_id& which, result<command_result> how);
  void on_output(const execution_id& which, output_chunk& chunk);
  caf::result<workspace_realized> realize(realize_workspace& what);
  void on_realized(workspace_realized how,
                   caf::typed_response_promise<workspace_realized> promise);
  // -- lease_hold.cpp: whose it is ------------------------------------------

  caf::result<lease_retaken> retake(const retake_lease& what);
  void on_retaken(const written& how, milliseconds ttl);
  void on_not_retaken(const failure& why, milliseconds ttl,
                      caf::typed_response_promise<lease_retaken> promise);

  /// Serves nobody, or serves again.
  void hold(bool still);

  /// Why it serves nobody, if it does not.
  [[nodiscard]] std::optional<failure> why_still() const;

  // -------------------------------------------------------------------------

  caf::result<lease_renewed> renew(const renew_lease& what);
  caf::result<lease_ended> end(const lease_handle& handle, lease_ending how,
                               bool wait_for_commands);
  caf::result<lease_ended> destroy(const destroy_lease& what);

  /// What is wrong with a handle or the state, if anything.
  [[nodiscard]] std::optional<failure> check(const lease_handle& handle) const;

  /// Ends the lease when its time is up; `now` is the store's.
  void arm_expiry(timestamp now);

  void call_provider(uint32_t call, lease_ending::how how,
                     release_status status);

  [[nodiscard]] lease_context context() const;
  [[nodiscard]] lease_ended ending_of(const lease_outcome& how) const;

  /// Tells the supervisor, and leaves once it knows.
  void leave(lease_over last_words);

  lease_actor::pointer self_;
  lease_row row_;
  environment_context place_;
  lease_colleagues with_;
  services_ptr services_;
  lease_options options_;
  driver* driver_;
  tenancy now_;
  timestamp granted_at_;
  std::string cwd_;
  std::string cleanup_error_;
  /// Whether somebody else ended the lease.
  bool withdrawn_ = false;
  /// Whether another engine may have taken it over.
  bool still_ = false;
  /// The provider call that waits until that is known.
  std::function<void()> postponed_;
  timer expiry_;
  timer patience_;
  timer reread_;
  std::vector<end_promise> waiting_;
  /// Removals that came too late for this tenancy; the janitor's.
  std::vector<std::pair<end_promise, destroy_lease>> too_late_;
  std::map<execution_id, running_command> commands_;
};

} // namespace leasehold
