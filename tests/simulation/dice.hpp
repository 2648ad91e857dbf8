#pragma once

// Chance with a seed: the same on every machine and with every library.

#include "messages/values.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leasehold::sim {

/// A stream of numbers that follows from its seed (splitmix64).
class dice {
public:
  explicit dice(uint64_t seed) : state_{seed} {
    // nop
  }

  uint64_t roll() {
    auto x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  /// One of 0 … n-1; n must not be 0.
  size_t below(size_t n) {
    return static_cast<size_t>(roll() % n);
  }

  /// Both ends included.
  size_t between(size_t low, size_t high) {
    return low + below(high - low + 1);
  }

  milliseconds between(milliseconds low, milliseconds high) {
    auto width = static_cast<size_t>((high - low).count());
    return low + milliseconds{static_cast<int64_t>(below(width + 1))};
  }

  bool percent(size_t chance) {
    return below(100) < chance;
  }

  /// In [0, 1).
  double unit() {
    return static_cast<double>(roll() >> 11) * 0x1.0p-53;
  }

  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

private:
  uint64_t state_;
};

/// A seed for one purpose, so that streams do not disturb each other.
inline uint64_t seed_for(uint64_t seed, uint64_t purpose) {
  return dice{seed * 0x2545f4914f6cdd1d + purpose}.roll();
}

} // namespace leasehold::sim
