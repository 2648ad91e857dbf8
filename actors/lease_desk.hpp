#pragma once

// The SUPERVISOR's duty towards leases that live: where each one is, which run
// holds it, and what becomes of it when its actor dies.

#include "actors/mail.hpp"
#include "actors/placement_desk.hpp"
#include "actors/supervisor_options.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace leasehold {

class lease_desk : public living_leases {
public:
  /// Told of a lease that came here from an engine that is dead.
  using newcomer = std::function<void(const environment_id&, const lease_id&)>;

  lease_desk(const supervisor_ties& ties, newcomer on_newcomer);

  void add(granted_lease what) override;

  std::optional<parked_resource> own(const run_id& run,
                                     const environment_id& environment,
                                     const choose_resource& what) override;

  bool holds(const run_id& run, const environment_id& environment) override;

  void retake(const lease_id& lease, const retake_lease& how,
              completion<lease_retaken> then) override;

  void abandon(const lease_id& lease, const std::string& why,
               std::function<void()> then) override;

  /// Passes a verb on to the lease, or says why there is none to pass it to.
  template <class Reply, class Verb>
  caf::result<Reply> route(Verb& what) {
    if (auto* lease = find(what.lease.id))
      return pass_on(ties_.self, *lease, std::move(what));
    auto promise = ties_.self->template make_response_promise<Reply>();
    explain_absence(what.lease, [promise](failure why) mutable {
      promise.deliver(to_error(why));
    });
    return promise;
  }

  /// The same for verbs that end a lease: the janitor knows those that do not
  /// live here.
  template <class Verb>
  caf::result<lease_ended> route_end(Verb& what) {
    if (auto* lease = find(what.lease.id))
      return pass_on(ties_.self, *lease, std::move(what));
    return pass_on(ties_.self, ties_.janitor, std::move(what));
  }

  caf::result<run_released> release_run(const leasehold::release_run& what);

  // -- lease_desk_life.cpp: whose leases they are -----------------------------

  /// Lets a run have what it held under engines that are dead.
  caf::result<run_reattached> reattach(const reattach_run& what);

  /// Other engines may soon take us for dead, or cannot any more: then finds
  /// out which leases are ours still.
  void on_life_changed(const life_changed& what);

  // ---------------------------------------------------------------------------

  /// Releases every lease because the engine stops.
  void release_all();

  /// Sends away who is left.
  void abandon_all();

  void on_over(const lease_over& what);

  [[nodiscard]] bool empty() const noexcept {
    return leases_.empty();
  }

  /// Whether a lease lives whose resource this plugin's worker made.
  [[nodiscard]] bool uses(const plugin_id& plugin) const {
    return plugins_.contains(plugin);
  }

private:
  struct lease_entry {
    lease_actor actor;
    run_id run;
    lease_handle handle;
    bool makes_resource = false;
    plugin_id plugin;
    environment_id environment;
    /// What it could be taken again as; only if its policy reuses.
    std::unique_ptr<parked_resource> reusable;
  };

  [[nodiscard]] const lease_actor* find(const lease_id& lease) const;

  void remove(const lease_id& lease);

  /// The actor died without having ended its lease.
  void on_death(const lease_id& lease, const std::string& why);

  /// Writes that it ended like that, until the store takes it; then it is over
  /// as if its actor had said so.
  void record_death(const end_lease& how, const lease_over& last_words);

  /// Finds out why a lease is not here: unknown, granted anew, ended, or
  /// another engine's.
  void explain_absence(const lease_handle& lease,
                       std::function<void(failure)> then);

  struct homecoming;

  /// Takes over what the run may have of these, all of which are its own.
  void take_over(const std::shared_ptr<homecoming>& who, const lease_rows& all,
                 const lease_rows& orphans);

  /// Takes one of them over from an engine that is dead.
  void adopt(const std::shared_ptr<homecoming>& who, const lease_row& orphan);

  /// It is ours from now on; `at` is when the store wrote that.
  void on_adopted(const std::shared_ptr<homecoming>& who, const lease_row& row,
                  timestamp at);

  /// Nobody knows whether it is ours: its row tells.
  void read_back(const std::shared_ptr<homecoming>& who,
                 const lease_row& orphan, const failure& why);

  /// Asks the store which leases are ours.
  void verify();

  /// Lets go of those that it does not name.
  void on_verified(const std::set<lease_id>& asked, const lease_rows& ours);

  const supervisor_ties& ties_;
  newcomer on_newcomer_;
  /// Whether leases serve nobody for now.
  bool still_ = false;
  timer verify_again_;
  /// For those of which nobody knows whether they are ours.
  std::unordered_map<lease_id, timer> read_again_;
  /// For those that died, and whose end is not on disk.
  std::unordered_map<lease_id, timer> record_again_;
  std::unordered_map<lease_id, lease_entry> leases_;
  std::unordered_map<run_id, std::set<lease_id>> runs_;
  /// How many leases each plugin's worker serves; only plugins with any.
  std::unordered_map<plugin_id, size_t> plugins_;
};

} // namespace leasehold
