#pragma once

// What the provider's side saw (fault_worker.cpp, tenant.cpp): who was in which
// box, and who should not have been.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace leasehold::faults {

class journal {
public:
  explicit journal(std::filesystem::path path) : path_{std::move(path)} {
    // nop
  }

  /// Reads on; returns what was wrong in the new lines.
  std::vector<std::string> read();

  /// What a command ended with, as it said itself; empty if it never did.
  [[nodiscard]] std::string end_of(const std::string& command) const;

  /// The pid of the last command that came in and is not known to have gone;
  /// zero if there is none.
  [[nodiscard]] int64_t running() const {
    return last_pid_;
  }

  [[nodiscard]] size_t takeovers() const {
    return takeovers_;
  }

private:
  struct box {
    /// The lease in it; empty while it is parked.
    std::string holder;
    uint64_t fence = 0;
  };

  void take(const std::string& line, std::vector<std::string>& wrong);

  void take_box(const std::vector<std::string>& words,
                std::vector<std::string>& wrong);

  std::filesystem::path path_;
  std::streamoff at_ = 0;
  std::string rest_;
  std::map<std::string, box> boxes_;
  std::map<std::string, std::string> ends_;
  std::string last_in_;
  int64_t last_pid_ = 0;
  size_t takeovers_ = 0;
};

} // namespace leasehold::faults
