// Lock files, one per engine. A file is removed only by somebody who holds its
// lock, and a lock counts only while its file still has a name.

#include "storage/instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace leasehold {

namespace {

/// How often to try for a lock that somebody looks at just now. A look takes
/// microseconds.
constexpr int attempts_max = 200;

bool is_file_name(std::string_view x) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_.";
  return !x.empty() && x.front() != '.' && x.size() < 200
         && x.find_first_not_of(allowed) == std::string_view::npos;
}

bool has_name(int file) {
  struct stat info {};
  return fstat(file, &info) == 0 && info.st_nlink > 0;
}

failure refused(const std::string& path) {
  auto message = "Cannot lock \"" + path
                 + "\". It must be on a local disk, in a directory that this "
                   "user may write to.";
  return {ec::store_unusable, std::move(message), std::strerror(errno)};
}

/// Removes the file if nobody holds its lock; says whether it is gone.
bool remove_if_dead(const std::string& path) {
  auto file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0)
    return errno == ENOENT;
  auto dead = flock(file, LOCK_EX | LOCK_NB) == 0;
  // Somebody else may have put a new file there since we opened this one.
  auto current = dead && has_name(file);
  if (current)
    unlink(path.c_str());
  close(file);
  return current;
}

} // namespace

instance_lock::instance_lock(std::string path, int file)
  : path_{std::move(path)}, file_{file} {
  // nop
}

instance_lock::instance_lock(instance_lock&& other) noexcept
  : path_{std::move(other.path_)}, file_{std::exchange(other.file_, -1)} {
  // nop
}

instance_lock::~instance_lock() {
  if (file_ < 0)
    return;
  unlink(path_.c_str());
  close(file_);
}

result<instance_lock> instance_lock::take(const std::string& directory,
                                          const instance_id& self) {
  if (!is_file_name(self.value))
    return failure{ec::invalid_request,
                   "The engine id \"" + self.value
                     + "\" must consist of letters, digits, '-', '_' and "
                       "'.', and must not begin with '.'."};
  auto path = directory + "/" + self.value;
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return refused(directory);
  for (int i = 0; i < attempts_max; ++i) {
    auto file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
      return refused(path);
    auto locked = flock(file, LOCK_EX | LOCK_NB) == 0;
    if (locked && has_name(file))
      return instance_lock{std::move(path), file};
    auto failed = !locked && errno != EWOULDBLOCK && errno != EINTR;
    auto why = failed ? refused(path) : failure{};
    close(file);
    if (failed)
      return why;
    // Somebody who looks for dead engines has it for a moment.
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return failure{ec::already_exists,
                 "An engine with the id \"" + self.value
                   + "\" is already running. Give every engine an id of its "
                     "own."};
}

bool is_dead(const std::string& directory, const instance_id& who) {
  // An engine without a proper name cannot have taken a lock.
  return !is_file_name(who.value)
         || remove_if_dead(directory + "/" + who.value);
}

void remove_dead_locks(const std::string& directory) {
  std::error_code ignored;
  for (auto entry = std::filesystem::directory_iterator{directory, ignored};
       entry != std::filesystem::directory_iterator{}; entry.increment(ignored))
    remove_if_dead(entry->path().string());
}

} // namespace leasehold
