#include "drivers/ssh/private_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace leasehold::ssh {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "leasehold-ssh-";

/// SSH makes its socket under a name that is 17 characters longer, and the name
/// of a socket ends at 107.
constexpr size_t path_max = 64;

/// SSH reads more into the other characters.
constexpr std::string_view plain_characters
  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

/// The folder, opened and locked; nothing if it is in use, or gone by now.
unique_fd lock(const std::string& path) {
  constexpr auto flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  unique_fd out{::open(path.c_str(), flags)};
  struct stat now {};
  if (!out || ::flock(out.get(), LOCK_EX | LOCK_NB) != 0
      || ::fstat(out.get(), &now) != 0 || now.st_nlink == 0
      || now.st_uid != ::getuid())
    return {};
  return out;
}

bool fits(const fs::path& place) {
  auto text = place.string();
  return text.size() + prefix.size() + 8 <= path_max && place.is_absolute()
         && text.find_first_not_of(plain_characters) == std::string::npos;
}

/// One attempt: whoever sweeps may lock a new folder before we do.
std::pair<std::string, unique_fd> make_in(const fs::path& place) {
  for (auto i = 0; i < 8; ++i) {
    auto name = (place / (std::string{prefix} + "XXXXXX")).string();
    if (!::mkdtemp(name.data()))
      return {};
    if (auto held = lock(name))
      return {std::move(name), std::move(held)};
  }
  return {};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    auto count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno != EINTR)
      return false;
    content.remove_prefix(count > 0 ? static_cast<size_t>(count) : 0);
  }
  return true;
}

} // namespace

std::vector<fs::path> private_places() {
  std::vector<fs::path> out;
  if (auto* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime)
    out.emplace_back(runtime);
  out.emplace_back("/dev/shm");
  std::error_code ignored;
  out.push_back(fs::temp_directory_path(ignored));
  out.emplace_back("/tmp");
  return out;
}

result<private_folder>
private_folder::make(const std::vector<fs::path>& places) {
  std::string tried;
  for (const auto& place : places) {
    if (!fits(place))
      continue;
    if (auto [path, held] = make_in(place); held)
      return private_folder{path, std::move(held)};
    tried += (tried.empty() ? "" : ", ") + place.string();
  }
  return failure{ec::internal,
                 "No place for private files: none of the folders " + tried
                   + " can be written to."};
}

private_folder::private_folder(fs::path path, unique_fd lock)
  : path_{std::move(path)}, lock_{std::move(lock)} {
  // nop
}

private_folder::private_folder(private_folder&& other) noexcept
  : path_{std::exchange(other.path_, {})}, lock_{std::move(other.lock_)} {
  // nop
}

private_folder::~private_folder() {
  std::error_code ignored;
  if (!path_.empty())
    fs::remove_all(path_, ignored);
}

std::string private_folder::operator/(std::string_view name) const {
  return (path_ / name).string();
}

result<> private_folder::write(std::string_view name,
                               std::string_view content) const {
  auto path = *this / name;
  constexpr auto flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  unique_fd file{::open(path.c_str(), flags, 0600)};
  if (file && write_all(file.get(), content))
    return done{};
  auto why = std::generic_category().message(errno);
  if (file)
    remove(name);
  return failure{ec::internal, "Cannot write " + path + ": " + why + "."};
}

void private_folder::remove(std::string_view name) const {
  std::error_code ignored;
  fs::remove(path_ / name, ignored);
}

void sweep_private_folders(const std::vector<fs::path>& places) {
  for (const auto& place : places) {
    std::error_code error;
    fs::directory_iterator all{place, error};
    for (const auto end = fs::directory_iterator{}; !error && all != end;
         all.increment(error)) {
      auto name = all->path().filename().string();
      if (!name.starts_with(prefix))
        continue;
      std::error_code ignored;
      if (auto held = lock(all->path().string()))
        fs::remove_all(all->path(), ignored);
    }
  }
}

} // namespace leasehold::ssh
