// Names that belong to processes: programs and signals.

#include "drivers/child_process.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace leasehold {

namespace {

bool is_executable_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode)
         && ::access(path.c_str(), X_OK) == 0;
}

/// `path` as it is found from `cwd`.
std::string seen_from(const std::string& cwd, const std::string& path) {
  if (cwd.empty() || path.front() == '/')
    return path;
  return cwd + "/" + path;
}

} // namespace

std::string find_program(std::string_view name, std::string_view path,
                         const std::string& cwd) {
  if (name.empty())
    return {};
  if (name.find('/') != std::string_view::npos) {
    auto file = seen_from(cwd, std::string{name});
    return is_executable_file(file) ? file : std::string{};
  }
  for (;;) {
    auto end = path.find(':');
    // An empty entry means the current directory.
    auto folder = path.substr(0, end);
    auto file = std::string{folder.empty() ? "." : folder} + "/";
    file = seen_from(cwd, file.append(name));
    if (is_executable_file(file))
      return file;
    if (end == std::string_view::npos)
      return {};
    path.remove_prefix(end + 1);
  }
}

std::string signal_name(int number) {
  if (auto* name = ::sigabbrev_np(number))
    return std::string{"SIG"} + name;
  return "signal " + std::to_string(number);
}

} // namespace leasehold
