// What is sent, what is removed, and how a listing is written down.

#include "drivers/ssh/workspace_listing.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace leasehold;
using namespace leasehold::ssh;

using kind = listed_entry::kind;
using paths = std::vector<std::string>;

namespace {

listed_entry file(uint64_t size = 1, int64_t changed = 1) {
  return {kind::file, 0644, size, changed, {}};
}

listed_entry folder() {
  return {kind::folder, 0755, 0, 0, {}};
}

} // namespace

TEST_CASE("workspace_listing: any name survives being written down",
          "[workspace_listing]") {
  listing all{{"a", file()},
              {"-rf", file(0, -1)},
              {"d", folder()},
              {"d/with space\nand % line", file(7, 1'700'000'000'123'456'789)},
              {"\xff", file()},
              {"l", {kind::link, 0777, 0, 0, "../x y"}}};
  CHECK(parse_listing(to_text(all)) == all);
}

TEST_CASE("workspace_listing: lines that are no entries, or lead elsewhere, "
          "do not count",
          "[workspace_listing]") {
  CHECK(parse_listing("f 644 1 1 /etc/passwd \n"
                      "f 644 1 1 ../x \n"
                      "f 644 1 1 a/../../x \n"
                      "f 644 1 1 . \n"
                      "f 644 1 1  \n"
                      "x 644 1 1 a \n"
                      "f 9 1 1 a \n"
                      "f 644 x 1 a \n"
                      "nonsense\n\n%%%\n"
                      "f 644 1 1 good \n")
        == listing{{"good", file()}});
}

TEST_CASE("workspace_listing: reads what the remote side says",
          "[workspace_listing]") {
  std::string text = "f 644 1 1 a \n";
  text += std::string{"\0./new\0./a\0\0.\0./a\0./b c\0\0", 26};
  auto state = parse_remote_state(text);
  CHECK(state.placed == listing{{"a", file()}});
  CHECK((state.changed == std::set<std::string>{"a", "new"}));
  CHECK((state.present == std::set<std::string>{".", "a", "b c"}));
  auto none = parse_remote_state("");
  CHECK(none.placed.empty());
  CHECK(none.present.empty());
}

TEST_CASE("workspace_listing: sends what differs, is missing or was changed",
          "[workspace_listing]") {
  remote_state there;
  there.placed = {{"same", file()}, {"bigger", file(1)}, {"newer", file(1, 1)},
                  {"mode", file()}, {"lost", file()},    {"spoilt", file()}};
  there.present = {"same", "bigger", "newer", "mode", "spoilt"};
  there.changed = {"spoilt", "own"};
  listing here{{"same", file()}, {"bigger", file(2)}, {"newer", file(1, 2)},
               {"mode", file()}, {"lost", file()},    {"spoilt", file()},
               {"added", file()}};
  here["mode"].mode = 0755;
  auto plan = plan_upload(here, there);
  CHECK(plan.send
        == paths{"added", "bigger", "lost", "mode", "newer", "spoilt"});
  CHECK(plan.remove_files.empty());
  CHECK(plan_upload({{"same", file()}}, {{{"same", file()}}, {"same"}, {}})
          .empty());
}

TEST_CASE("workspace_listing: removes what we placed, children first",
          "[workspace_listing]") {
  remote_state there;
  there.placed
    = {{"d", folder()},  {"d/e", folder()},        {"d/e/f", file()},
       {"gone", file()}, {"now a folder", file()}, {"now a file", folder()}};
  there.present = {"d", "d/e", "d/e/f", "now a folder", "now a file", "own"};
  listing here{{"now a folder", folder()}, {"now a file", file()}};
  auto plan = plan_upload(here, there);
  CHECK(plan.remove_files == paths{"now a folder", "d/e/f"});
  CHECK(plan.remove_folders == paths{"now a file", "d/e", "d"});
  CHECK(plan.send == paths{"now a file", "now a folder"});
}

TEST_CASE("workspace_listing: lists a folder without leaving it",
          "[workspace_listing]") {
  test::temp_dir dir;
  test::write_text(dir / "sub/file", "abc");
  test::write_text(dir / std::string{listing_name}, "x");
  std::filesystem::create_symlink("/etc", dir / "link");
  std::atomic<bool> cancelled = false;
  auto all = list_folder(dir.path(), cancelled);
  REQUIRE(all);
  REQUIRE(all->size() == 3);
  CHECK(all->at("link").target == "/etc");
  CHECK(all->at("sub").what == kind::folder);
  CHECK(all->at("sub/file").size == 3);
  cancelled = true;
  CHECK(list_folder(dir.path(), cancelled).error().code == ec::cancelled);
  cancelled = false;
  CHECK(list_folder("/nowhere", cancelled).error().code == ec::invalid_request);
}
