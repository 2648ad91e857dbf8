#pragma once

// An ENVIRONMENT: who is let in, and which parked resource a new lease gets.

#include "actors/admission.hpp"
#include "actors/mail.hpp"
#include "actors/parking.hpp"
#include "actors/services.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <set>
#include <utility>
#include <vector>

namespace leasehold {

struct environment_options {
  /// How old the configuration may be when a lease is admitted; other engines
  /// and operators change it too.
  milliseconds refresh_interval{1'000};
  /// How long it stays when nobody needs it.
  milliseconds idle_timeout{60'000};
  /// What holds where the configuration says nothing else.
  admission_limits limits;
};

/// Serialises what must be serial inside one environment. Who is let in is
/// decided by `admission`, which resource a lease gets by `parking`.
class environment_state {
public:
  using protocol = environment_actor;

  static constexpr const char* name = "leasehold.environment";

  environment_state(environment_actor::pointer self,
                    supervisor_actor supervisor, store_actor store,
                    services_ptr services, environment_row row,
                    environment_options options);

  environment_actor::behavior_type make_behavior();

private:
  using choice = caf::typed_response_promise<resource_chosen>;

  /// Tells the supervisor once nobody has come for a while.
  void arm_idle();

  /// Asks the door about one who wants in, by the configuration at hand.
  void admit(const admit_lease& who);

  /// Tells one that it is not let in.
  void refuse(const lease_id& who, failure why);

  /// Steps the door, then does what it asks for.
  void on(const admission_event::any& what);

  void perform(const admission_effect::admit& wish);
  void perform(const admission_effect::refuse& wish);
  void perform(const admission_effect::enqueue& wish);
  void perform(const admission_effect::arm& wish);

  /// Has the door go by the configuration at hand.
  void apply_limits();

  /// Counts the leases that live already; who wants in waits for it.
  void count_leases();

  /// Lets in who has come while something was being read.
  void open_door();

  /// It goes away, wherever it is.
  void leave(const lease_id& who);

  [[nodiscard]] queue_shown show() const;

  /// Reads the configuration again, then lets in who waits.
  void refresh();

  /// Reads what is parked here; choices wait for it.
  void load_parked();

  void choose(choice& promise, const choose_resource& what);

  environment_actor::pointer self_;
  supervisor_actor supervisor_;
  store_actor store_;
  services_ptr services_;
  environment_row row_;
  /// The configuration as the driver knows it.
  json_text driver_config_;
  environment_options options_;
  milliseconds read_at_;
  milliseconds used_at_;
  timer idle_;
  bool refreshing_ = false;
  bool refresh_again_ = false;
  /// Who has come while something was being read.
  std::vector<admit_lease> at_the_door_;
  admission door_;
  timer door_timer_;
  /// Whether leases are being counted, and which have ended meanwhile.
  bool counting_ = false;
  std::set<lease_id> left_meanwhile_;
  parking parked_;
  bool parked_loaded_ = false;
  std::vector<std::pair<choice, choose_resource>> choosing_;
};

} // namespace leasehold
