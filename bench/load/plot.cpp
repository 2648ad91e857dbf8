#include "bench/load/plot.hpp"

#include "bench/load/small_things.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace leasehold::bench {

namespace {

/// In single quotes, as gnuplot reads it.
std::string quoted(const std::string& x) {
  std::string out = "'";
  for (auto c : x) {
    out += c;
    if (c == '\'')
      out += c;
  }
  return out + "'";
}

std::string block(size_t number, const plot_series& x) {
  auto out = "$d" + std::to_string(number) + " << EOD\n";
  for (const auto& p : x.points)
    out += std::to_string(p.x) + " " + std::to_string(p.y) + " "
           + std::to_string(p.least) + " " + std::to_string(p.most) + "\n";
  return out + "EOD\n";
}

std::string settings_of(const plot& x) {
  std::string out
    = "set terminal svg size 560,340 dynamic background 'white' "
      "font 'Helvetica,12'\n"
      "set border 3 lc rgb '#9ca3af'\nset tics nomirror textcolor rgb "
      "'#374151'\nset grid ytics lc rgb '#e5e7eb'\n"
      "set key outside below horizontal\nset bars small\n";
  out += "set title " + quoted(x.title) + "\n";
  out += "set xlabel " + quoted(x.x_label) + "\n";
  out += "set ylabel " + quoted(x.y_label) + "\n";
  if (x.log_x)
    out += "set logscale x\n";
  out += x.log_y ? "set logscale y\n" : "set yrange [0:*]\n";
  return out;
}

/// Where the lines have points.
std::string line_tics(const plot& x) {
  std::set<double> all;
  for (const auto& one : x.series)
    for (const auto& p : one.points)
      all.insert(p.x);
  if (all.empty())
    return {};
  std::string tics;
  for (auto at : all) {
    auto text = std::to_string(at);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.')
      text.pop_back();
    tics.append(tics.empty() ? "" : ", ")
      .append(quoted(text))
      .append(" " + text);
  }
  auto least = *all.begin();
  auto most = *all.rbegin();
  auto range
    = x.log_x ? std::to_string(least * 0.8) + ":" + std::to_string(most * 1.25)
              : "0:" + std::to_string(most * 1.08);
  return "set xtics (" + tics + ")\nset xrange [" + range + "]\n";
}

std::string line_of(size_t number, const plot_series& x) {
  auto data = "$d" + std::to_string(number);
  auto color = " lc rgb " + quoted(x.color);
  return data + " using 1:2 with linespoints lw 2 pt 7 ps 0.6"
         + (x.dashed ? " dt 2" : "") + color + " title " + quoted(x.name) + ", "
         + data + " using 1:2:3:4 with yerrorbars pt 7 ps 0.5 lw 1" + color
         + " notitle";
}

std::string lines(const plot& x) {
  auto out = line_tics(x) + "plot ";
  for (size_t i = 0; i < x.series.size(); ++i)
    out.append(i > 0 ? ", " : "").append(line_of(i, x.series[i]));
  return out + "\n";
}

std::string bar_of(size_t number, double shift, const plot_series& x) {
  auto data = "$d" + std::to_string(number);
  auto place = "($1+" + std::to_string(shift) + ")";
  return data + " using " + place + ":2 with boxes lc rgb " + quoted(x.color)
         + " title " + quoted(x.name) + ", " + data + " using " + place
         + ":2:(sprintf('%.3g',$2)) with labels offset 0,0.5 font ',9' notitle";
}

std::string bars(const plot& x) {
  std::string tics;
  for (size_t i = 0; i < x.groups.size(); ++i)
    tics += (i > 0 ? ", " : "") + quoted(x.groups[i]) + " " + std::to_string(i);
  auto width = 0.8 / static_cast<double>(std::max<size_t>(x.series.size(), 1));
  auto out = "set xtics (" + tics + ") font ',10'\nset boxwidth "
             + std::to_string(width)
             + "\nset style fill solid 0.9 noborder\nset xrange [-0.6:"
             + std::to_string(static_cast<double>(x.groups.size()) - 0.4)
             + "]\nplot ";
  for (size_t i = 0; i < x.series.size(); ++i) {
    auto shift = (static_cast<double>(i) + 0.5) * width - 0.4;
    out.append(i > 0 ? ", " : "").append(bar_of(i, shift, x.series[i]));
  }
  return out + "\n";
}

} // namespace

bool can_plot() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  return std::system("command -v gnuplot >/dev/null 2>&1") == 0;
}

std::string draw(const plot& what, const std::string& folder) {
  auto x = what;
  std::erase_if(x.series, [](const auto& one) { return one.points.empty(); });
  if (x.series.empty())
    return {};
  std::string script = settings_of(x);
  for (size_t i = 0; i < x.series.size(); ++i)
    script += block(i, x.series[i]);
  script += x.groups.empty() ? lines(x) : bars(x);
  auto path = folder + "/plot.gp";
  write_text(path, script);
  auto svg = output_of("gnuplot '" + path + "' 2>'" + path + ".log'");
  return svg.substr(std::min(svg.find("<svg"), svg.size()));
}

} // namespace leasehold::bench
