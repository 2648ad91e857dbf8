#include "bench/load/machine.hpp"

#include "bench/load/small_things.hpp"

#include <sys/utsname.h>

#include <array>
#include <chrono>
#include <ctime>
#include <thread>

namespace leasehold::bench {

namespace {

/// What stands behind the first label of this name, up to the end of the line.
std::string labelled(const std::string& text, const std::string& label) {
  auto at = text.find(label);
  if (at == std::string::npos)
    return "unknown";
  at = text.find_first_not_of(" \t:", at + label.size());
  return text.substr(at, text.find('\n', at) - at);
}

std::string now() {
  auto seconds = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return text.data();
}

} // namespace

machine_facts look_at_machine() {
  utsname system{};
  uname(&system);
  auto load = read_text("/proc/loadavg");
  auto cores = std::thread::hardware_concurrency();
  return {
    {"processor", labelled(read_text("/proc/cpuinfo"), "model name") + ", "
                    + std::to_string(cores) + " cores"},
    {"kernel", system.release},
    {"load before", load.substr(0, load.find(' '))},
    {"memory", labelled(read_text("/proc/meminfo"), "MemTotal")},
    {"when", now()},
  };
}

} // namespace leasehold::bench
