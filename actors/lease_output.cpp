#include "actors/lease_output.hpp"

#include "actors/mail.hpp"

#include <utility>

namespace leasehold {

lease_output::lease_output(lease_actor whom, execution_id which)
  : whom_{std::move(whom)}, which_{std::move(which)} {
  // nop
}

bool lease_output::put(output_chunk chunk) {
  auto size = chunk.text.size();
  // Sent under the lock, so that the order of messages is the order of calls.
  std::lock_guard guard{mutex_};
  under_way_ += size;
  tell_from_outside(whom_, which_, std::move(chunk));
  return under_way_ < high;
}

void lease_output::when_ready(std::function<void()> resume) {
  {
    std::lock_guard guard{mutex_};
    if (under_way_ >= low) {
      waiting_.push_back(std::move(resume));
      return;
    }
  }
  resume();
}

void lease_output::taken(size_t bytes) {
  std::vector<std::function<void()>> ready;
  {
    std::lock_guard guard{mutex_};
    under_way_ -= bytes;
    if (under_way_ < low)
      ready = std::exchange(waiting_, {});
  }
  for (auto& resume : ready)
    resume();
}

} // namespace leasehold
