#pragma once

// A plot, drawn by gnuplot as SVG.

#include <string>
#include <vector>

namespace leasehold::bench {

struct plot_point {
  double x = 0;
  double y = 0;
  /// The spread of the repetitions.
  double least = 0;
  double most = 0;
};

struct plot_series {
  std::string name;
  /// Such as `#2563eb`.
  std::string color;
  std::vector<plot_point> points;
  bool dashed = false;
};

struct plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  /// Bars beside each other, one group for each of these; else lines.
  std::vector<std::string> groups = {};
  std::vector<plot_series> series = {};
};

/// Whether there is a gnuplot.
bool can_plot();

/// The SVG element; empty if there is nothing to draw. Uses files in `folder`.
std::string draw(const plot& what, const std::string& folder);

} // namespace leasehold::bench
