#include "bench/load/usage.hpp"

#include "bench/load/small_things.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>
#include <string_view>

namespace leasehold::bench {

namespace {

namespace fs = std::filesystem;

std::string proc(pid_t who, const char* what) {
  return "/proc/" + std::to_string(who) + "/" + what;
}

/// What /proc/PID/stat says after the name, which may hold anything: state,
/// parent, …
std::vector<std::string> stat_of(pid_t who) {
  auto text = read_text(proc(who, "stat"));
  auto end = text.rfind(')');
  std::vector<std::string> out;
  if (end == std::string::npos)
    return out;
  std::istringstream rest{text.substr(end + 1)};
  for (std::string word; rest >> word;)
    out.push_back(word);
  return out;
}

/// A number of KiB that stands behind a label.
uint64_t kib_of(const std::string& text, const std::string& label) {
  auto at = text.find("\n" + label + ":");
  if (at == std::string::npos)
    return 0;
  return std::stoull(text.substr(at + label.size() + 2));
}

} // namespace

std::vector<pid_t> family_of(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator{"/proc", gone}) {
    auto name = entry.path().filename().string();
    if (!std::isdigit(static_cast<unsigned char>(name[0])))
      continue;
    auto who = static_cast<pid_t>(std::stol(name));
    if (auto words = stat_of(who); words.size() > 1)
      children.emplace(std::stol(words[1]), who);
  }
  std::vector<pid_t> out{root};
  for (size_t i = 0; i < out.size(); ++i)
    for (auto [at, end] = children.equal_range(out[i]); at != end; ++at)
      out.push_back(at->second);
  return out;
}

std::string name_of(pid_t who) {
  // Not `comm`, which is cut after 15 characters.
  auto name = read_text(proc(who, "cmdline"));
  name = name.substr(0, name.find_first_of(std::string_view{"\0: ", 3}));
  return name.substr(name.rfind('/') + 1);
}

double cpu_seconds_of(pid_t who) {
  auto words = stat_of(who);
  if (words.size() < 13)
    return 0;
  auto ticks = std::stod(words[11]) + std::stod(words[12]);
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

uint64_t own_rss() {
  return kib_of("\n" + read_text("/proc/self/smaps_rollup"), "Rss") * 1024;
}

void add_use(std::vector<process_use>& to,
             const std::vector<process_use>& more) {
  for (const auto& x : more) {
    auto same = [&](const process_use& y) { return y.name == x.name; };
    auto pos = std::find_if(to.begin(), to.end(), same);
    if (pos == to.end()) {
      to.push_back(x);
      continue;
    }
    auto before = pos->cpu_seconds;
    *pos = x;
    pos->cpu_seconds += before;
  }
}

std::string cost_of_each(const std::vector<process_use>& all, uint64_t count) {
  double seconds = 0;
  for (const auto& x : all)
    seconds += x.cpu_seconds;
  auto each = seconds * 1e6 / static_cast<double>(std::max<uint64_t>(count, 1));
  return std::to_string(static_cast<int64_t>(each)) + " us of processor each";
}

usage_meter::usage_meter(std::vector<pid_t> others)
  : others_{std::move(others)} {
  for (auto who : everybody())
    before_[who] = cpu_seconds_of(who);
}

std::vector<pid_t> usage_meter::everybody() const {
  auto out = family_of(getpid());
  for (auto root : others_)
    for (auto who : family_of(root))
      out.push_back(who);
  return out;
}

std::vector<process_use> usage_meter::read() const {
  std::map<std::string, process_use> all;
  for (auto who : everybody()) {
    auto memory = "\n" + read_text(proc(who, "smaps_rollup"));
    auto name = name_of(who);
    if (name.empty())
      continue;
    auto& one = all[name];
    auto before = before_.find(who);
    one.name = name;
    ++one.processes;
    one.cpu_seconds
      += cpu_seconds_of(who) - (before == before_.end() ? 0 : before->second);
    one.rss_kib += kib_of(memory, "Rss");
    one.pss_kib += kib_of(memory, "Pss");
  }
  std::vector<process_use> out;
  out.reserve(all.size());
  for (auto& [name, one] : all)
    out.push_back(one);
  return out;
}

} // namespace leasehold::bench
