#include "drivers/worker_kit/fences.hpp"

#include "drivers/worker_kit/disk.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

namespace leasehold::kit {

namespace {

/// Names of files are shorter than 256 bytes.
constexpr size_t name_max = 200;

/// FNV-1a.
std::string digest(std::string_view text) {
  uint64_t number = 14695981039346656037u;
  for (auto c : text)
    number = (number ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::array<char, 17> out{};
  std::snprintf(out.data(), out.size(), "%016llx",
                static_cast<unsigned long long>(number));
  return out.data();
}

/// A name for the file of a resource, whatever the resource is called.
std::string file_name_of(const std::string& resource) {
  std::string out = "fence-";
  for (auto c : resource) {
    auto byte = static_cast<unsigned char>(c);
    std::array<char, 4> text{};
    if (std::isalnum(byte) || c == '-' || c == '_')
      out += c;
    else if (std::snprintf(text.data(), text.size(), "%%%02x", byte) == 3)
      out += text.data();
  }
  if (out.size() > name_max)
    out = out.substr(0, name_max - 17) + "-" + digest(resource);
  return out;
}

/// The fence in a file; zero if there is none.
fence_no read_fence(const std::string& path) {
  std::ifstream file{path};
  fence_no out = 0;
  return file >> out ? out : 0;
}

} // namespace

void refuse_older(const std::string& resource, fence_no fence,
                  fence_no latest) {
  if (fence < latest)
    throw rpc_error{error_code::stale_fence,
                    "stale fence " + std::to_string(fence) + ": \"" + resource
                      + "\" has seen fence " + std::to_string(latest)};
}

// -- as long as the worker lives ----------------------------------------------

void passing_fences::pass(const std::string& resource, fence_no fence) {
  auto& latest = latest_[resource];
  refuse_older(resource, fence, latest);
  latest = fence;
}

void passing_fences::forget(const std::string& resource) {
  latest_.erase(resource);
}

// -- longer -------------------------------------------------------------------

lasting_fences::lasting_fences(std::string folder, unique_fd lock)
  : folder_{std::move(folder)}, lock_{std::move(lock)} {
  // nop
}

result<std::shared_ptr<lasting_fences>>
lasting_fences::open(const std::string& folder) {
  std::error_code error;
  auto path = std::filesystem::absolute(folder, error).string();
  std::filesystem::create_directories(path, error);
  if (error)
    return disk_failure("cannot create", path, error.value());
  auto name = path + "/lock";
  unique_fd lock{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock)
    return disk_failure("cannot open", name, errno);
  return std::shared_ptr<lasting_fences>{
    new lasting_fences{std::move(path), std::move(lock)}};
}

std::string lasting_fences::path_of(const std::string& resource) const {
  return folder_ + "/" + file_name_of(resource);
}

void lasting_fences::pass(const std::string& resource, fence_no fence) {
  auto path = path_of(resource);
  auto latest = read_fence(path);
  refuse_older(resource, fence, latest);
  if (fence == latest)
    return;
  file_lock alone{lock_.get()};
  refuse_older(resource, fence, read_fence(path));
  if (auto kept = replace_file(path, std::to_string(fence) + "\n"); !kept)
    throw rpc_error{error_code::worker_error, kept.error().message};
}

void lasting_fences::forget(const std::string& resource) {
  ::unlink(path_of(resource).c_str());
}

file_lock::file_lock(int file) : file_{file} {
  while (::flock(file_, LOCK_EX) != 0 && errno == EINTR)
    continue;
}

file_lock::~file_lock() {
  ::flock(file_, LOCK_UN);
}

} // namespace leasehold::kit
