#pragma once

// How long things took: counts in buckets whose width grows with the time, so
// that a microsecond and a minute are kept to the same 1.6 per cent.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace leasehold::bench {

using nanoseconds = std::chrono::nanoseconds;

class histogram {
public:
  void add(nanoseconds took);

  void add(const histogram& other);

  [[nodiscard]] uint64_t count() const noexcept {
    return count_;
  }

  /// The time that `share` of them (0 to 1) did not exceed, in microseconds; 0
  /// if there are none.
  [[nodiscard]] double quantile_us(double share) const;

  [[nodiscard]] double mean_us() const;

  [[nodiscard]] double max_us() const;

  /// `p50`, `p90`, `p99`, `p99.9`, `max`, `mean`, in microseconds, and `count`.
  [[nodiscard]] std::map<std::string, double> summary() const;

private:
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  double sum_ns_ = 0;
  uint64_t max_ns_ = 0;
};

} // namespace leasehold::bench
