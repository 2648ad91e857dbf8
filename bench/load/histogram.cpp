#include "bench/load/histogram.hpp"

#include <algorithm>
#include <bit>

namespace leasehold::bench {

namespace {

/// Buckets of each power of two.
constexpr uint64_t steps = 64;

size_t bucket_of(uint64_t ns) {
  if (ns < steps)
    return ns;
  auto shift = static_cast<size_t>(std::bit_width(ns)) - 7;
  return (shift + 1) * steps + ((ns >> shift) - steps);
}

/// The largest time of a bucket.
uint64_t end_of(size_t bucket) {
  if (bucket < steps)
    return bucket;
  auto shift = bucket / steps - 1;
  return ((bucket % steps + steps + 1) << shift) - 1;
}

} // namespace

void histogram::add(nanoseconds took) {
  auto ns = static_cast<uint64_t>(std::max<int64_t>(took.count(), 0));
  auto bucket = bucket_of(ns);
  if (bucket >= buckets_.size())
    buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  sum_ns_ += static_cast<double>(ns);
  max_ns_ = std::max(max_ns_, ns);
}

void histogram::add(const histogram& other) {
  buckets_.resize(std::max(buckets_.size(), other.buckets_.size()));
  for (size_t i = 0; i < other.buckets_.size(); ++i)
    buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

double histogram::quantile_us(double share) const {
  auto wanted = share * static_cast<double>(count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen > 0 && static_cast<double>(seen) >= wanted)
      return static_cast<double>(std::min(end_of(i), max_ns_)) / 1e3;
  }
  return 0;
}

double histogram::mean_us() const {
  return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_) / 1e3;
}

double histogram::max_us() const {
  return static_cast<double>(max_ns_) / 1e3;
}

std::map<std::string, double> histogram::summary() const {
  return {{"p50", quantile_us(0.5)},
          {"p90", quantile_us(0.9)},
          {"p99", quantile_us(0.99)},
          {"p99.9", quantile_us(0.999)},
          {"max", max_us()},
          {"mean", mean_us()},
          {"count", static_cast<double>(count_)}};
}

} // namespace leasehold::bench
