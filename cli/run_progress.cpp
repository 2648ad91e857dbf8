// How far `leasehold run` is, for whoever interrupts it.

#include "cli/run_progress.hpp"

#include <utility>

namespace leasehold::cli {

void run_progress::enter(stage next) {
  std::lock_guard guard{mutex_};
  stage_ = next;
}

void run_progress::hold(std::string lease) {
  std::lock_guard guard{mutex_};
  stage_ = stage::working;
  lease_ = std::move(lease);
}

std::string run_progress::when_interrupted() const {
  constexpr auto again = " (again to leave at once)";
  std::lock_guard guard{mutex_};
  switch (stage_) {
    case stage::acquiring:
      return std::string{"interrupted; waiting for the lease to give it back"}
             + again;
    case stage::working:
      return "interrupted; cancelling the command and releasing " + lease_
             + again;
    case stage::releasing:
      return "interrupted; " + lease_ + " is being released" + again;
    case stage::ended:
      break;
  }
  return std::string{"interrupted; the lease has ended, stopping"} + again;
}

std::string run_progress::when_left() const {
  std::lock_guard guard{mutex_};
  switch (stage_) {
    case stage::acquiring:
      return "left at once; the next leasehold command ends the lease that was "
             "being acquired and cleans up after it";
    case stage::working:
    case stage::releasing:
      return "left at once; " + lease_
             + " is not released yet, the next leasehold command does it";
    case stage::ended:
      break;
  }
  return "left at once; the lease has ended, and the next leasehold command "
         "goes on with what cleanup is still owed";
}

} // namespace leasehold::cli
