// What the docs say of proofs is so: every test that they name is there, every
// weakness and trap has its row, every limit is in the table.

#include "tests/support/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path house{LEASEHOLD_SOURCE_DIR};

std::string text_of(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Everything that matches, with its groups.
std::vector<std::smatch> all_of(const std::string& text,
                                const std::regex& what) {
  return {std::sregex_iterator{text.begin(), text.end(), what}, {}};
}

/// A piece of source with what stands between quotes joined.
std::string joined(const std::string& literals) {
  static const std::regex between{R"#("\s*")#"};
  auto text = std::regex_replace(literals, between, "");
  return text.substr(1, text.rfind('"') - 1);
}

/// The test cases of a file, by name, with their tags.
std::map<std::string, std::string> cases_of(const fs::path& path) {
  static const std::regex one{R"#(TEST_CASE(?:_METHOD)?\(\s*(?:[\w:]+,\s*)?)#"
                              R"#(((?:"[^"\n]*"\s*)+),\s*"([^"]*)"\))#"};
  std::map<std::string, std::string> out;
  auto text = text_of(path);
  for (const auto& found : all_of(text, one))
    out.emplace(joined(found[1]), found[2]);
  return out;
}

/// A row of a table, and the tests that it links to.
struct doc_row {
  /// What its first cell says.
  std::string key;
  /// File and name.
  std::vector<std::pair<std::string, std::string>> tests;
};

std::vector<doc_row> rows_of(const std::string& doc) {
  static const std::regex line{R"(\n\| *([^|]*?) *\|([^\n]*))"};
  static const std::regex link{R"(\[([^\]]+)\]\(\.\./(tests/[^)]+)\))"};
  std::vector<doc_row> out;
  auto text = text_of(house / "docs" / doc);
  for (const auto& found : all_of(text, line)) {
    doc_row next{found[1], {}};
    std::string rest = found[2];
    for (const auto& test : all_of(rest, link))
      next.tests.emplace_back(test[2], test[1]);
    out.push_back(std::move(next));
  }
  return out;
}

/// Every test that a row names is there and says itself that it is.
void check_row(const doc_row& what, const std::string& tag) {
  CHECK_FALSE(what.tests.empty());
  for (const auto& [file, name] : what.tests) {
    INFO(file << ": " << name);
    auto cases = cases_of(house / file);
    REQUIRE(cases.contains(name));
    CHECK((tag.empty() || cases[name].find(tag) != std::string::npos));
  }
}

/// The rows from `first` to `last`, named by `prefix` and a number, are there.
void check_numbered(const std::string& doc, const std::string& prefix,
                    const std::string& tag, int first, int last) {
  auto rows = rows_of(doc);
  for (auto i = first; i <= last; ++i) {
    auto key = prefix + std::to_string(i);
    INFO(doc << " " << key);
    auto pos = std::find_if(rows.begin(), rows.end(), [&](const auto& x) {
      return x.key == key && !x.tests.empty();
    });
    REQUIRE(pos != rows.end());
    check_row(*pos, "[" + tag + std::to_string(i) + "]");
  }
}

/// Folders with what ships.
const std::vector<std::string> shipped_rooms{"actors",  "cli",      "drivers",
                                             "include", "messages", "storage"};

bool is_limit(const std::string& name) {
  static const std::regex ending{
    ".*(max|_min|_limit|timeout|grace|interval|patience|_delay|attempts"
    "|_margin|_window|_after|retry_for|capacity|_ttl)"};
  return std::regex_match(name, ending);
}

/// What the code calls a limit: constants and settings with a value.
std::set<std::string> limits_of(const fs::path& path) {
  static const std::regex constant{
    R"(constexpr\s+[\w:<>]+(?:\s+\w+)?\s+(\w+)\s*(?:=|\{))"};
  static const std::regex setting{
    R"(\n\s+(?:std::chrono::)?(?:milliseconds|size_t|uint32_t|int64_t))"
    R"(\s+(\w+)\s*(?:\{|= )[^;}\n]*\d)"};
  std::set<std::string> out;
  auto text = text_of(path);
  for (const auto& what : {constant, setting})
    for (const auto& found : all_of(text, what))
      if (is_limit(found[1]))
        out.insert(found[1]);
  return out;
}

} // namespace

TEST_CASE("proofs: every promise has tests, and they have its number",
          "[house]") {
  check_numbered("promises.md", "", "promise-", 1, 12);
}

TEST_CASE("proofs: every weakness of PB 12.1 and 12.2 has its row and its test",
          "[house]") {
  check_numbered("compatibility.md", "§12.1.", "pb-12.1.", 1, 18);
  check_numbered("compatibility.md", "§12.2.", "pb-12.2.", 19, 30);
}

TEST_CASE("proofs: every trap of FS 4.4 has its row and its test", "[house]") {
  check_numbered("compatibility.md", "", "trap-", 1, 18);
}

TEST_CASE("proofs: every test that docs/limits.md names is there", "[house]") {
  size_t named = 0;
  for (const auto& row : rows_of("limits.md")) {
    INFO("row " << row.key);
    named += row.tests.size();
    if (!row.tests.empty())
      check_row(row, {});
  }
  CHECK(named > 50);
}

TEST_CASE("proofs: every limit in the code has its row in docs/limits.md",
          "[house][promise-10]") {
  auto table = text_of(house / "docs/limits.md");
  for (const auto& room : shipped_rooms)
    for (const auto& entry : fs::recursive_directory_iterator{house / room}) {
      auto kind = entry.path().extension();
      if (kind != ".cpp" && kind != ".hpp")
        continue;
      auto file = fs::relative(entry.path(), house).string();
      for (const auto& name : limits_of(entry.path())) {
        INFO(file << ": " << name << " has no row in docs/limits.md");
        CHECK((table.find("`" + name + "`") != std::string::npos
               || table.find("`options." + name + "`") != std::string::npos));
      }
    }
}
