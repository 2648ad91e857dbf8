#include "storage/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace leasehold {

namespace {

/// More than any key in any form takes.
constexpr size_t size_max = 4096;

failure unusable_file(const std::string& path, const std::string& why) {
  return {ec::secret_unusable,
          "The master key file \"" + path + "\" cannot be used: " + why + ".",
          {}};
}

failure unusable_file(const std::string& path, int error) {
  return unusable_file(path, std::generic_category().message(error));
}

/// A file descriptor that closes itself.
class open_file {
public:
  explicit open_file(int fd) : fd_{fd} {
    // nop
  }

  ~open_file() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  open_file(const open_file&) = delete;

  open_file& operator=(const open_file&) = delete;

  [[nodiscard]] int fd() const noexcept {
    return fd_;
  }

private:
  int fd_;
};

std::string octal(mode_t mode) {
  std::array<char, 16> out{};
  std::snprintf(out.data(), out.size(), "0%o",
                static_cast<unsigned>(mode & 07777));
  return out.data();
}

result<> check_rights(const std::string& path, int fd) {
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0)
    return unusable_file(path, errno);
  if (!S_ISREG(facts.st_mode))
    return unusable_file(path, "it is not a file");
  if ((facts.st_mode & 077) != 0)
    return unusable_file(path, "others than its owner may use it (mode "
                                 + octal(facts.st_mode) + "). Run: chmod 600 \""
                                 + path + "\"");
  return done{};
}

bool write_all(int fd, const std::string& text) {
  for (size_t pos = 0; pos < text.size();) {
    auto n = ::write(fd, text.data() + pos, text.size() - pos);
    if (n < 0 && errno != EINTR)
      return false;
    pos += n > 0 ? static_cast<size_t>(n) : 0;
  }
  return true;
}

/// The new name is on disk once its directory is.
bool sync_directory(const std::string& path) {
  auto folder = std::filesystem::path{path}.parent_path();
  open_file dir{::open(folder.empty() ? "." : folder.c_str(),
                       O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return dir.fd() >= 0 && ::fsync(dir.fd()) == 0;
}

} // namespace

result<std::string> read_key_file(const std::string& path) {
  // Nothing that is no plain file may hold us up.
  open_file file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd() < 0 && errno == ENOENT)
    return std::string{};
  if (file.fd() < 0)
    return unusable_file(path, errno);
  if (auto ok = check_rights(path, file.fd()); !ok)
    return ok.error();
  std::string out(size_max, '\0');
  auto n = ::read(file.fd(), out.data(), out.size());
  if (n < 0)
    return unusable_file(path, errno);
  out.resize(static_cast<size_t>(n));
  if (out.empty())
    return unusable_file(path, "it is empty. Restore it from a backup");
  return out;
}

result<> make_key_file(const std::string& path, const std::string& text) {
  auto draft = path + ".XXXXXX";
  {
    // Only its owner may use what this makes.
    open_file file{::mkostemp(draft.data(), O_CLOEXEC)};
    if (file.fd() < 0)
      return unusable_file(path, errno);
    if (!write_all(file.fd(), text) || ::fsync(file.fd()) != 0) {
      auto error = errno;
      ::unlink(draft.c_str());
      return unusable_file(path, error);
    }
  }
  // Unlike a rename, a link never replaces what is there.
  auto linked = ::link(draft.c_str(), path.c_str()) == 0;
  auto error = errno;
  ::unlink(draft.c_str());
  if (!linked && error != EEXIST)
    return unusable_file(path, error);
  if (!sync_directory(path))
    return unusable_file(path, errno);
  return done{};
}

} // namespace leasehold
