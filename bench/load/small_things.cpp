#include "bench/load/small_things.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace leasehold::bench {

std::string read_text(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary};
  if (!(file << text << std::flush))
    throw std::runtime_error{"cannot write " + path};
}

double median_of(std::vector<double> all) {
  if (all.empty())
    return 0;
  std::sort(all.begin(), all.end());
  auto half = all.size() / 2;
  return all.size() % 2 == 1 ? all[half] : (all[half - 1] + all[half]) / 2;
}

std::string random_uuid(std::mt19937_64& dice) {
  auto high = dice();
  auto low = dice();
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-4%03x-8%03x-%012llx",
                static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xffff),
                static_cast<unsigned>(high & 0xfff),
                static_cast<unsigned>(low >> 52),
                static_cast<unsigned long long>(low & 0xffffffffffff));
  return text.data();
}

std::string output_of(const std::string& command_line) {
  auto* pipe = popen(command_line.c_str(), "r");
  if (!pipe)
    throw std::runtime_error{"cannot run " + command_line};
  std::string out;
  std::array<char, 4096> bytes{};
  while (auto n = fread(bytes.data(), 1, bytes.size(), pipe))
    out.append(bytes.data(), n);
  if (pclose(pipe) != 0)
    throw std::runtime_error{"this failed: " + command_line};
  return out;
}

} // namespace leasehold::bench
