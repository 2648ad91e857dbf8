#include "cli/secret_input.hpp"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

namespace leasehold::cli {

namespace {

/// The engine takes less; who sends more means something else.
constexpr size_t value_max = 1u << 20;

constexpr char ctrl_c = 3;
constexpr char ctrl_d = 4;
constexpr char backspace = 8;
constexpr char ctrl_u = 21;
constexpr char del = 127;

failure empty_value() {
  return {ec::invalid_request,
          "The value is empty. Give it on standard input, for example: "
          "leasehold secret put NAME < FILE",
          {}};
}

/// A terminal that shows nothing, as long as this lives. Ctrl-C is a character
/// meanwhile: a signal would leave the terminal as it is.
class silent_terminal {
public:
  explicit silent_terminal(int fd) : fd_{fd} {
    if (::tcgetattr(fd, &before_) != 0)
      return;
    auto silent = before_;
    silent.c_lflag &= static_cast<tcflag_t>(~(ECHO | ICANON | ISIG));
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    changed_ = ::tcsetattr(fd, TCSAFLUSH, &silent) == 0;
  }

  ~silent_terminal() {
    if (changed_)
      ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }

  silent_terminal(const silent_terminal&) = delete;

  silent_terminal& operator=(const silent_terminal&) = delete;

  [[nodiscard]] bool silent() const noexcept {
    return changed_;
  }

private:
  int fd_;
  termios before_ = {};
  bool changed_ = false;
};

/// Reads some bytes; none at the end.
result<std::string> read_some(int fd, size_t count) {
  std::array<char, 4096> bytes{};
  for (;;) {
    auto n = ::read(fd, bytes.data(), std::min(count, bytes.size()));
    if (n >= 0)
      return std::string{bytes.data(), static_cast<size_t>(n)};
    if (errno != EINTR)
      return failure{ec::invalid_request,
                     "Standard input cannot be read: "
                       + std::generic_category().message(errno) + ".",
                     {}};
  }
}

/// Removes the last character, which may be several bytes.
void drop_character(std::string& line) {
  while (!line.empty() && (line.back() & 0xc0) == 0x80)
    line.pop_back();
  if (!line.empty())
    line.pop_back();
}

/// Takes one key; says how the line ended, if it did.
std::optional<result<>> take_key(char key, std::string& line) {
  switch (key) {
    case '\n':
    case '\r':
    case ctrl_d:
      return done{};
    case ctrl_c:
      return failure{ec::cancelled, "Nothing was changed.", {}};
    case backspace:
    case del:
      drop_character(line);
      return std::nullopt;
    case ctrl_u:
      line.clear();
      return std::nullopt;
    default:
      line += key;
      return std::nullopt;
  }
}

result<std::string> read_line(int fd) {
  std::string line;
  for (;;) {
    auto key = read_some(fd, 1);
    if (!key)
      return key;
    if (key->empty())
      return line;
    if (auto end = take_key(key->front(), line))
      return *end ? result<std::string>{line} : end->error();
  }
}

result<std::string> read_all(int fd) {
  std::string all;
  while (all.size() <= value_max) {
    auto piece = read_some(fd, value_max);
    if (!piece)
      return piece;
    if (piece->empty())
      return all;
    all += *piece;
  }
  return failure{ec::too_large, "The value is too long for a secret.", {}};
}

} // namespace

result<std::string> read_secret(int fd, const std::string& prompt,
                                console& screen) {
  result<std::string> value;
  if (::isatty(fd)) {
    silent_terminal terminal{fd};
    if (!terminal.silent())
      return failure{ec::invalid_request,
                     "This terminal would show the value. Give it through a "
                     "pipe or a file.",
                     {}};
    screen.err(prompt);
    value = read_line(fd);
    screen.err("\n");
  } else {
    value = read_all(fd);
    if (value && value->ends_with('\n'))
      value->pop_back();
  }
  if (value && value->empty())
    return empty_value();
  return value;
}

} // namespace leasehold::cli
