#pragma once

// What the engine asks of the store. Each write is one guarded change with its
// line of history: all of it happens, or none of it and the answer is a
// `conflict`. Times are the store's own; writes say durations.

#include "messages/breaker.hpp"
#include "messages/environment.hpp"
#include "messages/ids.hpp"
#include "messages/lease.hpp"
#include "messages/result.hpp"
#include "messages/secret_store.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace leasehold {

/// The answer to every write: it is on disk.
struct written {
  /// When, by the store's clock.
  timestamp at = {};
  /// The lease's fence after the write, or the one that was taken; zero for
  /// writes without a lease.
  fence_no fence = 0;
  /// Where `prune_history` goes on; zero once it has seen everything.
  uint64_t next = 0;
};

// -- writes: leases -----------------------------------------------------------

/// A new tenancy with a new fence. `row` has neither fence nor times yet, but
/// for `expires_at`. Errors: `plugin_not_ready` if its plugin is not as it was
/// when the lease was planned.
struct insert_lease {
  lease_row row = {};
  /// The plugin whose worker makes the resource; empty if none does, or if it
  /// is that of the lease that `claims` names, ready or not.
  plugin_stamp plugin = {};
  /// The ended lease whose resource this one takes over; empty if none. Guard:
  /// it is still parked, or kept.
  lease_id claims = {};
  /// When a transitional state is over, from now; zero means never.
  milliseconds deadline_in{0};
  /// When the tenancy ends, from now; zero leaves `row.expires_at`.
  milliseconds expires_in{0};
  std::string note = {};
};

/// The same run takes its own active lease again, under a new fence; nobody
/// waits for it any more. Guard: active, run and fence as given; if it names a
/// `dead_owner`, that engine is dead at this moment.
struct reacquire_lease {
  lease_handle lease = {};
  run_id run = {};
  instance_id owner = {};
  milliseconds expires_in{0};
  /// What its new engine grants.
  milliseconds reattach_grace{0};
  std::string note = {};
  /// The engine that it is taken over from; empty: its own.
  instance_id dead_owner = {};
};

/// The engine of an active lease is dead: its run may come back for a while.
/// Guard: active under this fence, not waiting yet, and `dead_owner` is dead at
/// this moment.
struct await_run {
  lease_handle lease = {};
  instance_id dead_owner = {};
  milliseconds grace{0};
  std::string note = {};
};

/// acquiring -> active. Guard: acquiring under this fence.
struct activate_lease {
  lease_handle lease = {};
  resource_id resource = {};
  json_text metadata = {};
  std::optional<timestamp> expires_at = {};
  std::string note = {};
};

/// The resource that an acquiring lease took over did not come back: it goes
/// back to the lease that it came from. Guard: acquiring under this fence.
struct give_up_resource {
  lease_handle lease = {};
  lease_id claimed_from = {};
  enum class fate : uint8_t {
    /// It no longer exists: nothing is owed.
    gone,
    /// It is to be destroyed: cleanup is owed from now on.
    owed,
    /// It waits for the next run again.
    parked,
    /// It stays for somebody to look at, as before.
    kept,
  };
  fate what = fate::gone;
  std::string note = {};
};

/// Any tenancy -> its end. Guard: status is one of `from`, fence as given; if
/// it names a `dead_owner`, that engine is dead at this moment.
struct end_lease {
  lease_handle lease = {};
  /// The states that this write may come from.
  std::vector<lease_status> from = {};
  lease_status to = lease_status::released;
  std::string failure_reason = {};
  cleanup_status cleanup = cleanup_status::none;
  /// When the janitor may try next; only with a cleanup that is owed.
  std::optional<milliseconds> next_cleanup_in = {};
  bool parked = false;
  /// Taken over into the row if it names one.
  resource_id resource = {};
  std::string note = {};
  /// How long a parked resource waits; zero means for ever.
  milliseconds parked_for{0};
  /// The engine that somebody else ends this for; empty: its own does.
  instance_id dead_owner = {};
};

/// A later end; an earlier one, or one for a lease without an end, changes
/// nothing. Guard: active under this fence.
struct extend_lease {
  lease_handle lease = {};
  milliseconds expires_in{0};
  std::string note = {};
};

/// New metadata for a live lease. Guard: active under this fence.
struct describe_lease {
  lease_handle lease = {};
  json_text metadata = {};
  std::string note = {};
};

/// How an attempt to clean up ended. Guard: the lease has ended, is not
/// parked, and its cleanup is owed.
struct record_cleanup {
  lease_id lease = {};
  cleanup_status outcome = cleanup_status::success;
  /// Counts one more attempt.
  bool attempted = true;
  /// When to try again; without it an owed cleanup waits for an operator.
  std::optional<milliseconds> next_cleanup_in = {};
  /// Taken over into the row if it names one.
  resource_id resource = {};
  std::string note = {};
};

/// An ended lease's resource is to be destroyed after all: parked, retained,
/// or waiting for an operator. Guard: ended, cleanup is not `success`.
struct owe_cleanup {
  lease_id lease = {};
  milliseconds next_cleanup_in{0};
  std::string reason = {};
  std::string note = {};
};

/// A fence that is later than every grant until now, for a removal: whoever was
/// granted the resource before is told from it. The row stays as it is. Guard:
/// the lease has ended, is not parked, and owes its cleanup; and if a resource
/// is named that is not the row's own, no other row holds or keeps it.
struct take_fence {
  lease_id lease = {};
  resource_id resource = {};
};

/// A resource came up for `lease` when nobody waited for it any more, and no
/// row leads to it: from now on an ended lease `as`, a copy of the other, owes
/// its removal. Guard: no row has the resource, or owes its removal already.
struct adopt_late {
  lease_id lease = {};
  resource_id resource = {};
  lease_id as = {};
  std::string note = {};
};

/// Somebody has seen that what an ended lease left no longer exists: nothing is
/// owed any more. Guard: ended, cleanup is not `success`.
struct confirm_gone {
  lease_id lease = {};
  std::string note = {};
};

// -- writes: the rest ---------------------------------------------------------

/// A new environment, or a new version of the one with this id, with the
/// secrets that its config named or spelled out: all of it or nothing. Errors:
/// `already_exists` if another one has this name, or a new secret's name is
/// taken; `unknown_secret` if its config names one that does not exist.
struct put_environment {
  environment_row row = {};
  /// Made before they are bound.
  std::vector<put_secret> secrets = {};
  /// Which secret stands at which path. A binding of the same secret stays as
  /// it is, any other is replaced. Paths that are not named here keep theirs.
  std::vector<secret_use> uses = {};
};

/// Conflict: leases hold it (acquiring, active, parked, retained, or owing a
/// cleanup). Its bindings go with it, and the secrets that were made for it
/// unless they are bound elsewhere.
struct remove_environment {
  environment_id id = {};
};

/// A new plugin, or a new version of the one with this key; keeps its id and
/// its place in the install order, and its config if the new one is empty text.
struct put_plugin {
  plugin_row row = {};
};

/// Another state of a plugin that is there. Guard: nobody has changed it since
/// it was like `seen`.
struct change_plugin {
  plugin_row row = {};
  timestamp seen = {};
};

/// Conflict: leases of its providers are still held. Its bindings go with it.
struct remove_plugin {
  plugin_id id = {};
};

/// This engine lives from now on.
struct register_instance {
  instance_row row = {};
};

/// Forgets what is finished and old: leases that ended `leases_older` ago and
/// owe nothing, with their history; what was noted `accesses_older` ago about
/// the use of secrets; engines that were started `leases_older` ago and hold
/// nothing. Looks at `limit` leases from number `after` on, and removes as many
/// of the rest at the most. Zero keeps for ever.
struct prune_history {
  milliseconds leases_older{0};
  milliseconds accesses_older{0};
  uint64_t after = 0;
  uint32_t limit = 1000;
};

using store_write = std::variant<
  insert_lease, reacquire_lease, activate_lease, give_up_resource, end_lease,
  extend_lease, describe_lease, record_cleanup, owe_cleanup, put_environment,
  remove_environment, put_plugin, change_plugin, remove_plugin,
  register_instance, put_secret, add_secret_version, set_secret_status,
  set_secret_version_status, bind_secret, unbind_secret, remove_secret,
  record_secret_access, take_fence, open_breaker, close_breaker, await_run,
  adopt_late, confirm_gone, prune_history>;

// -- reads --------------------------------------------------------------------

/// One lease by its id, or by the only id that begins so.
struct get_lease {
  std::string id_or_prefix = {};
};

/// Leases, latest first. Empty fields do not filter.
struct list_leases {
  environment_id environment = {};
  run_id run = {};
  std::vector<lease_status> status = {};
  /// Only parked ones.
  bool parked = false;
  uint32_t limit = 1000;
};

/// Leases whose cleanup is owed and will be tried at some time, due or not,
/// soonest first.
struct list_scheduled_cleanups {
  uint32_t limit = 100;
};

/// Leases that owe a cleanup, soonest first; last those that wait for an
/// operator.
struct list_owed_cleanups {
  uint32_t limit = 100;
};

/// Tenancies that nobody minds: acquiring or active, and their engine is dead;
/// or acquiring under the asker itself, and long past their deadline. An active
/// one that waits for its run is not among them before its deadline, unless
/// they are asked for, too. Oldest first.
struct list_orphans {
  instance_id asker = {};
  /// How long past its deadline is long.
  milliseconds overdue{60'000};
  bool waiting_too = false;
  /// Only of this run; empty: of all.
  run_id run = {};
  uint32_t limit = 100;
};

/// Parked leases whose resource does not wait for ever, soonest end first.
struct list_parked_until {
  uint32_t limit = 100;
};

/// Leases that have a resource, or may have one: live, parked, retained, or
/// owing a cleanup. Oldest first. An empty environment does not filter.
struct list_claims {
  environment_id environment = {};
  uint32_t limit = 10'000;
};

/// The live leases of one engine.
struct list_owned {
  instance_id owner = {};
};

/// The engines that have registered, latest first, and which of them live.
struct list_instances {
  /// Lives if anybody does.
  instance_id asker = {};
  uint32_t limit = 1000;
};

/// A lease's history, first line first.
struct list_events {
  lease_id lease = {};
};

/// One environment by its id or name.
struct get_environment {
  std::string id_or_name = {};
};

struct list_environments {};

/// One plugin by its id or key.
struct get_plugin {
  std::string id_or_key = {};
};

/// Every plugin, in install order.
struct list_plugins {};

using store_query
  = std::variant<get_lease, list_leases, list_scheduled_cleanups,
                 list_owed_cleanups, list_orphans, list_events, get_environment,
                 list_environments, get_plugin, list_plugins, get_secret,
                 list_secrets, list_secret_bindings, find_secrets,
                 get_sealed_sample, list_secret_accesses, list_breakers,
                 list_parked_until, list_claims, list_owned, list_instances>;

/// Leases, and the store's clock when they were read.
struct lease_rows {
  timestamp at = {};
  std::vector<lease_row> rows = {};
};

struct lease_events {
  std::vector<lease_event> rows = {};
};

struct environment_rows {
  std::vector<environment_row> rows = {};
};

struct plugin_rows {
  std::vector<plugin_row> rows = {};
};

/// Engines, and the store's clock when they were read.
struct instance_rows {
  timestamp at = {};
  std::vector<instance_row> rows = {};
};

/// `get_…` and `list_…` answer with the rows of their kind. A `get_…` that
/// finds nothing fails with `unknown_…`, one that finds several with
/// `invalid_request`.
using store_answer
  = std::variant<lease_rows, lease_events, environment_rows, plugin_rows,
                 secret_rows, secret_binding_rows, secret_fact_rows,
                 sealed_sample, secret_access_rows, breaker_rows,
                 instance_rows>;

// -- the store's own threads --------------------------------------------------

/// WRITER -> STORE: this lane's batch has been tried; one outcome per command.
struct write_outcomes {
  std::vector<result<written>> outcomes;
  size_t lane = 0;
};

/// READER -> STORE: the answer to the question of this number.
struct read_outcome {
  uint64_t number = 0;
  result<store_answer> answer;
};

} // namespace leasehold
