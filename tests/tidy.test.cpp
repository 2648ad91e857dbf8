// The house's rules as assertions: who may include whom, how long things may
// get, what no file contains. docs/architecture.md gives the reasons.

#include "messages/errors.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct source {
  /// Relative to the repository, such as `actors/mail.hpp`.
  std::string path;
  std::vector<std::string> lines;
};

const std::vector<std::string> rooms{"actors",  "bench",   "cli",
                                     "drivers", "include", "messages",
                                     "storage", "tests"};

source read(const fs::path& root, const fs::path& path) {
  source out{fs::relative(path, root).string(), {}};
  std::ifstream in{path};
  for (std::string line; std::getline(in, line);)
    out.lines.push_back(line);
  return out;
}

std::vector<source> all_sources() {
  fs::path root{LEASEHOLD_SOURCE_DIR};
  std::vector<source> out;
  for (const auto& room : rooms)
    for (const auto& entry : fs::recursive_directory_iterator{root / room}) {
      auto kind = entry.path().extension();
      if (kind == ".cpp" || kind == ".hpp")
        out.push_back(read(root, entry.path()));
    }
  std::sort(out.begin(), out.end(),
            [](const auto& x, const auto& y) { return x.path < y.path; });
  return out;
}

const std::vector<source>& sources() {
  static const auto all = all_sources();
  return all;
}

bool is_test(const source& x) {
  return x.path.starts_with("tests/");
}

/// What a source includes, as it is written between quotes or brackets.
std::vector<std::string> includes_of(const source& x) {
  static const std::regex include{R"(^#\s*include [<"]([^>"]+)[>"].*)"};
  std::vector<std::string> out;
  for (const auto& line : x.lines) {
    std::smatch found;
    if (std::regex_match(line, found, include))
      out.push_back(found[1]);
  }
  return out;
}

/// Sources whose path matches may include what matches, and the standard
/// library. The first row that matches a source counts.
struct include_rule {
  std::string path;
  std::string may_include;
};

const std::vector<include_rule> table{
  // The public face: nothing but what it needs to name things.
  {"include/.*",
   "leasehold/.*|messages/(ids|errors|enums|result|finding)\\.hpp"},
  // Messages: plain, but for the two files that make CAF know them.
  {"messages/(type_ids|protocols)\\.hpp", "messages/.*|caf/.*"},
  {"messages/json\\.cpp", "messages/.*|nlohmann/.*"},
  {"messages/.*", "messages/.*"},
  // Drivers: one library, one place.
  {"drivers/(io_loop|io_streams|io_loop_impl|running_process|child_process"
   "|fd_writer)\\.[ch]pp",
   "messages/.*|drivers/.*|boost/.*"},
  {"drivers/config_schema\\.cpp",
   "messages/.*|drivers/.*|nlohmann/.*|valijson/.*"},
  {"drivers/(worker_kit|bubblewrap)/.*", "messages/.*|drivers/.*|nlohmann/.*"},
  // A tool with a public face of its own, which is all it sees of that.
  {"drivers/worker_check/.*",
   "messages/.*|drivers/.*|nlohmann/.*|leasehold/worker_check\\.hpp"},
  // Between sources that read JSON.
  {"drivers/(json_value|schema_table)\\.hpp",
   "messages/.*|nlohmann/json_fwd\\.hpp"},
  {"drivers/.*\\.hpp", "messages/.*|drivers/.*"},
  {"drivers/.*\\.cpp", "messages/.*|drivers/.*|nlohmann/.*"},
  // Storage: one home for libsodium, SQLite and PostgreSQL each.
  {"storage/secret_box\\.cpp", "storage/.*|sodium\\.h"},
  {"storage/postgres\\.cpp", "messages/.*|storage/.*|pqxx/.*"},
  {"storage/postgres_url\\.cpp", "messages/.*|storage/.*|libpq-fe\\.h"},
  {"storage/postgres.*", "messages/.*|storage/.*|nlohmann/.*"},
  {"storage/.*", "messages/.*|storage/.*|sqlite3\\.h|nlohmann/.*"},
  // Machines: no actor, no driver, no store; nothing but messages.
  {"actors/(placement|tenancy|lease_term|worker_startup|worker_life"
   "|fair_queue|parking|cleanup|foreign_end|secret_rules|plugin_rules"
   "|host_rules|resumption|breaker|admission|sweeps|diagnosis"
   "|operator_rules)\\.[ch]pp",
   "messages/(?!type_ids|protocols).*"
   "|actors/(placement|tenancy|lease_term|worker_startup|worker_life"
   "|fair_queue|parking|cleanup|foreign_end|secret_rules|plugin_rules"
   "|host_rules|resumption|breaker|admission|sweeps|diagnosis"
   "|operator_rules)\\.hpp"},
  // The composition root sees everything.
  {"actors/engine.*",
   "actors/.*|messages/.*|drivers/.*|storage/.*|leasehold/.*|caf/.*"},
  {"actors/conversions.*",
   "actors/.*|messages/.*|leasehold/.*|drivers/manifest\\.hpp"},
  // Actors: the interfaces of what they use.
  {"actors/.*",
   "actors/(?!engine).*|messages/.*|caf/.*|storage/(store|secret_box)\\.hpp"
   "|drivers/(driver|registry|child_process|worker_channel|json_rpc"
   "|line_splitter|utf8|manifest|scrubber|secret_source|host_methods|admission_"
   "config)\\.hpp"},
  {"cli/.*", "cli/.*|leasehold/.*|messages/result\\.hpp|nlohmann/.*|CLI/.*"},
  {"(tests|bench)/.*", ".*"},
};

const include_rule& rule_for(const source& x) {
  return *std::find_if(table.begin(), table.end(), [&](const auto& rule) {
    return std::regex_match(x.path, std::regex{rule.path});
  });
}

bool is_standard(const std::string& header) {
  // libsodium's header looks like one of them.
  if (header == "sodium.h")
    return false;
  // The standard library's and the system's headers.
  static const std::regex plain{R"([a-z0-9_]+(\.h)?|(sys|linux|net|arpa)/.*)"};
  return std::regex_match(header, plain);
}

/// Characters, not bytes.
size_t width_of(const std::string& line) {
  return static_cast<size_t>(
    std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

size_t indent_of(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

/// How many lines stand between a lambda's braces.
size_t lambda_length(const source& x, size_t begin) {
  auto depth = indent_of(x.lines[begin]);
  for (auto i = begin + 1; i < x.lines.size(); ++i)
    if (!x.lines[i].empty() && indent_of(x.lines[i]) <= depth
        && x.lines[i].find('}') == indent_of(x.lines[i]))
      return i - begin - 1;
  return 0;
}

} // namespace

TEST_CASE("tidy: includes only point down the house", "[tidy]") {
  for (const auto& x : sources()) {
    const auto& rule = rule_for(x);
    std::regex allowed{rule.may_include};
    for (const auto& header : includes_of(x)) {
      INFO(x.path << " includes " << header);
      CHECK((is_standard(header) || std::regex_match(header, allowed)));
    }
  }
}

TEST_CASE("tidy: only one file asks which CAF this is", "[tidy]") {
  for (const auto& x : sources()) {
    if (x.path == "actors/mail.hpp" || is_test(x))
      continue;
    for (const auto& line : x.lines) {
      INFO(x.path << ": " << line);
      CHECK(line.find("CAF_VERSION") == std::string::npos);
      CHECK(line.find("CAF_MAJOR_VERSION") == std::string::npos);
    }
  }
}

TEST_CASE("tidy: files are short enough to be read at once", "[tidy]") {
  for (const auto& x : sources()) {
    INFO(x.path);
    CHECK(x.lines.size() <= (is_test(x) ? 600 : 400));
  }
}

TEST_CASE("tidy: lines fit into 80 columns", "[tidy]") {
  for (const auto& x : sources())
    for (size_t i = 0; i < x.lines.size(); ++i) {
      INFO(x.path << ":" << i + 1);
      CHECK(width_of(x.lines[i]) <= 80);
    }
}

TEST_CASE("tidy: a lambda that grows long has a name", "[tidy]") {
  static const std::regex opens{R"([^/]*(^|[^\[])\[[^\[\]]*\]\(.*\)[^;{]*\{$)"};
  for (const auto& x : sources()) {
    if (is_test(x))
      continue;
    for (size_t i = 0; i < x.lines.size(); ++i) {
      if (!std::regex_match(x.lines[i], opens))
        continue;
      INFO(x.path << ":" << i + 1 << ": " << x.lines[i]);
      // In cli/ a verb's whole body runs inside the session it asks for.
      CHECK(lambda_length(x, i) <= (x.path.starts_with("cli/") ? 20u : 12u));
    }
  }
}

TEST_CASE("tidy: every file says first what it is", "[tidy]") {
  for (const auto& x : sources()) {
    INFO(x.path);
    REQUIRE_FALSE(x.lines.empty());
    auto is_header = x.path.ends_with(".hpp");
    if (is_header)
      CHECK(x.lines.at(0) == "#pragma once");
    // A source file's own header speaks for it.
    auto stem = fs::path{x.path}.replace_extension(".hpp").string();
    auto own_header = "#include \"" + stem + "\"";
    const auto& line = is_header ? x.lines.at(2) : x.lines.at(0);
    CHECK((line.starts_with("//") || line == own_header));
  }
}

TEST_CASE("tidy: a name in a log or a review is one file", "[tidy]") {
  std::map<std::string, std::string> seen;
  for (const auto& x : sources()) {
    auto name = fs::path{x.path}.filename().string();
    // A topic's messages are named as the topic is.
    if (name == "main.cpp" || x.path.starts_with("messages/"))
      continue;
    INFO(x.path << " and " << seen[name]);
    CHECK(seen[name].empty());
    seen[name] = x.path;
  }
}

TEST_CASE("tidy: the README shows the example that is compiled", "[tidy]") {
  fs::path root{LEASEHOLD_SOURCE_DIR};
  auto example = read(root, root / "examples/embedding/main.cpp");
  std::string code;
  // Without its first comment.
  for (size_t i = 2; i < example.lines.size(); ++i)
    code += example.lines[i] + "\n";
  std::string readme;
  for (const auto& line : read(root, root / "README.md").lines)
    readme += line + "\n";
  CHECK(readme.find("```cpp\n" + code + "```") != std::string::npos);
}

TEST_CASE("tidy: every error code has its row in docs/errors.md", "[tidy]") {
  fs::path root{LEASEHOLD_SOURCE_DIR};
  std::string text;
  for (const auto& line : read(root, root / "docs/errors.md").lines)
    text += line + "\n";
  for (const auto& [code, name] : leasehold::names<leasehold::ec>) {
    INFO(name);
    CHECK(
      (code == leasehold::ec::none
       || text.find("| `" + std::string{name} + "` |") != std::string::npos));
  }
}

// Engines that share a store must agree on what time it is, so the store says.
// Of our own: the clock that an SQLite store is given, what people are shown,
// and a worker's record of its boxes.
TEST_CASE("tidy: no engine asks its own machine what time it is", "[tidy]") {
  const std::regex allowed{
    "actors/engine_store\\.cpp|cli/durations\\.cpp|drivers/bubblewrap/.*"
    "|(tests|bench)/.*"};
  for (const auto& x : sources()) {
    if (std::regex_match(x.path, allowed))
      continue;
    CAPTURE(x.path);
    for (const auto& line : x.lines)
      CHECK(line.find("system_"
                      "clock")
            == std::string::npos);
  }
}

TEST_CASE("tidy: no test waits for the clock, and nothing is left undone",
          "[tidy]") {
  // Spelled so that this file does not match itself.
  const std::vector<std::string> banned{std::string{"sleep_"} + "for(",
                                        std::string{"sleep_"} + "until(",
                                        std::string{"usleep"} + "(",
                                        std::string{"FIX"} + "ME",
                                        std::string{"TO"} + "DO",
                                        std::string{"/ro"} + "ot/",
                                        std::string{"using namespace "}
                                          + "std;"};
  for (const auto& x : sources())
    for (size_t i = 0; i < x.lines.size(); ++i)
      for (const auto& word : banned) {
        // What a test's helpers wait for may have no event of its own.
        if (word.ends_with("(") && !x.path.ends_with(".test.cpp")
            && !x.path.starts_with("actors/"))
          continue;
        INFO(x.path << ":" << i + 1 << " has " << word);
        CHECK(x.lines[i].find(word) == std::string::npos);
      }
}
