#pragma once

// What goes on in which box.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace leasehold::bubblewrap {

/// The commands and copies that are under way, and how to stop them. Loop
/// thread only.
class activities {
public:
  using number = uint64_t;

  /// Something begins in `box`. `stop` makes it end soon.
  number begin(const std::string& box, std::function<void()> stop);

  /// It has ended.
  void end(const std::string& box, number which);

  /// Stops all that goes on in `box` and calls `then` once it has ended; right
  /// away if nothing goes on.
  void stop_all(const std::string& box, std::function<void()> then);

  /// Whether somebody waits for `box` to become quiet: nothing may begin.
  [[nodiscard]] bool stopping(const std::string& box) const;

  /// Stops all that goes on anywhere.
  void stop_everything();

private:
  struct room {
    std::map<number, std::function<void()>> running;
    std::vector<std::function<void()>> waiting;
  };

  static void stop(const room& where);

  std::map<std::string, room> rooms_;
  number last_ = 0;
};

} // namespace leasehold::bubblewrap
