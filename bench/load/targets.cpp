#include "bench/load/targets.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace leasehold::bench {

namespace {

using figures = std::vector<figure>;

std::optional<double> value_of(const figure* x) {
  if (!x || x->values.empty())
    return std::nullopt;
  return median_of(*x);
}

std::optional<double> latency_of(const figure* x, const char* name) {
  if (!x || !x->latency.contains(name))
    return std::nullopt;
  return x->latency.at(name);
}

verdict decide(verdict x, bool good) {
  x.says = good ? "reached" : "not reached";
  return x;
}

std::optional<double> ratio_of(const figure* x, const figure* floor) {
  if (!x || !floor || x->values.empty() || floor->values.empty())
    return std::nullopt;
  return median_ratio(*x, *floor);
}

/// A rate that must be at least so many times its floor's.
verdict at_least(verdict x, const figure* ours, const figure* theirs,
                 double share) {
  x.measured = value_of(ours);
  x.floor = value_of(theirs);
  x.ratio = ratio_of(ours, theirs);
  return x.ratio ? decide(x, *x.ratio >= share) : x;
}

/// A value that must not be larger than so much.
verdict at_most(verdict x, std::optional<double> measured, double limit) {
  x.measured = measured;
  return measured ? decide(x, *measured <= limit) : x;
}

// -- the rows -----------------------------------------------------------------

void judge_cycles(const figures& all, std::vector<verdict>& out) {
  for (const auto* store : {"postgres", "sqlite"}) {
    verdict x{std::string{"acquire + release, "} + store + ", 256 in flight",
              ">= 0.6 x bare SQL", "cycles/s"};
    std::map<std::string, double> at{{"in_flight", 256}};
    out.push_back(
      at_least(x, find_figure(all, "lease-cycle", "engine", store, at),
               find_figure(all, "lease-cycle", "floor", store, at), 0.6));
  }
}

void judge_overhead(const figures& all, std::vector<verdict>& out) {
  const auto* ours
    = find_figure(all, "lease-cycle", "engine, open loop", "postgres");
  const auto* theirs
    = find_figure(all, "lease-cycle", "floor, open loop", "postgres");
  std::array<std::pair<const char*, double>, 2> rows{
    {{"p50", 1'000}, {"p99", 5'000}}};
  for (auto [name, limit] : rows) {
    verdict x{std::string{"one acquire at 1000/s, postgres, "} + name,
              "<= " + std::to_string(static_cast<int>(limit))
                + " us over bare SQL",
              "us"};
    x.measured = latency_of(ours, name);
    x.floor = latency_of(theirs, name);
    if (x.measured && x.floor) {
      auto over = *x.measured - *x.floor;
      x.ratio = *x.measured / *x.floor;
      x.note = std::to_string(static_cast<int64_t>(over)) + " us over";
      x = decide(x, over <= limit);
    }
    out.push_back(x);
  }
}

void judge_calls(const figures& all, std::vector<verdict>& out) {
  verdict one{"worker call, 1 in flight", "<= 1.5 x bare pipe", "us"};
  std::map<std::string, double> at{{"in_flight", 1}, {"payload_kib", 1}};
  one.measured
    = latency_of(find_figure(all, "worker-rpc", "engine", "", at), "p50");
  one.floor
    = latency_of(find_figure(all, "worker-rpc", "floor", "", at), "p50");
  if (one.measured && one.floor) {
    one.ratio = *one.measured / *one.floor;
    one = decide(one, *one.ratio <= 1.5);
  }
  out.push_back(one);
  verdict many{"worker calls, 256 in flight", ">= 2 x bare pipe, 1 in flight",
               "calls/s"};
  const auto* theirs = find_figure(all, "worker-rpc", "floor", "", at);
  at["in_flight"] = 256;
  out.push_back(at_least(many, find_figure(all, "worker-rpc", "engine", "", at),
                         theirs, 2));
}

/// Cost with the most of something beside that with the least.
void judge_flat(const figures& all, std::vector<verdict>& out) {
  std::map<std::string, double> few{{"rows", 10}, {"parked", 10}};
  std::map<std::string, double> many{{"rows", 100'000}, {"parked", 10'000}};
  for (const auto* store : {"postgres", "sqlite"})
    for (const auto* verb : {"acquire", "resume"}) {
      verdict x{std::string{verb} + ", 10 -> 100000 rows, 10 -> 10000 parked, "
                  + store,
                "flat within 20 %", "us"};
      const auto* least = find_figure(all, "reuse", verb, store, few);
      const auto* most = find_figure(all, "reuse", verb, store, many);
      x.floor = value_of(least);
      x.measured = value_of(most);
      x.ratio = ratio_of(most, least);
      out.push_back(x.ratio ? decide(x, *x.ratio <= 1.2) : x);
    }
}

void judge_bubblewrap(const figures& all, std::vector<verdict>& out) {
  for (const auto* store : {"sqlite", "postgres"}) {
    verdict x{std::string{"bubblewrap, acquire -> first byte, "} + store,
              "<= 2 x bare bwrap + 1 ms", "ms"};
    x.measured = value_of(find_figure(
      all, "lease-cycle", "engine, bubblewrap to first byte", store));
    x.floor = value_of(find_figure(all, "lease-cycle",
                                   "floor, bare bwrap to first byte", store));
    if (x.measured && x.floor) {
      x.ratio = *x.measured / *x.floor;
      x = decide(x, *x.measured <= 2 * *x.floor + 1);
    }
    out.push_back(x);
  }
}

/// Where the store makes no difference: of the one that there is.
const figure* of_any_store(const figures& all, const std::string& scenario,
                           const std::string& what) {
  const auto* found = find_figure(all, scenario, what, "sqlite");
  return found ? found : find_figure(all, scenario, what, "postgres");
}

/// A limit that holds for so many leases says nothing of fewer.
verdict at_full_size(verdict x, const figure* from, const char* axis,
                     std::optional<double> measured, double limit) {
  x = at_most(x, measured, limit);
  if (!from)
    return x;
  x.note = from->note;
  if (from->at.at(axis) < 100'000)
    x.says = "not measured";
  return x;
}

void judge_idle_and_ends(const figures& all, std::vector<verdict>& out) {
  const auto* memory = of_any_store(all, "idle", "memory of a lease");
  verdict idle{"memory of an idle live lease", "<= 4 KiB, 100000 live",
               "bytes"};
  out.push_back(at_full_size(idle, memory, "live", value_of(memory), 4096));
  const auto* late = of_any_store(all, "expiry", "lateness");
  verdict expiry{"end after its deadline, latest", "<= 100 ms, 100000 armed",
                 "ms"};
  auto latest = latency_of(late, "max");
  if (latest)
    *latest /= 1e3;
  out.push_back(at_full_size(expiry, late, "armed", latest, 100));
}

void judge_recovery(const figures& all, std::vector<verdict>& out) {
  const auto* worker = find_figure(all, "worker-recovery", "kill to call", "");
  verdict back{"worker killed -> next call succeeds, slowest", "<= 250 ms",
               "ms"};
  auto slowest = latency_of(worker, "max");
  if (slowest)
    *slowest /= 1e3;
  out.push_back(at_most(back, slowest, 250));
  for (const auto* store : {"sqlite", "postgres"}) {
    verdict serving{std::string{"engine killed, 10000 live -> serving, "}
                      + store,
                    "<= 200 ms", "ms"};
    out.push_back(at_most(
      serving,
      value_of(find_figure(all, "engine-recovery", "time to serve", store)),
      200));
    verdict resolved{std::string{"engine killed, 10000 live -> resolved, "}
                       + store,
                     "<= 5000 ms", "ms"};
    out.push_back(at_most(
      resolved,
      value_of(find_figure(all, "engine-recovery", "time to resolve", store)),
      5'000));
  }
}

std::string shown(std::optional<double> x) {
  if (!x)
    return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), *x >= 100 ? "%.0f" : "%.2f", *x);
  return text.data();
}

} // namespace

std::vector<verdict> judge(const figures& all) {
  std::vector<verdict> out;
  judge_cycles(all, out);
  judge_overhead(all, out);
  judge_calls(all, out);
  judge_flat(all, out);
  judge_bubblewrap(all, out);
  judge_idle_and_ends(all, out);
  judge_recovery(all, out);
  verdict leaked{"leaked resources over 10 000 kills", "0", "resources"};
  leaked.note = "./dev faults --kills 10000 counts them";
  out.push_back(leaked);
  return out;
}

std::string to_table(const std::vector<verdict>& all) {
  std::string out;
  std::array<char, 400> line{};
  auto add = [&](const char* what, const char* must, const std::string& value,
                 const std::string& floor, const std::string& ratio,
                 const std::string& says) {
    std::snprintf(line.data(), line.size(), "%-58s %-29s %10s %10s %6s  %s\n",
                  what, must, value.c_str(), floor.c_str(), ratio.c_str(),
                  says.c_str());
    out += line.data();
  };
  add("what", "must be", "measured", "floor", "ratio", "");
  for (const auto& x : all) {
    auto unit = x.measured ? " " + x.unit : "";
    add((x.what + (unit.empty() ? "" : "," + unit)).c_str(), x.must.c_str(),
        shown(x.measured), shown(x.floor), shown(x.ratio),
        x.says + (x.note.empty() ? "" : " (" + x.note + ")"));
  }
  return out;
}

} // namespace leasehold::bench
