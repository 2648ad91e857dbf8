#pragma once

// An ENVIRONMENT: who is let in, and which parked resource a new lease gets.

#include "actors/mail.hpp"
#include "actors/parking.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <vector>

namespace leasehold {

struct environment_options {
  /// How old the configuration may be when a lease is admitted; other engines
  /// and operators change it too.
  milliseconds refresh_interval{1'000};
  /// How long it stays when nobody needs it.
  milliseconds idle_timeout{60'000};
};

/// Serialises what must be serial inside one environment. Its decisions are
/// `parking`'s.
class environment_state {
public:
  using protocol = environment_actor;

  static constexpr const char* name = "leasehold.environment";

  environment_state(environment_actor::pointer self,
                    supervisor_actor supervisor, store_actor store,
                    environment_row row, environment_options options);

  environment_actor::behavior_type make_behavior();

private:
  using admission = caf::typed_response_promise<lease_admitted>;
  using choice = caf::typed_response_promise<resource_chosen>;

  /// Tells the supervisor once nobody has come for a while.
  void arm_idle();

  /// Answers one who wants in, from the configuration at hand.
  void admit(admission& promise, const admit_lease& who);

  /// Reads the configuration again, then lets in who waits.
  void refresh();

  /// Reads what is parked here; choices wait for it.
  void load_parked();

  void choose(choice& promise, const choose_resource& what);

  environment_actor::pointer self_;
  supervisor_actor supervisor_;
  store_actor store_;
  environment_row row_;
  environment_options options_;
  milliseconds read_at_;
  milliseconds used_at_;
  timer idle_;
  bool refreshing_ = false;
  bool refresh_again_ = false;
  std::vector<std::pair<admission, admit_lease>> at_the_door_;
  parking parked_;
  bool parked_loaded_ = false;
  std::vector<std::pair<choice, choose_resource>> choosing_;
};

} // namespace leasehold
