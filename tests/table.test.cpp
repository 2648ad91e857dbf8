// What people read: tables, durations, times.

#include "cli/table.hpp"

#include "cli/admin_commands.hpp"
#include "cli/durations.hpp"
#include "tests/support/catch.hpp"

using namespace leasehold;
using namespace leasehold::cli;
using namespace std::chrono_literals;

// -- tables -------------------------------------------------------------------

TEST_CASE("table: columns are as wide as their widest cell and no wider",
          "[table]") {
  table x{{"ID", "STATUS"}};
  x.add({{"7f3a91c2"}, {"active"}});
  x.add({{"1"}, {"released, parked"}});
  CHECK(x.text(false)
        == "ID        STATUS\n"
           "7f3a91c2  active\n"
           "1         released, parked\n");
}

TEST_CASE("table: an empty or missing cell is a dash", "[table]") {
  table x{{"A", "B", "C"}};
  x.add({{""}, {"b"}});
  CHECK(x.text(false) == "A  B  C\n-  b  -\n");
}

TEST_CASE("table: width counts characters, not bytes", "[table]") {
  table x{{"NAME", "X"}};
  x.add({{"größe"}, {"1"}});
  CHECK(x.text(false) == "NAME   X\ngröße  1\n");
}

TEST_CASE("table: colours wrap the text and not the padding", "[table]") {
  table x{{"A", "B"}};
  x.add({{"ok", tone::good}, {"b"}});
  CHECK(x.text(true)
        == "\033[1mA\033[0m   \033[1mB\033[0m\n\033[32mok\033[0m  b\n");
}

TEST_CASE("table: a cell cannot break the line or drive the terminal",
          "[table]") {
  CHECK(one_line("one\ntwo\tthree\n") == "one two three");
  CHECK(one_line("\033[2Jgone\x7f") == "?[2Jgone?");
}

TEST_CASE("table: fields are aligned", "[table]") {
  CHECK(fields({{"id", {"1"}}, {"status", {""}}}, false)
        == "id      1\nstatus  -\n");
}

TEST_CASE("table: a lease row says what is parked and what is owed",
          "[table]") {
  lease_info parked;
  parked.id = "7f3a91c2-0000-4000-8000-000000000000";
  parked.environment = "box";
  parked.status = "released";
  parked.cleanup = "none";
  parked.parked = true;
  parked.acquired_at_ms = 1'000;
  auto owed = parked;
  owed.status = "failed";
  owed.parked = false;
  owed.cleanup = "failed";
  owed.next_cleanup_at_ms = 66'000;
  auto stuck = owed;
  stuck.next_cleanup_at_ms = std::nullopt;
  auto text = leases_table({parked, owed, stuck}, 61'000, false);
  CHECK(text.find("7f3a91c2  box") != std::string::npos);
  CHECK(text.find("0000-4000") == std::string::npos);
  CHECK(text.find("released, parked") != std::string::npos);
  CHECK(text.find("owed, next in 5 s") != std::string::npos);
  CHECK(text.find("owed, needs you") != std::string::npos);
  CHECK(text.find("1 min ago") != std::string::npos);
}

TEST_CASE("table: a history line says how long after the one before it came",
          "[table]") {
  auto text = history_table({{1'000, "", "acquiring", 7, "asked"},
                             {1'250, "acquiring", "active", 7, ""}},
                            false);
  CHECK(text.find(".000  -       -          acquiring  7      asked\n")
        != std::string::npos);
  CHECK(text.find(".250  250 ms  acquiring  active     7      -\n")
        != std::string::npos);
}

TEST_CASE("table: an environment row shows its provider", "[table]") {
  environment_info x;
  x.name = "box";
  x.driver = "sandbox";
  x.config = R"({"provider":"bubblewrap"})";
  CHECK(environments_table({x}, 0, false).find("box   sandbox  bubblewrap")
        != std::string::npos);
}

// -- durations ----------------------------------------------------------------

TEST_CASE("durations: what people write is read", "[durations]") {
  auto [text, expected]
    = GENERATE(Catch::Generators::table<std::string, std::chrono::milliseconds>(
      {{"30s", 30s},
       {"500ms", 500ms},
       {"1.5m", 90s},
       {"2h", 120min},
       {"1h30m", 90min},
       {"2d", 48h},
       {"90", 90s},
       {"0", 0ms}}));
  CHECK(parse_duration(text) == expected);
}

TEST_CASE("durations: what is no time is refused", "[durations]") {
  auto text = GENERATE(as<std::string>{}, "", "s", "-1s", "1x", "1h30", "inf",
                       "nan", "1e9d", "30 s", "1s ", "99999999d");
  CHECK_FALSE(parse_duration(text).has_value());
}

TEST_CASE("durations: precision follows size", "[durations]") {
  CHECK(format_duration(800us) == "0.8 ms");
  CHECK(format_duration(4'100us) == "4.1 ms");
  CHECK(format_duration(9'960us) == "10 ms");
  CHECK(format_duration(250ms) == "250 ms");
  CHECK(format_duration(999'700us) == "1.0 s");
  CHECK(format_duration(1'300ms) == "1.3 s");
  CHECK(format_duration(125s) == "2 min 5 s");
  CHECK(format_duration(60s) == "1 min");
  CHECK(format_duration(200min) == "3 h 20 min");
  CHECK(format_duration(98h) == "4 d 2 h");
}

TEST_CASE("durations: relative times look both ways", "[durations]") {
  CHECK(format_relative(1'000, 1'500) == "now");
  CHECK(format_relative(1'000, 4'000) == "3 s ago");
  CHECK(format_relative(301'000, 1'000) == "in 5 min");
  CHECK(format_relative(0, 5 * 3'600'000) == "5 h ago");
  CHECK(format_relative(0, 3 * 86'400'000) == "3 d ago");
}
