#pragma once

// Between the public face's plain structs and the actors' messages.

#include "leasehold/types.hpp"
#include "messages/command.hpp"
#include "messages/environment.hpp"
#include "messages/lease.hpp"
#include "messages/secret.hpp"
#include "messages/worker.hpp"

namespace leasehold {

lease to_public(lease_granted x);
ended_lease to_public(lease_ended x);
ended_run to_public(run_released x);
realized_workspace to_public(workspace_realized x);
finished to_public(command_result x);
output to_public(output_chunk x);
environment_info to_public(environment_row x);
/// What it declares is read from its manifest.
plugin_info to_public(plugin_row x);
driver_info to_public(surveyed_driver x);
lease_info to_public(lease_row x);
history_line to_public(lease_event x);
/// Without its bindings.
secret_info to_public(secret_row x);
bound_place to_public(secret_binding_row x);

release_status to_internal(outcome x) noexcept;

} // namespace leasehold
