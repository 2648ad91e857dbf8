#pragma once

// The numbers of message types.

#include "messages/breaker.hpp"
#include "messages/command.hpp"
#include "messages/driver.hpp"
#include "messages/environment.hpp"
#include "messages/environment_use.hpp"
#include "messages/errors.hpp"
#include "messages/finding.hpp"
#include "messages/front.hpp"
#include "messages/janitor.hpp"
#include "messages/lease.hpp"
#include "messages/lease_life.hpp"
#include "messages/result.hpp"
#include "messages/store.hpp"
#include "messages/worker.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/error.hpp>
#include <caf/type_id.hpp>

#include <vector>

// Every type that crosses an actor boundary, in the order it was introduced.
// Append only: the position is the number on the wire. The numbers begin well
// above those that a host which is a CAF program itself is likely to use.
CAF_BEGIN_TYPE_ID_BLOCK(leasehold, caf::first_custom_type_id + 800)

  CAF_ADD_TYPE_ID(leasehold, (leasehold::ec))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::failure))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::done))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_id))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::run_id))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::execution_id))

  CAF_ADD_TYPE_ID(leasehold, (leasehold::acquire_lease))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_granted))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::release_lease))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::destroy_lease))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_ended))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::release_run))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::run_released))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::renew_lease))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_renewed))

  CAF_ADD_TYPE_ID(leasehold, (leasehold::execute_command))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::command_result))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::cancel_command))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::realize_workspace))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::workspace_realized))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::output_chunk))

  CAF_ADD_TYPE_ID(leasehold, (leasehold::admit_lease))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_admitted))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_refused))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::choose_resource))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::resource_chosen))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::park_resource))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::environment_changed))

  CAF_ADD_TYPE_ID(leasehold, (leasehold::find_worker))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::call_worker))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::worker_is_ready))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::worker_is_gone))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::stop_worker))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::plugin_changed))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::process_started))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::process_not_started))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::process_lines))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::process_overlong_line))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::process_stderr))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::process_closed_stdout))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::process_exited))

  CAF_ADD_TYPE_ID(leasehold, (leasehold::late_resource))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::cleanup_owed))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::provider_is_back))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::await_recovery))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::await_settled))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::cleanups_left))

  CAF_ADD_TYPE_ID(leasehold, (leasehold::written))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::store_write))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::store_query))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::store_answer))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::write_outcomes))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::read_outcome))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_over))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::shut_down))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::front_call))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::environment_idle))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::retake_lease))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_retaken))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::survey_drivers))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::drivers_surveyed))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::secret_resolved))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::resume_lease))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::cancel_acquire))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_placed))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_left))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::show_queue))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::queue_shown))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::breaker_reset))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::retry_cleanup))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::report_gone))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::remove_stray))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::reattach_run))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::run_reattached))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::life_changed))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::hold_still))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::lease_taken))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::examine))
  CAF_ADD_TYPE_ID(leasehold, (leasehold::examined))

CAF_END_TYPE_ID_BLOCK(leasehold)

// These never leave the process: they carry continuations, or are the store's.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::execute_command)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::find_worker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::call_worker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::front_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::secret_resolved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::store_write)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::store_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::store_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::write_outcomes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(leasehold::read_outcome)

CAF_ERROR_CODE_ENUM(leasehold::ec)
