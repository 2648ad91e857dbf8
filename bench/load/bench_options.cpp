#include "bench/load/bench_options.hpp"

#include "bench/load/scenario.hpp"

#include <algorithm>
#include <stdexcept>

namespace leasehold::bench {

namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument{why};
}

std::vector<std::string> stores_of(const std::string& x) {
  if (x == "both")
    return {"sqlite", "postgres"};
  if (x == "sqlite" || x == "postgres")
    return {x};
  refuse("--store takes sqlite, postgres or both, not \"" + x + "\"");
}

bool is_scenario(const std::string& name) {
  auto all = scenarios();
  return std::any_of(all.begin(), all.end(),
                     [&](const scenario& x) { return x.name == name; });
}

} // namespace

bench_options parse_options(const std::vector<std::string>& words) {
  bench_options out;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    auto value = [&]() -> const std::string& {
      if (++i == words.size())
        refuse(word + " needs a value");
      return words[i];
    };
    if (word == "--help" || word == "-h")
      out.help = true;
    else if (word == "--list")
      out.list = true;
    else if (word == "--quick")
      out.quick = true;
    else if (word == "--store")
      out.stores = stores_of(value());
    else if (word == "--json")
      out.json = value();
    else if (word == "--page")
      out.page = value();
    else if (word.starts_with("-"))
      refuse("there is no option " + word);
    else if (!is_scenario(word))
      refuse("there is no scenario \"" + word + "\"; --list shows all");
    else
      out.wanted.push_back(word);
  }
  if (out.wanted.empty())
    for (const auto& x : scenarios())
      out.wanted.push_back(x.name);
  return out;
}

std::string usage_text() {
  std::string out
    = "usage: leasehold-bench [OPTION ...] [SCENARIO ...]\n\n"
      "  --quick          fewer and shorter repetitions: all in three minutes\n"
      "  --store WHICH    sqlite, postgres or both (default)\n"
      "  --json FILE      where the figures go (bench.json)\n"
      "  --page FILE      where the page for people goes (bench.html)\n"
      "  --list           names of all scenarios\n\n"
      "scenarios:\n";
  for (const auto& x : scenarios())
    out
      += "  " + x.name + std::string(18 - x.name.size(), ' ') + x.about + "\n";
  return out;
}

} // namespace leasehold::bench
