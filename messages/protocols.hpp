#pragma once

// Every actor's interface, one line per message.

#include "messages/type_ids.hpp"

#include <caf/result.hpp>
#include <caf/typed_actor.hpp>

namespace leasehold {

/// The FRONT is where answers leave the actors' world.
using front_actor = caf::typed_actor<
  // Run what the program does with an answer.
  caf::result<void>(front_call)>;

/// The STORE is the only way to the database. It writes what waits in one
/// transaction and answers after the commit, never before.
using store_actor = caf::typed_actor<
  // Make one guarded change; fails with `conflict` if its guard does not hold.
  caf::result<written>(store_write),
  // Answer a question from what has been committed.
  caf::result<store_answer>(store_query),
  // From the writer's thread: the batch has been tried.
  caf::result<void>(write_outcomes),
  // From the reader's thread: a question has been answered.
  caf::result<void>(read_outcome)>;

/// A WORKER owns one child process of one plugin, from start to exit.
using worker_actor = caf::typed_actor<
  // Call the program; answered through the call's own continuation.
  caf::result<void>(call_worker),
  // Finish your calls, then stop; or serve on until there are none.
  caf::result<void>(stop_worker),
  // What the process has asked for.
  caf::result<void>(secret_resolved),
  // What the process says.
  caf::result<void>(process_started), caf::result<void>(process_not_started),
  caf::result<void>(process_lines), caf::result<void>(process_overlong_line),
  caf::result<void>(process_stderr), caf::result<void>(process_closed_stdout),
  caf::result<void>(process_exited)>;

/// An ENVIRONMENT serialises what must be serial inside one environment: who
/// is let in, and which parked resource a new lease may claim.
using environment_actor = caf::typed_actor<
  // May this run have a lease here? A thousand may wait for their turns, so it
  // is no question of CAF's, which keeps an account of each.
  caf::result<void>(admit_lease),
  // How leases go on that were let in and counted.
  caf::result<void>(lease_placed), caf::result<void>(lease_left),
  // Who waits?
  caf::result<queue_shown>(show_queue),
  // Which parked resource fits? It is given away once.
  caf::result<resource_chosen>(choose_resource),
  // This resource waits for the next run.
  caf::result<void>(park_resource),
  // Read your configuration again.
  caf::result<void>(environment_changed)>;

/// A LEASE minds one granted lease: its deadline, its commands, its end.
using lease_actor = caf::typed_actor<
  // Run a command to its end.
  caf::result<command_result>(execute_command),
  // End a command soon.
  caf::result<void>(cancel_command),
  // Bring a folder in.
  caf::result<workspace_realized>(realize_workspace),
  // End later.
  caf::result<lease_renewed>(renew_lease),
  // The run is over.
  caf::result<lease_ended>(release_lease),
  // The resource must go.
  caf::result<lease_ended>(destroy_lease),
  // Your run takes you again, under a new fence; fails once you are ending.
  caf::result<lease_retaken>(retake_lease),
  // Another engine may have taken your lease, or has.
  caf::result<void>(hold_still), caf::result<void>(lease_taken),
  // Output of a command, on its way to who asked for it.
  caf::result<void>(execution_id, output_chunk)>;

/// The JANITOR minds what nobody else does: leases of dead engines, ended
/// leases that owe a cleanup, resources that came up late.
using janitor_actor = caf::typed_actor<
  // A cleanup is owed.
  caf::result<void>(cleanup_owed),
  // A provider answers again: try its cleanups now.
  caf::result<void>(provider_is_back),
  // A resource came up after nobody waited for it any more.
  caf::result<void>(late_resource),
  // End a lease that has no actor in this engine.
  caf::result<lease_ended>(release_lease),
  caf::result<lease_ended>(destroy_lease),
  // What operators say about cleanups that are owed.
  caf::result<lease_ended>(retry_cleanup),
  caf::result<lease_ended>(report_gone),
  // Nobody's resource must go.
  caf::result<lease_ended>(remove_stray),
  // Answered once what dead engines left has been dealt with.
  caf::result<void>(await_recovery),
  // Answered once nothing is owed, or when patience ends.
  caf::result<cleanups_left>(await_settled)>;

/// A DOCTOR looks at everything once, says what is not as it should be, and
/// leaves.
using doctor_actor = caf::typed_actor<
  // Look, and do what is safe if asked to.
  caf::result<examined>(examine)>;

/// The SUPERVISOR finds resources for runs, keeps the directory of everything
/// that lives, and restarts what dies.
using supervisor_actor = caf::typed_actor<
  // Resume a parked resource or acquire a new one; answered once it is up.
  caf::result<lease_granted>(acquire_lease),
  // Take up again what this lease has left, or the lease itself.
  caf::result<lease_granted>(resume_lease),
  // It is not wanted any more, granted or not.
  caf::result<void>(cancel_acquire),
  // What its environment says to one that wants a lease.
  caf::result<void>(lease_admitted), caf::result<void>(lease_refused),
  // Who waits for a lease in this environment?
  caf::result<queue_shown>(show_queue),
  // An operator has closed a breaker.
  caf::result<void>(breaker_reset),
  // Passed on to the lease, or to the janitor if it does not live here.
  caf::result<command_result>(execute_command),
  caf::result<void>(cancel_command),
  caf::result<workspace_realized>(realize_workspace),
  caf::result<lease_renewed>(renew_lease),
  caf::result<lease_ended>(release_lease),
  caf::result<lease_ended>(destroy_lease),
  // A run comes back for what it held under an engine that is dead.
  caf::result<run_reattached>(reattach_run),
  // Other engines may soon take us for dead, or cannot any more.
  caf::result<void>(life_changed),
  // Release every lease of a run, in parallel.
  caf::result<run_released>(release_run),
  // A lease has ended.
  caf::result<void>(lease_over),
  // A driver needs a worker.
  caf::result<void>(find_worker), caf::result<void>(call_worker),
  // A worker's news.
  caf::result<void>(worker_is_ready), caf::result<void>(worker_is_gone),
  // Something was configured anew.
  caf::result<void>(plugin_changed), caf::result<void>(environment_changed),
  // Which drivers are there, and who serves them?
  caf::result<drivers_surveyed>(survey_drivers),
  // An environment that nobody needs may leave.
  caf::result<void>(environment_idle),
  // Release everything, stop the workers, and leave.
  caf::result<void>(shut_down)>;

} // namespace leasehold
