#include "drivers/bubblewrap/workspace_copy.hpp"

#include "drivers/unique_fd.hpp"
#include "drivers/worker_kit/disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <random>

namespace leasehold::bubblewrap {

namespace {

constexpr auto directory_flags
  = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct close_dir {
  void operator()(DIR* x) const noexcept {
    ::closedir(x);
  }
};

/// Reads and writes where the kernel cannot copy by itself.
bool copy_by_hand(int from, int to, uint64_t& bytes) {
  std::array<char, 65536> buffer;
  for (;;) {
    auto count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return count == 0;
    for (ssize_t done = 0; done < count;) {
      auto written
        = ::write(to, buffer.data() + done, static_cast<size_t>(count - done));
      if (written < 0 && errno != EINTR)
        return false;
      done += written > 0 ? written : 0;
    }
    bytes += static_cast<uint64_t>(count);
  }
}

/// Copies a file's content: shared blocks if the file system can, else inside
/// the kernel, else by hand.
bool copy_content(int from, int to, uint64_t size, uint64_t& bytes,
                  const std::atomic<bool>& cancelled) {
  constexpr auto piece = size_t{64} << 20;
  if (::ioctl(to, FICLONE, from) == 0) {
    bytes += size;
    return true;
  }
  auto copied = uint64_t{0};
  while (!cancelled) {
    auto count = ::copy_file_range(from, nullptr, to, nullptr, piece, 0);
    if (count > 0)
      copied += static_cast<uint64_t>(count);
    else if (count == 0 && copied > 0)
      break;
    else if (count < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS
             && errno != EOPNOTSUPP)
      return false;
    else
      return copy_by_hand(from, to, bytes);
  }
  bytes += copied;
  return true;
}

class copier {
public:
  explicit copier(const copy_job& job) : job_{job} {
    struct stat info {};
    if (::stat(job.leave_out.c_str(), &info) == 0)
      leave_out_ = info;
  }

  result<copy_report> run() {
    constexpr auto flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    unique_fd from{::open(job_.from.c_str(), flags)};
    if (!from)
      return kit::disk_failure("cannot read the workspace", job_.from, errno);
    unique_fd to{::open(job_.to.c_str(), flags)};
    if (!to)
      return kit::disk_failure("cannot open", job_.to, errno);
    copy_entries(std::move(from), to.get(), "");
    if (failure_)
      return *failure_;
    if (*job_.cancelled)
      return failure{
        ec::cancelled, "copying " + job_.from + " was stopped", {}};
    return std::move(report_);
  }

private:
  [[nodiscard]] bool stopped() const {
    return failure_ || *job_.cancelled;
  }

  /// Remembers the first error.
  void fail(std::string_view what, const std::string& path) {
    if (!failure_)
      failure_ = kit::disk_failure(what, job_.from + path, errno);
  }

  /// What vanishes under our hands is no error.
  void fail_to_read(const std::string& path) {
    if (errno != ENOENT)
      fail("cannot read", path);
  }

  void copy_entries(unique_fd from, int to, const std::string& path) {
    std::unique_ptr<DIR, close_dir> list{::fdopendir(from.get())};
    if (!list)
      return fail_to_read(path);
    auto source = from.release();
    while (auto* entry = ::readdir(list.get())) {
      if (stopped())
        return;
      std::string name{entry->d_name};
      if (name != "." && name != "..")
        copy_entry(source, to, name,
                   std::string{path}.append("/").append(name));
    }
  }

  void copy_entry(int from, int to, const std::string& name,
                  const std::string& path) {
    struct stat info {};
    if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_to_read(path);
    if (S_ISREG(info.st_mode))
      copy_file(from, to, name, path);
    else if (S_ISDIR(info.st_mode))
      copy_directory(from, to, name, path, info);
    else if (S_ISLNK(info.st_mode))
      copy_link(from, to, name, path);
    else
      ++report_.skipped;
  }

  void copy_file(int from, int to, const std::string& name,
                 const std::string& path) {
    unique_fd source{::openat(from, name.c_str(),
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat info {};
    if (!source || ::fstat(source.get(), &info) != 0)
      return fail_to_read(path);
    if (!make_way(to, name))
      return fail("cannot replace", path);
    unique_fd target{::openat(to, name.c_str(),
                              O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!target)
      return fail("cannot create the copy of", path);
    auto size = static_cast<uint64_t>(info.st_size);
    if (!copy_content(source.get(), target.get(), size, report_.bytes,
                      *job_.cancelled))
      return fail("cannot copy", path);
    // Tools that compare times, such as make, see the folder as it was.
    std::array<timespec, 2> times{info.st_atim, info.st_mtim};
    if (::fchmod(target.get(), info.st_mode & 0777) != 0
        || ::futimens(target.get(), times.data()) != 0)
      return fail("cannot copy the permissions of", path);
    ++report_.files;
  }

  void copy_directory(int from, int to, const std::string& name,
                      const std::string& path, const struct stat& info) {
    if (leave_out_ && info.st_dev == leave_out_->st_dev
        && info.st_ino == leave_out_->st_ino)
      return;
    unique_fd source{::openat(from, name.c_str(), directory_flags)};
    if (!source)
      return fail_to_read(path);
    unique_fd target{open_target(to, name)};
    if (!target)
      return fail("cannot create the copy of", path);
    copy_entries(std::move(source), target.get(), path);
    if (::fchmod(target.get(), info.st_mode & 0777) != 0)
      return fail("cannot copy the permissions of", path);
  }

  /// Opens the directory `name`, which is made if it is not there.
  int open_target(int to, const std::string& name) {
    struct stat info {};
    if (::fstatat(to, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0
        && S_ISDIR(info.st_mode)) {
      ::fchmodat(to, name.c_str(), 0700, 0);
      return ::openat(to, name.c_str(), directory_flags);
    }
    if (!make_way(to, name) || ::mkdirat(to, name.c_str(), 0700) != 0)
      return -1;
    return ::openat(to, name.c_str(), directory_flags);
  }

  void copy_link(int from, int to, const std::string& name,
                 const std::string& path) {
    std::array<char, PATH_MAX> text{};
    auto size = ::readlinkat(from, name.c_str(), text.data(), text.size() - 1);
    if (size < 0)
      return fail_to_read(path);
    if (!make_way(to, name) || ::symlinkat(text.data(), to, name.c_str()) != 0)
      return fail("cannot create the copy of", path);
    ++report_.files;
  }

  /// Removes what has the name of something new.
  bool make_way(int to, const std::string& name) {
    if (::unlinkat(to, name.c_str(), 0) == 0 || errno == ENOENT)
      return true;
    if (errno != EISDIR && errno != EPERM)
      return false;
    auto away = "replaced-" + std::to_string(std::random_device{}()) + "-"
                + std::to_string(report_.replaced.size());
    if (::renameat(to, name.c_str(), AT_FDCWD,
                   (job_.trash + "/" + away).c_str())
        != 0)
      return false;
    report_.replaced.push_back(std::move(away));
    return true;
  }

  const copy_job& job_;
  std::optional<struct stat> leave_out_;
  copy_report report_;
  std::optional<failure> failure_;
};

} // namespace

result<copy_report> copy_workspace(const copy_job& job) {
  return copier{job}.run();
}

} // namespace leasehold::bubblewrap
