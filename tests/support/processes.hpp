#pragma once

// What runs on this host, as a test sees it from outside.

#include "tests/support/child_watch.hpp"
#include "tests/support/temp_dir.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace leasehold::test {

/// Whether a condition that announces itself to nobody comes true: a process
/// that is gone, a file that is there. What can be waited for is waited for.
template <class Predicate>
bool eventually(Predicate met) {
  auto end = std::chrono::steady_clock::now() + patience;
  while (!met()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

/// A process, with its command line; arguments end in NUL.
struct process_info {
  int64_t pid = 0;
  int64_t parent = 0;
  std::string words;
};

/// Every process that has not ended; zombies have.
inline std::vector<process_info> processes() {
  namespace fs = std::filesystem;
  std::vector<process_info> out;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator{"/proc", gone}) {
    auto name = entry.path().filename().string();
    if (!std::isdigit(static_cast<unsigned char>(name[0])))
      continue;
    // pid (program) state parent …; the program may hold anything.
    auto stat = read_text(entry.path() / "stat");
    auto end = stat.rfind(')');
    if (end == std::string::npos || end + 4 >= stat.size()
        || stat[end + 2] == 'Z' || stat[end + 2] == 'X')
      continue;
    out.push_back({std::stoll(name), std::stoll(stat.substr(end + 4)),
                   read_text(entry.path() / "cmdline")});
  }
  return out;
}

/// Other processes whose command line has this text.
inline std::vector<process_info> processes_with(const std::string& text) {
  auto all = processes();
  std::erase_if(all, [&](const auto& x) {
    return x.pid == ::getpid() || x.words.find(text) == std::string::npos;
  });
  return all;
}

/// Our own children that have not ended.
inline std::vector<process_info> children() {
  auto all = processes();
  std::erase_if(all, [](const auto& x) { return x.parent != ::getpid(); });
  return all;
}

} // namespace leasehold::test
