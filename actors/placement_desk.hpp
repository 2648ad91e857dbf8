#pragma once

// The SUPERVISOR's duty towards runs that want a lease: one placement each,
// until it is granted or refused.

#include "actors/breaker_board.hpp"
#include "actors/mail.hpp"
#include "actors/placement.hpp"
#include "actors/supervisor_options.hpp"

#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace leasehold {

/// A lease that has been granted, for whoever lets it live.
struct granted_lease {
  lease_row row;
  environment_context place;
  bool makes_resource = false;
  /// When the store wrote the grant.
  timestamp at;
  /// Whose worker made the resource; empty if none did.
  plugin_id plugin;
};

/// What placements need of whoever keeps the leases that live.
class living_leases {
public:
  virtual ~living_leases() = default;

  /// Lets a lease live; called before the run is told.
  virtual void add(granted_lease what) = 0;

  /// What the run holds already and `what` would accept.
  virtual std::optional<parked_resource> own(const run_id& run,
                                             const environment_id& environment,
                                             const choose_resource& what)
    = 0;

  /// Whether the run holds something there that it may take again.
  virtual bool holds(const run_id& run, const environment_id& environment) = 0;

  /// Asks a lease to be taken again by its run.
  virtual void retake(const lease_id& lease, const retake_lease& how,
                      completion<lease_retaken> then)
    = 0;

  /// Destroys a lease; `then` is called when it is over.
  virtual void abandon(const lease_id& lease, const std::string& why,
                       std::function<void()> then)
    = 0;
};

class placement_desk {
public:
  /// `on_idle` is called when the last placement has ended.
  placement_desk(const supervisor_ties& ties, living_leases& leases,
                 breaker_board& breakers, std::function<void()> on_idle);

  caf::result<lease_granted> open(acquire_lease what);

  /// The same for a run that names the lease whose resource it wants.
  caf::result<lease_granted> resume(const resume_lease& what);

  /// The run no longer wants its leases.
  void cancel(const run_id& run);

  /// Nobody wants this lease, if it has not been granted yet.
  void cancel(const lease_id& lease);

  void cancel_all();

  /// A lease of this environment lives here.
  void on_lease_placed(const environment_id& environment,
                       const lease_id& lease);

  /// A lease of this environment has ended.
  void on_lease_over(const environment_id& environment, const lease_id& lease);

  /// Who waits for a lease in an environment.
  caf::result<queue_shown> show(const show_queue& what);

  /// A lease has left a resource for the next run.
  void park(const environment_id& environment, parked_resource what);

  /// Forgets everybody who waits, and sends the environments away.
  void abandon_all();

  [[nodiscard]] bool idle() const noexcept {
    return arrivals_.empty() && bookings_.empty();
  }

  void on_environment_changed(const environment_changed& what);

  void on_environment_idle(const environment_idle& what);

  /// An environment has answered one that waited at its door.
  void on_admitted(lease_admitted& what);

  void on_refused(const lease_refused& what);

private:
  struct known_environment;

  using known_ptr = std::shared_ptr<known_environment>;

  /// A run that has not been let in yet. A thousand may wait: one of them is no
  /// more than what it asks for.
  struct arrival {
    acquire_lease request;
    caf::typed_response_promise<lease_granted> waiting;
    /// None until it is known.
    known_ptr environment;
    /// Changes of the environment when it was asked.
    uint64_t seen = 0;
    /// Whether it waits for the environment to let it in.
    bool at_the_door = false;
    /// Whether its run holds something that it may take again.
    bool again = false;
    /// Whether it has been let in or turned away.
    bool over = false;
  };

  using arrival_ptr = std::shared_ptr<arrival>;

  /// Arrivals are known by their leases.
  struct by_lease {
    using is_transparent = void;

    size_t operator()(const lease_id& x) const {
      return std::hash<lease_id>{}(x);
    }

    size_t operator()(const arrival_ptr& x) const {
      return (*this)(x->request.id);
    }
  };

  struct same_lease {
    using is_transparent = void;

    bool operator()(const arrival_ptr& x, const arrival_ptr& y) const {
      return x->request.id == y->request.id;
    }

    bool operator()(const lease_id& x, const arrival_ptr& y) const {
      return x == y->request.id;
    }

    bool operator()(const arrival_ptr& x, const lease_id& y) const {
      return x->request.id == y;
    }
  };

  /// A placement and what the actor keeps on its behalf.
  struct booking {
    placement now;
    acquire_lease request;
    /// None if it resumes what it has named.
    known_ptr environment;
    environment_context place;
    lease_row row;
    timestamp written_at;
    timer deadline;
    caf::typed_response_promise<lease_granted> waiting;
    /// Whether it waits for the environment to let it in after all.
    bool at_the_door = false;
    /// Whether it was let in because its run holds something that it may take
    /// again.
    bool again = false;
    /// Whether the environment hears how it goes on.
    bool counted = false;
    /// The breakers that have let it through.
    std::vector<std::pair<breaker_subject, breaker_ticket>> passed;
  };

  /// What an environment that limits nobody says of itself.
  struct open_door {
    /// On the steady clock: how long that holds.
    milliseconds until;
    std::string driver;
    json_text config;
  };

  struct known_environment {
    environment_actor actor;
    environment_id id;
    std::string name;
    guarded_place guard;
    std::optional<open_door> open;
    /// How often it was changed. What it said before a change does not hold.
    uint64_t changes = 0;
    /// Whether its actor has crashed. There may be another one by now.
    bool gone = false;
  };

  /// Whether a lease of this id is on its way already.
  [[nodiscard]] bool knows(const lease_id& lease) const;

  /// One that has not been let in yet; null if there is none of this id.
  [[nodiscard]] arrival_ptr find_arrival(const lease_id& lease) const;

  /// Books a placement for one that is let in.
  booking& book(acquire_lease request,
                caf::typed_response_promise<lease_granted> waiting);

  /// Goes on with a resume once the row of the lease is known.
  void take_up(const resume_lease& what, lease_row row);

  void forget(const lease_id& lease);

  [[nodiscard]] lease_row new_row(const acquire_lease& what) const;

  /// Finds or makes the actor of an environment, then goes on with it.
  void with_environment(const std::string& name,
                        std::function<void(result<known_ptr>)> then);

  /// Makes the actor of an environment, unless it has one.
  known_ptr come_to_know(environment_row row);

  /// Nobody answers those any more who wait at its door.
  void on_crashed(const known_ptr& environment, const failure& why);

  /// Finds the environment that one wants a lease of, then enters it.
  void look_for_environment(const arrival_ptr& who);

  /// Refuses at once what a breaker would refuse; else asks the environment.
  void enter(const arrival_ptr& who);

  /// Lets in who need not ask; asks the environment about all others.
  void admit(const arrival_ptr& who);

  /// Its run's own lease was not to be had: for another one it waits.
  void admit_anew(booking& who);

  void let_in(arrival& who, environment_context place, bool counted);

  /// Sends one away that waits to be let in.
  void turn_away(arrival& who, const failure& why);

  /// What a breaker guards, in words.
  static guarded_place guard_of(const environment_id& id,
                                const std::string& name);

  /// Why a breaker does not let a booking through, if it does not.
  std::optional<failure> pass(booking& who, const guarded_place& what);

  std::optional<failure> pass_plugin(booking& who, const lease_plan& plan);

  /// The same for a lease that is resumed: by what it captured.
  std::optional<failure> pass_captured(booking& who, const json_text& metadata);

  /// Tells breakers and environment how it went.
  void settle(booking& who, const failure& how);

  /// Refuses one that has no row yet.
  void turn_away(const lease_id& lease, const failure& why);

  /// Steps the placement of `lease`, then does what it asks for.
  void on(const lease_id& lease, placement_event::any what);

  void perform(booking& who, const placement_effect::make_plan& wish);
  void perform(booking& who, const placement_effect::choose& wish);
  void perform(booking& who, const placement_effect::record& wish);
  void perform(booking& who, const placement_effect::abandon& wish);
  void perform(booking& who, const placement_effect::resume& wish);
  void perform(booking& who, const placement_effect::acquire& wish);
  void perform(booking& who, const placement_effect::give_up& wish);
  void perform(booking& who, const placement_effect::confirm& wish);
  void perform(booking& who, const placement_effect::end& wish);
  void perform(booking& who, const placement_effect::give_back& wish);
  void perform(booking& who, const placement_effect::dispose& wish);
  void perform(booking& who, const placement_effect::report_owed& wish);
  void perform(booking& who, const placement_effect::grant& wish);
  void perform(booking& who, const placement_effect::deny& wish);

  /// Writes that the run takes its own lease again.
  void reacquire(booking& who);

  /// Writes; the outcome comes back as an event.
  void write(booking& who, store_write what);

  void on_unwritten(const lease_id& lease, failure why);

  /// Nobody knows whether the last write happened: the row tells.
  void read_back(const lease_id& lease, const failure& why);

  /// What a driver call answers comes back as an event.
  completion<resource_ready> attempt(booking& who, attempt_no number);

  [[nodiscard]] lease_context context(const booking& who) const;

  const supervisor_ties& ties_;
  living_leases& leases_;
  breaker_board& breakers_;
  std::function<void()> on_idle_;
  std::unordered_set<arrival_ptr, by_lease, same_lease> arrivals_;
  std::unordered_map<lease_id, booking> bookings_;
  /// By id and by name.
  std::map<std::string, known_ptr> environments_;
  /// No environment is made any more: nobody would send it away.
  bool closed_ = false;
};

} // namespace leasehold
