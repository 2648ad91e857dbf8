// Where the program writes.

#include "cli/console.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

namespace leasehold::cli {

namespace {

bool wants_colour(int fd) {
  auto* no_colour = std::getenv("NO_COLOR");
  if (no_colour && *no_colour)
    return false;
  auto* terminal = std::getenv("TERM");
  return isatty(fd) && terminal && std::string_view{terminal} != "dumb";
}

/// Waits until `fd` takes a byte; false after `timeout_ms` without.
bool writable(int fd, int timeout_ms) {
  pollfd what{fd, POLLOUT, 0};
  return poll(&what, 1, timeout_ms) != 0;
}

} // namespace

console::console(bool colour)
  : colour_out{colour && wants_colour(STDOUT_FILENO)},
    colour_err{colour && wants_colour(STDERR_FILENO)} {
  // nop
}

bool console::out(std::string_view bytes) {
  std::lock_guard guard{out_mutex_};
  return write(STDOUT_FILENO, bytes);
}

bool console::err(std::string_view bytes) {
  std::lock_guard guard{err_mutex_};
  return write(STDERR_FILENO, bytes);
}

bool console::write(int fd, std::string_view bytes) {
  auto idle_rounds = 0;
  while (!bytes.empty()) {
    if (!writable(fd, 100)) {
      if (hurried_ && ++idle_rounds >= 10)
        return true;
      continue;
    }
    // A write of this size cannot block on a pipe that has room.
    auto n
      = ::write(fd, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
      idle_rounds = 0;
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno != EPIPE;
    }
  }
  return true;
}

} // namespace leasehold::cli
