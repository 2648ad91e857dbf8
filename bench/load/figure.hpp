#pragma once

// What was measured, as it travels from a scenario to the report.

#include "bench/load/histogram.hpp"
#include "bench/load/usage.hpp"

#include <map>
#include <string>
#include <vector>

namespace leasehold::bench {

/// One thing that was measured: a value for each repetition, at one point of
/// what was varied.
struct figure {
  std::string scenario = {};
  /// Such as `engine fake` or `floor`.
  std::string what;
  /// `sqlite`, `postgres`, or empty where no store matters.
  std::string store = {};
  /// Such as `in_flight`: 256.
  std::map<std::string, double> at = {};
  std::string unit;
  std::vector<double> values = {};
  /// Latencies in microseconds: `p50`, `p99`, …; may be empty.
  std::map<std::string, double> latency = {};
  std::vector<process_use> usage = {};
  /// What a reader must know.
  std::string note = {};
};

/// The middle one of its repetitions.
double median_of(const figure& x);

/// The middle one of the ratios of repetitions that were neighbours: a machine
/// that gets slower gets slower for both. Both have values.
double median_ratio(const figure& x, const figure& floor);

/// The JSON text of figures, and back.
std::string to_json(const std::vector<figure>& all, int indent = -1);
std::vector<figure> figures_from(const std::string& text);

/// Finds the figure of a scenario; null if it was not measured. `at` has to
/// agree where it is given.
const figure* find_figure(const std::vector<figure>& all,
                          const std::string& scenario, const std::string& what,
                          const std::string& store,
                          const std::map<std::string, double>& at = {});

/// One line for people.
std::string to_line(const figure& x);

} // namespace leasehold::bench
