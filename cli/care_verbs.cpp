// The verbs of people who look after things.

#include "cli/help_texts.hpp"
#include "cli/verb_parts.hpp"

namespace leasehold::cli {

void add_cleanup_verbs(CLI::App& lease, draft& to) {
  auto& retry
    = add_verb(lease, "retry-cleanup", "Try a cleanup that is owed again, now",
               help::lease_retry_cleanup,
               [&to] { to.result.verb = to.lease_retry_cleanup; });
  add_name(retry, to.lease_retry_cleanup.id, "ID",
           "The lease, or how its id begins");
  auto& gone
    = add_verb(lease, "confirm-gone", "Say that what a lease left is gone",
               help::lease_confirm_gone,
               [&to] { to.result.verb = to.lease_confirm_gone; });
  add_name(gone, to.lease_confirm_gone.id, "ID",
           "The lease, or how its id begins");
}

void add_doctor(CLI::App& app, draft& to) {
  auto& doctor
    = add_verb(app, "doctor", "Find what is owed, stuck, lost or broken",
               help::doctor, [&to] { to.result.verb = to.doctor; });
  doctor.group("Records");
  doctor.add_flag("--fix", to.doctor.fix, "Also do what is safe");
}

} // namespace leasehold::cli
