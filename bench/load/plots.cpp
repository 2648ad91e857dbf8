#include "bench/load/plots.hpp"

#include <algorithm>
#include <array>

namespace leasehold::bench {

namespace {

using figures = std::vector<figure>;

constexpr const char* blue = "#2563eb";
constexpr const char* orange = "#ea580c";
constexpr const char* green = "#16a34a";
constexpr const char* grey = "#9ca3af";

constexpr std::array<const char*, 2> stores{"sqlite", "postgres"};

std::string shown(const std::string& store) {
  return store == "sqlite" ? "SQLite" : "PostgreSQL";
}

plot_point point_of(double x, const figure& y) {
  auto [least, most] = std::minmax_element(y.values.begin(), y.values.end());
  return {x, median_of(y), *least, *most};
}

/// What was measured along an axis.
plot_series along(const figures& all, const std::string& scenario,
                  const std::string& what, const std::string& store,
                  const std::string& axis, const std::string& name,
                  const char* color) {
  plot_series out{name, color, {}};
  for (const auto& x : all)
    if (x.scenario == scenario && x.what == what && x.store == store
        && x.at.contains(axis) && !x.values.empty())
      out.points.push_back(point_of(x.at.at(axis), x));
  std::sort(out.points.begin(), out.points.end(),
            [](const auto& x, const auto& y) { return x.x < y.x; });
  return out;
}

plot_section throughput(const figures& all) {
  plot_section out{"Throughput against concurrency",
                   "Acquire and release of a lease, durably, against how many "
                   "are under way at a time. The grey line writes the same "
                   "rows by bare SQL, as many in a transaction; the ends of "
                   "a bar are the slowest and the fastest repetition.",
                   {}};
  for (const auto* store : stores) {
    plot x{"Lease cycles on " + shown(store), "in flight", "cycles/s"};
    x.log_x = true;
    x.series = {
      along(all, "lease-cycle", "floor", store, "in_flight", "bare SQL", grey),
      along(all, "lease-cycle", "engine", store, "in_flight", "engine", blue)};
    x.series.front().dashed = true;
    out.plots.push_back(x);
  }
  return out;
}

/// The percentiles of one figure as bars.
plot_series percentiles(const figure* x, const std::string& name,
                        const char* color) {
  plot_series out{name, color, {}};
  if (!x)
    return out;
  double at = 0;
  for (const auto* quantile : {"p50", "p90", "p99", "p99.9", "max"})
    out.points.push_back({at++, x->latency.at(quantile) / 1e3, 0, 0});
  return out;
}

plot_section latencies(const figures& all) {
  plot_section out{"Latency of an acquire at 1 000 a second",
                   "From the moment at which it was meant to start (an open "
                   "loop), so that a stall counts for everything that it "
                   "holds up.",
                   {}};
  for (const auto* store : stores) {
    plot x{"Acquire on " + shown(store), "", "ms"};
    x.groups = {"p50", "p90", "p99", "p99.9", "max"};
    x.log_y = true;
    x.series = {
      percentiles(find_figure(all, "lease-cycle", "floor, open loop", store),
                  "bare SQL", grey),
      percentiles(find_figure(all, "lease-cycle", "engine, open loop", store),
                  "engine", blue)};
    out.plots.push_back(x);
  }
  return out;
}

plot_section table_size(const figures& all) {
  plot_section out{"Cost against table size",
                   "One acquire at a time, of a fresh lease and of a resource "
                   "that waits, against how many leases are on record. A "
                   "tenth as many resources wait. It should be flat.",
                   {}};
  for (const auto* store : stores) {
    plot x{"Cost on " + shown(store), "leases on record", "us, median"};
    x.log_x = true;
    x.series = {along(all, "reuse", "acquire", store, "rows", "acquire", blue),
                along(all, "reuse", "resume", store, "rows", "resume", orange)};
    out.plots.push_back(x);
  }
  return out;
}

/// The engine's share of its floor, where both were measured.
void add_ratio(plot& to, const std::string& group, const figure* ours,
               const figure* theirs) {
  if (!ours || !theirs || ours->values.empty() || theirs->values.empty())
    return;
  auto at = static_cast<double>(to.groups.size());
  to.groups.push_back(group);
  to.series.front().points.push_back({at, median_ratio(*ours, *theirs), 0, 0});
}

plot_section ratios(const figures& all) {
  plot rates{"Rates: higher is better", "", "x floor"};
  rates.series = {{"engine / floor", blue, {}}};
  plot times{"Times: lower is better", "", "x floor"};
  times.series = {{"engine / floor", orange, {}}};
  for (const auto* store : stores) {
    std::map<std::string, double> at{{"in_flight", 256}};
    add_ratio(rates, std::string{"cycle, "} + store,
              find_figure(all, "lease-cycle", "engine", store, at),
              find_figure(all, "lease-cycle", "floor", store, at));
    add_ratio(times,
              std::string{"box, "} + (store == stores[0] ? "sqlite" : "pg"),
              find_figure(all, "lease-cycle",
                          "engine, bubblewrap to first byte", store),
              find_figure(all, "lease-cycle", "floor, bare bwrap to first byte",
                          store));
    add_ratio(times,
              std::string{"acquire, "} + (store == stores[0] ? "sqlite" : "pg"),
              find_figure(all, "lease-cycle", "engine, open loop", store),
              find_figure(all, "lease-cycle", "floor, open loop", store));
  }
  std::map<std::string, double> at{{"in_flight", 256}, {"payload_kib", 1}};
  const auto* many = find_figure(all, "worker-rpc", "engine", "", at);
  at["in_flight"] = 1;
  const auto* bare = find_figure(all, "worker-rpc", "floor", "", at);
  add_ratio(rates, "256 calls", many, bare);
  add_ratio(rates, "1 call", find_figure(all, "worker-rpc", "engine", "", at),
            bare);
  return {"Engine against floor",
          "What the engine reaches of what the machine can do.",
          {rates, times}};
}

plot_section scaling(const figures& all) {
  plot_section out{
    "More environments, more threads", "Lease cycles at 256 in flight.", {}};
  for (const auto& [axis, title] :
       {std::pair{"environments", "By environments"},
        std::pair{"threads", "By threads of the actors"}}) {
    plot x{title, axis, "cycles/s"};
    x.log_x = true;
    for (const auto* store : stores)
      x.series.push_back(along(all, "scale", std::string{"by "} + axis, store,
                               axis, shown(store),
                               store == stores[0] ? blue : green));
    out.plots.push_back(x);
  }
  return out;
}

plot_section overloads(const figures& all) {
  plot_section out{"Overload",
                   "Left: what still gets done, in per cent of the peak, when "
                   "so many times the peak is asked for. Right: how long the "
                   "quiet one of two companies waits, at the worst of a "
                   "hundred, while the other floods.",
                   {}};
  plot goodput{"Goodput", "asked for, times the peak", "% of the peak"};
  plot fair{"Fairness", "", "ms, p99"};
  fair.groups = {"alone", "beside a flood"};
  for (const auto* store : stores) {
    const auto* color = store == stores[0] ? blue : green;
    goodput.series.push_back(along(all, "overload", "goodput, door of 256",
                                   store, "times_capacity", shown(store),
                                   color));
    plot_series quiet{shown(store), color, {}};
    double at = 0;
    for (const auto* what : {"quiet company alone, door of 32",
                             "quiet company beside a flood, door of 32"})
      if (const auto* x = find_figure(all, "fairness", what, store))
        quiet.points.push_back({at++, median_of(*x) / 1e3, 0, 0});
    fair.series.push_back(quiet);
  }
  out.plots = {goodput, fair};
  return out;
}

} // namespace

std::vector<plot_section> plots_of(const figures& all) {
  return {throughput(all), latencies(all), table_size(all),
          ratios(all),     scaling(all),   overloads(all)};
}

} // namespace leasehold::bench
