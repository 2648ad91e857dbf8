#pragma once

// Keeps what is worth keeping of a long output.

#include "drivers/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leasehold {

/// Keeps the first and the last half of a UTF-8 text that may become longer
/// than `limit` bytes, and marks the cut between them:
/// `\n[leasehold: 1073217536 bytes left out]\n`.
class output_buffer {
public:
  explicit output_buffer(size_t limit);

  /// Takes the next piece; characters are not split between pieces.
  void append(std::string_view text);

  /// What is kept. Never more than `limit` bytes and the mark.
  [[nodiscard]] std::string text() const;

private:
  size_t half_;
  std::string head_;
  /// At least the last half, and up to twice as much.
  std::string tail_;
  uint64_t size_ = 0;
};

} // namespace leasehold
