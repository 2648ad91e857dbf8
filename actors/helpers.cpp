#include "actors/helpers.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace leasehold {

dice_box::dice_box() {
  std::random_device seed;
  std::seed_seq sequence{seed(), seed(), seed(), seed()};
  source_.seed(sequence);
}

double dice_box::roll() {
  std::lock_guard guard{mutex_};
  return std::uniform_real_distribution<double>{0, 1}(source_);
}

std::string dice_box::make_uuid() {
  uint64_t high = 0;
  uint64_t low = 0;
  {
    std::lock_guard guard{mutex_};
    high = source_();
    low = source_();
  }
  // Version 4, variant 1 (RFC 4122).
  high = (high & ~uint64_t{0xf000}) | 0x4000;
  low = (low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xffff),
                static_cast<unsigned>(high & 0xffff),
                static_cast<unsigned>(low >> 48),
                static_cast<unsigned long long>(low & 0xffffffffffff));
  return text.data();
}

std::map<std::string, std::string> host_environment() {
  std::map<std::string, std::string> out;
  for (const auto* key : {"PATH", "NODE_PATH", "NODE_ENV", "TZ"})
    if (const auto* value = std::getenv(key))
      out[key] = value;
  return out;
}

std::string host_name() {
  std::array<char, 256> text{};
  if (gethostname(text.data(), text.size() - 1) != 0)
    return "localhost";
  return text.data();
}

std::string find_helper(std::string_view name, const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> folders;
  if (!folder.empty()) {
    folders.emplace_back(folder);
  } else {
    std::error_code ignored;
    auto here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    folders = {here, here / ".." / "libexec" / "leasehold",
               LEASEHOLD_INSTALLED_HELPERS, LEASEHOLD_BUILT_HELPERS};
  }
  for (const auto& candidate : folders) {
    auto path = (candidate / name).lexically_normal();
    if (access(path.c_str(), X_OK) == 0)
      return path;
  }
  return (folders.front() / name).lexically_normal();
}

} // namespace leasehold
