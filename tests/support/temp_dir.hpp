#pragma once

// A directory for one test.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace leasehold::test {

/// An empty directory that is removed with all that is in it.
class temp_dir {
public:
  temp_dir() {
    auto name
      = (std::filesystem::temp_directory_path() / "leasehold-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw std::runtime_error{"cannot make " + name};
    path_ = name;
  }

  temp_dir(const temp_dir&) = delete;

  temp_dir& operator=(const temp_dir&) = delete;

  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept {
    return path_;
  }

  /// The path of something in it.
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }

private:
  std::filesystem::path path_;
};

inline void write_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(
    std::filesystem::path{path}.parent_path());
  std::ofstream{path, std::ios::binary} << text;
}

/// The content of a file; empty if there is none, or if it cannot be read: that
/// of a process goes with the process.
inline std::string read_text(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

} // namespace leasehold::test
