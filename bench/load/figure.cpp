#include "bench/load/figure.hpp"

#include "bench/load/small_things.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace leasehold::bench {

namespace {

using nlohmann::json;

json to_value(const process_use& x) {
  return {{"name", x.name},
          {"processes", x.processes},
          {"cpu_seconds", x.cpu_seconds},
          {"rss_kib", x.rss_kib},
          {"pss_kib", x.pss_kib}};
}

process_use use_from(const json& x) {
  return {x.at("name"), x.at("processes"), x.at("cpu_seconds"), x.at("rss_kib"),
          x.at("pss_kib")};
}

json to_value(const figure& x) {
  auto usage = json::array();
  for (const auto& one : x.usage)
    usage.push_back(to_value(one));
  auto [least, most] = std::minmax_element(x.values.begin(), x.values.end());
  json out{{"scenario", x.scenario}, {"what", x.what},
           {"store", x.store},       {"at", x.at},
           {"unit", x.unit},         {"values", x.values},
           {"median", median_of(x)}, {"latency_us", x.latency},
           {"usage", usage},         {"note", x.note}};
  if (!x.values.empty()) {
    out["min"] = *least;
    out["max"] = *most;
  }
  return out;
}

figure figure_from(const json& x) {
  figure out{x.at("scenario"),   x.at("what"), x.at("store"),
             x.at("at"),         x.at("unit"), x.at("values"),
             x.at("latency_us"), {},           x.at("note")};
  for (const auto& one : x.at("usage"))
    out.usage.push_back(use_from(one));
  return out;
}

/// With three figures, or none after the point where it is large.
std::string short_number(double x) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(),
                x >= 100 || x == static_cast<double>(static_cast<int64_t>(x))
                  ? "%.0f"
                  : "%.3g",
                x);
  return text.data();
}

} // namespace

double median_of(const figure& x) {
  return median_of(x.values);
}

double median_ratio(const figure& x, const figure& floor) {
  std::vector<double> out;
  auto count = std::min(x.values.size(), floor.values.size());
  out.reserve(count);
  for (size_t i = 0; i < count; ++i)
    out.push_back(x.values[i] / floor.values[i]);
  return median_of(out);
}

std::string to_json(const std::vector<figure>& all, int indent) {
  auto out = json::array();
  for (const auto& x : all)
    out.push_back(to_value(x));
  return out.dump(indent);
}

std::vector<figure> figures_from(const std::string& text) {
  std::vector<figure> out;
  for (const auto& x : json::parse(text))
    out.push_back(figure_from(x));
  return out;
}

const figure* find_figure(const std::vector<figure>& all,
                          const std::string& scenario, const std::string& what,
                          const std::string& store,
                          const std::map<std::string, double>& at) {
  auto fits = [&](const figure& x) {
    return x.scenario == scenario && x.what == what && x.store == store
           && std::all_of(at.begin(), at.end(), [&](const auto& wanted) {
                auto found = x.at.find(wanted.first);
                return found != x.at.end() && found->second == wanted.second;
              });
  };
  auto found = std::find_if(all.begin(), all.end(), fits);
  return found == all.end() ? nullptr : &*found;
}

std::string to_line(const figure& x) {
  auto out = x.what;
  if (!x.store.empty())
    out += ", " + x.store;
  for (const auto& [name, value] : x.at)
    out += ", " + name + " " + short_number(value);
  out += ": ";
  if (!x.values.empty()) {
    auto [least, most] = std::minmax_element(x.values.begin(), x.values.end());
    out += short_number(median_of(x)) + " " + x.unit;
    if (x.values.size() > 1)
      out += " (" + short_number(*least) + " to " + short_number(*most) + ")";
  }
  for (const auto* name : {"p50", "p99", "max"})
    if (auto found = x.latency.find(name); found != x.latency.end())
      out
        += std::string{"  "} + name + " " + short_number(found->second) + " us";
  if (!x.note.empty())
    out += "  [" + x.note + "]";
  return out;
}

} // namespace leasehold::bench
