#pragma once

// Tables for people: aligned, no wider than needed, colours only if asked.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leasehold::cli {

/// What a piece of text means; decides its colour.
enum class tone { plain, heading, faint, good, bad, warning };

/// The text in its colour, or as it is.
std::string paint(std::string_view text, tone how, bool colour);

/// The text on one line: control characters, with which a provider could
/// drive the terminal, become `?`, line breaks and tabs become blanks.
std::string one_line(std::string_view text);

/// The first `n` characters of an id.
std::string short_id(std::string_view id, size_t n = 8);

struct cell {
  /// Empty is shown as `-`.
  std::string text;
  tone how = tone::plain;
};

/// Rows under headings.
class table {
public:
  explicit table(std::vector<std::string> headings);

  /// Missing cells are empty.
  void add(std::vector<cell> row);

  [[nodiscard]] bool empty() const noexcept {
    return rows_.empty();
  }

  [[nodiscard]] std::string text(bool colour) const;

private:
  std::vector<std::string> headings_;
  std::vector<std::vector<cell>> rows_;
};

/// Names and values, one pair per line.
std::string fields(const std::vector<std::pair<std::string, cell>>& pairs,
                   bool colour);

} // namespace leasehold::cli
