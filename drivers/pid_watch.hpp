#pragma once

// Waits for the end of processes that are not our children.

#include <cstdint>
#include <functional>

namespace leasehold {

class io_loop;

/// Calls `what` on the loop's thread, once process `pid` has ended; right away
/// if there is no such process. Loop thread only.
void when_gone(io_loop& loop, int64_t pid, std::function<void()> what);

} // namespace leasehold
