#include "drivers/worker_kit/disk.hpp"

#include "drivers/unique_fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace leasehold::kit {

namespace {

struct close_dir {
  void operator()(DIR* x) const noexcept {
    ::closedir(x);
  }
};

/// Removes trees that lie in one directory, one level at a time.
class remover {
public:
  remover(const std::string& directory, std::string name)
    : path_{directory + "/" + name}, root_{::open(directory.c_str(),
                                                  O_RDONLY | O_DIRECTORY
                                                    | O_CLOEXEC)},
      name_{std::move(name)} {
    // nop
  }

  result<> run() {
    if (!root_)
      return disk_failure("cannot open", path_, errno);
    remove_entry(root_.get(), name_);
    while (!pending_.empty() && error_ == 0) {
      auto next = std::move(pending_.back());
      pending_.pop_back();
      remove_directory(next);
    }
    if (error_ != 0)
      return disk_failure("cannot remove", path_, error_);
    return done{};
  }

private:
  void note_error() {
    if (errno != ENOENT && error_ == 0)
      error_ = errno;
  }

  /// Removes what is no directory; moves a directory up for later.
  void remove_entry(int directory, const std::string& name) {
    struct stat info {};
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return note_error();
    if (!S_ISDIR(info.st_mode)) {
      if (::unlinkat(directory, name.c_str(), 0) != 0)
        note_error();
      return;
    }
    // A directory can only be moved and read by who may write to it.
    if ((info.st_mode & 0700) != 0700
        && ::fchmodat(directory, name.c_str(), 0700, 0) != 0)
      return note_error();
    if (directory == root_.get()) {
      pending_.push_back(name);
      return;
    }
    auto moved = name_ + "." + std::to_string(++moved_);
    if (::renameat(directory, name.c_str(), root_.get(), moved.c_str()) != 0)
      return note_error();
    pending_.push_back(std::move(moved));
  }

  void remove_directory(const std::string& name) {
    constexpr auto flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    auto fd = ::openat(root_.get(), name.c_str(), flags);
    std::unique_ptr<DIR, close_dir> list{fd < 0 ? nullptr : ::fdopendir(fd)};
    if (!list)
      return note_error();
    while (auto* entry = ::readdir(list.get()))
      if (std::strcmp(entry->d_name, ".") != 0
          && std::strcmp(entry->d_name, "..") != 0)
        remove_entry(fd, entry->d_name);
    if (::unlinkat(root_.get(), name.c_str(), AT_REMOVEDIR) != 0)
      note_error();
  }

  std::string path_;
  unique_fd root_;
  std::string name_;
  std::vector<std::string> pending_;
  size_t moved_ = 0;
  int error_ = 0;
};

/// Whether a file has to outlast a failure of power.
enum class lasting : bool { no, yes };

result<> write(const std::string& path, std::string_view content, lasting how) {
  unique_fd file{
    ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file)
    return disk_failure("cannot create", path, errno);
  while (!content.empty()) {
    auto count = ::write(file.get(), content.data(), content.size());
    if (count < 0 && errno != EINTR)
      return disk_failure("cannot write", path, errno);
    if (count > 0)
      content.remove_prefix(static_cast<size_t>(count));
  }
  if (how == lasting::yes && ::fsync(file.get()) != 0)
    return disk_failure("cannot write", path, errno);
  return done{};
}

/// Makes changes of a directory's entries last.
result<> sync_directory(const std::string& path) {
  unique_fd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || ::fsync(fd.get()) != 0)
    return disk_failure("cannot sync", path, errno);
  return done{};
}

} // namespace

failure disk_failure(std::string_view what, const std::string& path,
                     int error_number) {
  return {ec::internal,
          std::string{what} + " " + path + ": " + std::strerror(error_number),
          {}};
}

result<> write_file(const std::string& path, std::string_view content) {
  return write(path, content, lasting::no);
}

result<> replace_file(const std::string& path, std::string_view content) {
  auto fresh = path + ".new";
  if (auto written = write(fresh, content, lasting::yes); !written)
    return written;
  if (std::rename(fresh.c_str(), path.c_str()) != 0)
    return disk_failure("cannot replace", path, errno);
  return sync_directory(path.substr(0, path.rfind('/')));
}

result<> remove_tree(const std::string& directory, const std::string& name) {
  return remover{directory, name}.run();
}

} // namespace leasehold::kit
