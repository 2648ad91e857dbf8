#pragma once

// Where the program writes: exact bytes to two descriptors, colours only on
// terminals. Writes may come from several threads.

#include "cli/table.hpp"

#include <atomic>
#include <mutex>
#include <string_view>

namespace leasehold::cli {

class console {
public:
  /// `colour`: whether colours are wanted where the target is a terminal.
  explicit console(bool colour);

  /// Whether colours go to standard output, to standard error.
  bool colour_out = false;
  bool colour_err = false;

  /// Writes bytes as they are. False if nobody reads them any more.
  bool out(std::string_view bytes);
  bool err(std::string_view bytes);

  /// From now on a reader that does not read cannot hold us up: what it does
  /// not take within a second is dropped.
  void hurry() noexcept {
    hurried_ = true;
  }

private:
  bool write(int fd, std::string_view bytes);

  std::atomic<bool> hurried_ = false;
  std::mutex out_mutex_;
  std::mutex err_mutex_;
};

} // namespace leasehold::cli
