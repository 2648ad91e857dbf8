#pragma once

// A DOCTOR: looks at everything once, says what is not as it should be, and
// leaves.

#include "actors/diagnosis.hpp"
#include "actors/mail.hpp"
#include "actors/services.hpp"
#include "messages/protocols.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <vector>

namespace leasehold {

/// Whom a DOCTOR asks.
struct doctor_colleagues {
  store_actor store;
  janitor_actor janitor;
  supervisor_actor supervisor;
};

/// Gathers symptoms in rounds, each of questions that are asked at once:
/// records; providers and configs; what is claimed by then; what listed
/// resources are said to be made for. `diagnosis` decides what that means.
class doctor_state {
public:
  using protocol = doctor_actor;

  static constexpr const char* name = "leasehold.doctor";

  doctor_state(doctor_actor::pointer self, doctor_colleagues with,
               services_ptr services);

  doctor_actor::behavior_type make_behavior();

private:
  void read_records();
  void ask_providers();
  void read_claims();
  void look_up_leases();
  void conclude();

  /// Does what is safe about a finding.
  void treat(size_t number);

  /// A finding has been dealt with, or not.
  void on_treated(size_t number, const result<lease_ended>& how);

  void list(driver& with, const environment_row& row,
            const company_id& company);

  /// Asks the store within a round; `then` takes the answer.
  template <class Answer>
  void read(store_query what, std::function<void(Answer&)> then);

  /// Asks the janitor to do something about a finding.
  template <class Message>
  void send(size_t number, Message what);

  /// One more question of this round; `arrived` follows for each, and once
  /// for the round itself.
  void begin(void (doctor_state::*next)());
  void arrived();

  void fail(const caf::error& why);

  void finish();

  void leave();

  doctor_actor::pointer self_;
  /// While it works: nothing else may refer to who waits for a driver alone.
  caf::actor alive_;
  doctor_colleagues with_;
  services_ptr services_;
  examine order_;
  symptoms seen_;
  std::vector<diagnosed> found_;
  size_t open_ = 0;
  void (doctor_state::*next_)() = nullptr;
  caf::typed_response_promise<examined> promise_;
  bool over_ = false;
};

} // namespace leasehold
