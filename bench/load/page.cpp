#include "bench/load/page.hpp"

#include "bench/load/plots.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace leasehold::bench {

namespace {

constexpr const char* head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Leasehold: benchmarks</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; margin: 2rem auto;
  max-width: 76rem; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { margin: 2.2rem 0 .2rem }
p { max-width: 48rem; margin: .3rem 0 .8rem }
table { border-collapse: collapse; font-size: 13.5px; width: 100% }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; vertical-align: top;
  border-bottom: 1px solid #e5e7eb }
th { color: #6b7280; font-weight: 600 }
td.n { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap }
.good { color: #15803d; font-weight: 600 } .bad { color: #b91c1c;
  font-weight: 600 } .none { color: #6b7280 }
.plots { display: flex; flex-wrap: wrap; gap: 1rem }
.plots svg { flex: 1 1 30rem; max-width: 37rem; height: auto;
  border: 1px solid #e5e7eb; border-radius: 6px }
.small { color: #6b7280; font-size: 13px }
</style></head><body>
<h1>Leasehold: benchmarks</h1>
)";

std::string escaped(const std::string& x) {
  std::string out;
  for (auto c : x) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string number(double x) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), x >= 100 ? "%.0f" : "%.3g", x);
  return text.data();
}

std::string number(const std::optional<double>& x) {
  return x ? number(*x) : "–";
}

std::string cell(const std::string& x, const char* look = "") {
  return std::string{"<td class=\""} + look + "\">" + x + "</td>";
}

std::string verdict_table(const std::vector<verdict>& all) {
  std::string out = "<h2>What must be reached</h2><table><tr><th>what"
                    "<th>must be<th>measured<th>floor<th>ratio<th></tr>\n";
  for (const auto& x : all) {
    const auto* look = x.says == "reached"       ? "good"
                       : x.says == "not reached" ? "bad"
                                                 : "none";
    auto note = x.note.empty()
                  ? ""
                  : " <span class=\"small\">" + escaped(x.note) + "</span>";
    out += "<tr>" + cell(escaped(x.what)) + cell(escaped(x.must))
           + cell(number(x.measured) + (x.measured ? " " + x.unit : ""), "n")
           + cell(number(x.floor), "n") + cell(number(x.ratio), "n")
           + cell("<span class=\"" + std::string{look} + "\">" + x.says
                  + "</span>" + note)
           + "</tr>\n";
  }
  return out + "</table>\n";
}

std::string plots(const std::vector<figure>& all, const std::string& folder) {
  if (!can_plot())
    return "<p>There was no gnuplot, so there are no plots.</p>\n";
  std::string out;
  for (const auto& section : plots_of(all)) {
    std::string drawn;
    for (const auto& x : section.plots)
      drawn += draw(x, folder);
    if (!drawn.empty())
      out += "<h2>" + section.title + "</h2><p>" + section.words
             + "</p><div class=\"plots\">" + drawn + "</div>\n";
  }
  return out;
}

std::string usage_of(const figure& x) {
  std::string out;
  for (const auto& one : x.usage)
    out += (out.empty() ? "" : "<br>") + escaped(one.name)
           + (one.processes > 1 ? " x" + std::to_string(one.processes) : "")
           + ": " + number(one.cpu_seconds) + " s, "
           + number(static_cast<double>(one.pss_kib) / 1024) + " MiB";
  return out;
}

std::string figure_row(const figure& x) {
  std::string at;
  for (const auto& [name, value] : x.at)
    at.append(at.empty() ? "" : ", ").append(name + " ").append(number(value));
  auto quantile = [&](const char* name) {
    auto found = x.latency.find(name);
    return cell(found == x.latency.end() ? "" : number(found->second), "n");
  };
  std::string spread;
  if (x.values.size() > 1) {
    auto [least, most] = std::minmax_element(x.values.begin(), x.values.end());
    spread = number(*least) + " – " + number(*most);
  }
  return "<tr>" + cell(escaped(x.scenario)) + cell(escaped(x.what))
         + cell(x.store) + cell(escaped(at))
         + cell(number(median_of(x)) + " " + escaped(x.unit), "n")
         + cell(spread, "n") + quantile("p50") + quantile("p99")
         + quantile("max") + cell(usage_of(x), "small")
         + cell(escaped(x.note), "small") + "</tr>\n";
}

} // namespace

std::string make_page(const std::map<std::string, std::string>& machine,
                      const std::vector<verdict>& verdicts,
                      const std::vector<figure>& all,
                      const std::string& folder) {
  std::string out = head;
  out += "<p class=\"small\">";
  for (const auto& [name, value] : machine)
    out.append(escaped(name)).append(": ").append(escaped(value)).append(" · ");
  out += "only ratios can be compared between machines.</p>\n";
  out += verdict_table(verdicts) + plots(all, folder);
  out += "<h2>Every figure</h2><p>The middle of the repetitions, their "
         "spread, latencies in microseconds, and what each process used while "
         "it was measured: processor time and its own share of memory.</p>"
         "<table><tr><th>scenario<th>what<th>store<th>at<th>median<th>spread"
         "<th>p50<th>p99<th>max<th>processes<th>note</tr>\n";
  for (const auto& x : all)
    out += figure_row(x);
  return out + "</table></body></html>\n";
}

} // namespace leasehold::bench
