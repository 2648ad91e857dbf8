#pragma once

// How threads that are no actors ask actors something.

#include <functional>

namespace leasehold {

/// ENGINE -> FRONT: run this in your context; it asks and passes on answers.
struct front_call {
  std::function<void()> what;
};

} // namespace leasehold
