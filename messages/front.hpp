#pragma once

// How threads that are no actors get their answers.

#include <functional>

namespace leasehold {

/// Whoever answers -> FRONT: run this in your context.
struct front_call {
  std::function<void()> what;
};

} // namespace leasehold
