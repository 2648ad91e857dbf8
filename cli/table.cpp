// Tables for people.

#include "cli/table.hpp"

#include <algorithm>

namespace leasehold::cli {

namespace {

constexpr std::string_view gap = "  ";

std::string_view escape_of(tone how) {
  switch (how) {
    case tone::heading:
      return "\033[1m";
    case tone::faint:
      return "\033[2m";
    case tone::good:
      return "\033[32m";
    case tone::bad:
      return "\033[31m";
    case tone::warning:
      return "\033[33m";
    case tone::plain:
      break;
  }
  return {};
}

/// Columns on the terminal: characters, not bytes.
size_t width_of(std::string_view text) {
  auto starts
    = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return static_cast<size_t>(std::ranges::count_if(text, starts));
}

std::string shown(const cell& x) {
  return x.text.empty() ? "-" : one_line(x.text);
}

/// A line of cells padded to `widths`; nothing follows the last one.
std::string line(const std::vector<cell>& row,
                 const std::vector<size_t>& widths, bool colour) {
  std::string result;
  for (size_t i = 0; i < row.size(); ++i) {
    auto text = shown(row[i]);
    auto padding = widths[i] - width_of(text);
    result
      += paint(text, row[i].text.empty() ? tone::faint : row[i].how, colour);
    if (i + 1 < row.size())
      result += std::string(padding, ' ') + std::string{gap};
  }
  return result + "\n";
}

} // namespace

std::string paint(std::string_view text, tone how, bool colour) {
  auto escape = escape_of(how);
  if (!colour || escape.empty() || text.empty())
    return std::string{text};
  return std::string{escape} + std::string{text} + "\033[0m";
}

std::string one_line(std::string_view text) {
  auto tame = [](char c) {
    if (c == '\n' || c == '\r' || c == '\t')
      return ' ';
    auto code = static_cast<unsigned char>(c);
    return code < 0x20 || code == 0x7F ? '?' : c;
  };
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.remove_suffix(1);
  std::string result{text};
  std::ranges::transform(result, result.begin(), tame);
  return result;
}

std::string short_id(std::string_view id, size_t n) {
  return std::string{id.substr(0, n)};
}

table::table(std::vector<std::string> headings)
  : headings_{std::move(headings)} {
  // nop
}

void table::add(std::vector<cell> row) {
  row.resize(headings_.size());
  rows_.push_back(std::move(row));
}

std::string table::text(bool colour) const {
  std::vector<cell> top;
  std::vector<size_t> widths;
  for (const auto& heading : headings_) {
    top.push_back({heading, tone::heading});
    widths.push_back(width_of(heading));
  }
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(shown(row[i])));
  auto result = line(top, widths, colour);
  for (const auto& row : rows_)
    result += line(row, widths, colour);
  return result;
}

std::string fields(const std::vector<std::pair<std::string, cell>>& pairs,
                   bool colour) {
  std::vector<size_t> widths{0, 0};
  for (const auto& [name, value] : pairs) {
    widths[0] = std::max(widths[0], width_of(name));
    widths[1] = std::max(widths[1], width_of(shown(value)));
  }
  std::string result;
  for (const auto& [name, value] : pairs)
    result += line({{name, tone::faint}, value}, widths, colour);
  return result;
}

} // namespace leasehold::cli
