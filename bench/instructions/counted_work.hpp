#pragma once

// What is counted: the hot paths, each by a name.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace leasehold::counting {

/// Something that can be done over and over, in the same way each time.
struct counted_work {
  /// As in expected.txt.
  std::string name;
  /// How many operations one `round` is.
  size_t operations = 1;
  /// Gets ready; the function that comes back does one round. What it needs
  /// lives as long as it does.
  std::function<std::function<void()>()> prepare;
};

const std::vector<counted_work>& all_work();

} // namespace leasehold::counting
