#include "drivers/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

} // namespace

line_splitter::line_splitter(size_t max,
                             std::function<void(std::string)> on_line,
                             std::function<void(overlong_line)> on_overlong)
  : max_{max}, on_line_{std::move(on_line)}, on_overlong_{
                                               std::move(on_overlong)} {
  // nop
}

void line_splitter::feed(std::string_view bytes) {
  for (;;) {
    auto end = bytes.find('\n');
    extend(bytes.substr(0, end));
    if (end == std::string_view::npos)
      return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void line_splitter::extend(std::string_view piece) {
  if (overlong_.size == 0 && line_.size() + piece.size() <= max_) {
    line_ += piece;
    return;
  }
  if (overlong_.size == 0) {
    overlong_.size = line_.size();
    overlong_.head = line_.substr(0, excerpt);
    overlong_.tail = line_.substr(overlong_.head.size());
    line_ = {};
  }
  overlong_.size += piece.size();
  auto rest = std::min(excerpt - overlong_.head.size(), piece.size());
  overlong_.head += piece.substr(0, rest);
  piece.remove_prefix(rest);
  overlong_.tail
    += piece.substr(piece.size() - std::min(piece.size(), excerpt));
  if (overlong_.tail.size() > excerpt)
    overlong_.tail.erase(0, overlong_.tail.size() - excerpt);
}

void line_splitter::end_line() {
  if (overlong_.size > 0) {
    on_overlong_(std::exchange(overlong_, {}));
    return;
  }
  if (line_.ends_with('\r'))
    line_.pop_back();
  if (!is_blank(line_))
    on_line_(std::exchange(line_, {}));
  line_.clear();
}

} // namespace leasehold
