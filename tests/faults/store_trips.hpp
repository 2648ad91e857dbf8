#pragma once

// Trip wires around the store of the victim: it dies right before or right
// after a commit of its choice. The engine's own code knows nothing of them:
// the victim has an `open_engine_store` of its own, which is linked instead.
//
// Places are `before.X` and `after.X`, with X one of: intent (a lease is
// inserted), claim (so, with a parked resource), grant, end, cleanup (its
// outcome is recorded), owe, register.

#include <string>

namespace leasehold::faults {

/// Arms one place; the next batch that comes there ends the process. Empty:
/// none. Thread-safe.
void arm_store(const std::string& place);

} // namespace leasehold::faults
