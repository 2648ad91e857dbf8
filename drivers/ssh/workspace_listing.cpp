#include "drivers/ssh/workspace_listing.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

namespace leasehold::ssh {

namespace fs = std::filesystem;

namespace {

using kind = listed_entry::kind;

failure unreadable(const std::string& path, const std::string& why) {
  return {ec::invalid_request,
          "The workspace folder \"" + path + "\" cannot be read: " + why + "."};
}

/// Nothing for what is not sent.
std::optional<listed_entry> look_at(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    return std::nullopt;
  listed_entry out;
  out.mode = info.st_mode & 07777;
  if (S_ISDIR(info.st_mode)) {
    out.what = kind::folder;
    return out;
  }
  if (S_ISLNK(info.st_mode)) {
    std::error_code gone;
    out.what = kind::link;
    out.mode = 0777;
    out.target = fs::read_symlink(path, gone).string();
    return out;
  }
  if (!S_ISREG(info.st_mode))
    return std::nullopt;
  out.size = static_cast<uint64_t>(info.st_size);
  out.changed_ns
    = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  return out;
}

/// Percent-encodes what is not a plain character, so that a text is one word.
std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (auto c : text) {
    auto code = static_cast<unsigned char>(c);
    if (code > ' ' && code < 0x7f && c != '%') {
      out += c;
      continue;
    }
    out += '%';
    out += digits[code >> 4];
    out += digits[code & 15];
  }
  return out;
}

std::string decoded(std::string_view word) {
  std::string out;
  for (size_t i = 0; i < word.size(); ++i) {
    unsigned code = 0;
    if (word[i] == '%' && i + 2 < word.size()) {
      std::from_chars(&word[i + 1], &word[i + 1] + 2, code, 16);
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += word[i];
    }
  }
  return out;
}

/// Takes the text up to `separator` off the front of `from`.
std::string_view take(std::string_view& from, char separator) {
  auto end = std::min(from.find(separator), from.size());
  auto out = from.substr(0, end);
  from.remove_prefix(std::min(end + 1, from.size()));
  return out;
}

template <class T>
bool read(std::string_view word, T& out, int base = 10) {
  auto [end, error]
    = std::from_chars(word.data(), word.data() + word.size(), out, base);
  return error == std::errc{} && end == word.data() + word.size();
}

/// Whether a path stays below the folder it is taken from.
bool stays_inside(const fs::path& path) {
  if (path.empty() || path.is_absolute())
    return false;
  for (const auto& part : path)
    if (part == ".." || part == "." || part.empty())
      return false;
  return true;
}

std::set<std::string> take_names(std::string_view& from) {
  std::set<std::string> out;
  while (!from.empty()) {
    auto name = take(from, '\0');
    if (name.empty())
      break;
    if (name.starts_with("./"))
      name.remove_prefix(2);
    out.emplace(name);
  }
  return out;
}

} // namespace

result<listing> list_folder(const std::string& path,
                            const std::atomic<bool>& cancelled) {
  listing out;
  std::error_code error;
  fs::recursive_directory_iterator all{path, error};
  for (const auto end = fs::recursive_directory_iterator{};
       !error && all != end; all.increment(error)) {
    if (cancelled)
      return failure{ec::cancelled, "The transfer was called off."};
    auto name = all->path().lexically_relative(path).string();
    if (name == listing_name)
      continue;
    if (auto entry = look_at(all->path()))
      out.emplace(std::move(name), std::move(*entry));
  }
  if (error)
    return unreadable(path, error.message());
  return out;
}

std::string to_text(const listing& what) {
  constexpr std::array<char, 3> kinds{'f', 'd', 'l'};
  std::string out;
  for (const auto& [path, entry] : what) {
    std::array<char, 16> mode{};
    auto end
      = std::to_chars(mode.data(), mode.data() + mode.size(), entry.mode, 8);
    out += kinds.at(static_cast<size_t>(entry.what));
    out.append(" ").append(mode.data(), end.ptr);
    out += " " + std::to_string(entry.size) + " "
           + std::to_string(entry.changed_ns) + " " + encoded(path) + " "
           + encoded(entry.target) + "\n";
  }
  return out;
}

listing parse_listing(std::string_view text) {
  constexpr std::string_view kinds = "fdl";
  listing out;
  while (!text.empty()) {
    auto line = take(text, '\n');
    auto letter = take(line, ' ');
    auto at = letter.size() == 1 ? kinds.find(letter) : kinds.npos;
    listed_entry entry;
    auto good = at != kinds.npos;
    good = read(take(line, ' '), entry.mode, 8) && good;
    good = read(take(line, ' '), entry.size) && good;
    good = read(take(line, ' '), entry.changed_ns) && good;
    auto path = decoded(take(line, ' '));
    entry.target = decoded(line);
    if (!good || !stays_inside(path))
      continue;
    entry.what = static_cast<kind>(at);
    out.emplace(std::move(path), std::move(entry));
  }
  return out;
}

remote_state parse_remote_state(std::string_view text) {
  remote_state out;
  out.placed = parse_listing(take(text, '\0'));
  out.changed = take_names(text);
  out.present = take_names(text);
  return out;
}

upload_plan plan_upload(const listing& local, const remote_state& remote) {
  upload_plan out;
  for (const auto& [path, entry] : local) {
    auto before = remote.placed.find(path);
    if (before == remote.placed.end() || before->second != entry
        || remote.present.count(path) == 0 || remote.changed.count(path) > 0)
      out.send.push_back(path);
  }
  for (auto pos = remote.placed.rbegin(); pos != remote.placed.rend(); ++pos) {
    const auto& [path, entry] = *pos;
    auto now = local.find(path);
    auto was_folder = entry.what == kind::folder;
    if (remote.present.count(path) == 0
        || (now != local.end()
            && (now->second.what == kind::folder) == was_folder))
      continue;
    (was_folder ? out.remove_folders : out.remove_files).push_back(path);
  }
  return out;
}

} // namespace leasehold::ssh
