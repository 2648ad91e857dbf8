#pragma once

// Finds what a remote shell says about a command in what the command prints.

#include <optional>
#include <string>
#include <string_view>

namespace leasehold::ssh {

/// One output of a remote command. What comes before the first mark is noise of
/// the login; what follows the second is how the command ended. Both marks
/// begin with the only \001 in them.
class marked_stream {
public:
  /// An empty `end` is never found.
  marked_stream(std::string begin, std::string end);

  /// Takes the next piece; returns what the command printed.
  std::string feed(std::string_view bytes);

  /// What was held back, once the stream has ended.
  std::string finish();

  [[nodiscard]] bool begun() const noexcept {
    return begun_;
  }

  /// What came before the first mark; at most its last 8 KiB.
  [[nodiscard]] const std::string& noise() const noexcept {
    return noise_;
  }

  /// What stood behind the second mark, up to the end of its line.
  [[nodiscard]] const std::optional<std::string>& ending() const noexcept {
    return ending_;
  }

private:
  void skip_noise();

  std::string take();

  std::string begin_;
  std::string end_;
  std::string held_;
  std::string noise_;
  bool begun_ = false;
  bool end_seen_ = false;
  std::optional<std::string> ending_;
};

} // namespace leasehold::ssh
