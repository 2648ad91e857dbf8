#pragma once

// What an engine needs to know of the world it starts in.

#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

namespace leasehold {

/// Chance. Thread-safe.
class dice_box {
public:
  dice_box();

  /// A number in [0, 1).
  double roll();

  /// A random UUID.
  std::string make_uuid();

private:
  std::mutex mutex_;
  std::mt19937_64 source_;
};

/// What workers may see of this process's environment (PB §5.1).
std::map<std::string, std::string> host_environment();

std::string host_name();

/// The path of a helper program: in `folder` if that is given; else beside this
/// program, where it was installed, or where it was built. The first candidate
/// if there is none, so that an error can name it.
std::string find_helper(std::string_view name, const std::string& folder);

} // namespace leasehold
