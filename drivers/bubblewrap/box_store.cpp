#include "drivers/bubblewrap/box_store.hpp"

#include "drivers/worker_kit/disk.hpp"
#include "drivers/worker_kit/fences.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <random>

namespace leasehold::bubblewrap {

namespace {

namespace fs = std::filesystem;

std::string hex(uint64_t number) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx",
                static_cast<unsigned long long>(number));
  return text.data();
}

std::string random_name() {
  std::random_device source;
  return hex((uint64_t{source()} << 32) | source());
}

/// FNV-1a: the same name for the same lease, in every worker.
uint64_t digest(std::string_view text) {
  uint64_t out = 14695981039346656037u;
  for (auto c : text)
    out = (out ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return out;
}

/// 32 hexadecimal digits that stand for the lease: its own if it is a UUID.
std::string digits_of(const lease_id& lease) {
  std::string out;
  for (auto c : lease.value)
    if (std::isxdigit(static_cast<unsigned char>(c)))
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (c != '-')
      out.clear();
  if (lease.value.size() == 36 && out.size() == 32)
    return out;
  return hex(digest(lease.value)) + hex(digest("box" + lease.value));
}

/// Whether `id` can be the name of a box: it becomes part of a path.
bool is_box_name(std::string_view id) {
  return id.starts_with("box-") && id.size() <= 64
         && std::all_of(id.begin() + 4, id.end(), [](unsigned char c) {
              return std::isdigit(c) || (c >= 'a' && c <= 'f');
            });
}

result<> make_directory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return kit::disk_failure("cannot create", path, error.value());
  if (::chmod(path.c_str(), 0700) != 0)
    return kit::disk_failure("cannot protect", path, errno);
  return done{};
}

} // namespace

std::vector<std::string> box_names(const lease_id& lease) {
  if (lease.empty())
    return {};
  auto digits = digits_of(lease);
  return {"box-" + digits.substr(0, 8), "box-" + digits.substr(0, 16),
          "box-" + digits};
}

// -- opening ------------------------------------------------------------------

box_store::box_store(std::string state, unique_fd lock, unique_fd records)
  : state_{std::move(state)}, lock_{std::move(lock)}, records_{
                                                        std::move(records)} {
  // nop
}

result<box_store> box_store::open(const std::string& state) {
  std::error_code error;
  auto absolute = fs::absolute(state, error).lexically_normal().string();
  for (const char* room : {"", "/boxes", "/new", "/trash"})
    if (auto made = make_directory(absolute + room); !made)
      return made.error();
  auto path = absolute + "/lock";
  unique_fd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock)
    return kit::disk_failure("cannot open", path, errno);
  auto records = absolute + "/records";
  unique_fd changing{
    ::open(records.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!changing)
    return kit::disk_failure("cannot open", records, errno);
  auto alone = ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
  box_store out{std::move(absolute), std::move(lock), std::move(changing)};
  if (alone)
    out.clear_leftovers();
  // Turns the lock into a shared one; waits only for who is clearing away.
  if (::flock(out.lock_.get(), LOCK_SH) != 0)
    return kit::disk_failure("cannot lock", path, errno);
  return out;
}

void box_store::clear_leftovers() {
  for (const auto& name : names_in("/new"))
    std::ignore = kit::remove_tree(state_ + "/new", name);
  for (const auto& name : names_in("/boxes")) {
    std::error_code error;
    auto size = fs::file_size(path_of(name) + "/box.json", error);
    if (error ? error == std::errc::no_such_file_or_directory : size == 0)
      std::ignore = discard(name);
  }
}

// -- boxes --------------------------------------------------------------------

result<made_box> box_store::create(box wanted, const std::string& hostname) {
  auto names = box_names(wanted.lease);
  for (const auto& name : names)
    if (auto found = find(name);
        found && found->record && found->record->lease == wanted.lease)
      return made_box{*found->record, false};
  if (names.empty())
    names.push_back("box-" + random_name());
  for (const auto& name : names) {
    wanted.id = name;
    auto made = make(wanted, hostname.empty() ? name : hostname);
    if (!made)
      return made.error();
    if (*made)
      return made_box{wanted, true};
  }
  return failure{ec::conflict,
                 "every name for a box of lease " + wanted.lease.value
                   + " is taken",
                 {}};
}

result<bool> box_store::make(const box& record, const std::string& hostname) {
  auto room = state_ + "/new";
  auto name = record.id + "-" + random_name();
  auto path = room + "/" + name;
  if (::mkdir(path.c_str(), 0700) != 0)
    return kit::disk_failure("cannot create", path, errno);
  auto made = furnish(path, hostname);
  if (made)
    made = write_box(path, record);
  // Fails on a box that is there, which is never empty. Nothing is synced, as
  // nothing is that is done in a box: one that a failure of power takes away,
  // or whose record it takes, is gone as if somebody had removed it.
  if (made && std::rename(path.c_str(), path_of(record.id).c_str()) == 0)
    return true;
  auto why = errno;
  std::ignore = kit::remove_tree(room, name);
  if (!made)
    return made.error();
  if (why == ENOTEMPTY || why == EEXIST)
    return false;
  return kit::disk_failure("cannot create", path_of(record.id), why);
}

std::optional<found_box> box_store::find(const std::string& id) const {
  std::error_code ignored;
  if (!is_box_name(id) || !fs::is_directory(path_of(id), ignored))
    return std::nullopt;
  auto record = read_box(path_of(id));
  if (record && record->id != id)
    record.reset();
  return found_box{id, std::move(record)};
}

std::vector<found_box> box_store::list() const {
  std::vector<found_box> out;
  for (const auto& name : names_in("/boxes"))
    if (auto found = find(name))
      out.push_back(std::move(*found));
  return out;
}

result<std::optional<box>>
box_store::change(const std::string& id, const std::function<void(box&)>& how) {
  kit::file_lock alone{records_.get()};
  auto found = find(id);
  if (!found || !found->record)
    return std::optional<box>{};
  auto& record = *found->record;
  how(record);
  if (auto saved = replace_box(path_of(id), record); !saved)
    return saved.error();
  return found->record;
}

// -- removal ------------------------------------------------------------------

result<std::string> box_store::discard(const std::string& id) {
  auto from = path_of(id);
  auto name = id + "-" + random_name();
  auto to = state_ + "/trash/" + name;
  if (std::rename(from.c_str(), to.c_str()) == 0)
    return name;
  if (errno == ENOENT)
    return std::string{};
  return kit::disk_failure("cannot remove", from, errno);
}

std::function<result<>()> box_store::burn(const std::string& name) const {
  return
    [room = state_ + "/trash", name] { return kit::remove_tree(room, name); };
}

std::vector<std::string> box_store::trash() const {
  return names_in("/trash");
}

std::string box_store::path_of(const std::string& id) const {
  return state_ + "/boxes/" + id;
}

std::vector<std::string> box_store::names_in(const char* room) const {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator i{state_ + room, error}, end; !error && i != end;
       i.increment(error))
    out.push_back(i->path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace leasehold::bubblewrap
