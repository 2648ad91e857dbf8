// What is kept of boxes on disk, and what a crash leaves of it.

#include "drivers/bubblewrap/box_store.hpp"

#include "drivers/worker_kit/disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

using namespace leasehold;
using namespace leasehold::bubblewrap;

namespace fs = std::filesystem;

namespace {

const lease_id lease_1{"0a1b2c3d-1111-2222-3333-444455556666"};
/// Begins like the first.
const lease_id lease_2{"0a1b2c3d-9999-2222-3333-444455556666"};

struct in_state {
  test::temp_dir dir;

  box_store open() {
    return box_store::open(dir / "state").value();
  }

  std::string at(const std::string& path) const {
    return dir / ("state/" + path);
  }
};

box wanted(const lease_id& lease) {
  box out;
  out.lease = lease;
  out.fence = 7;
  out.company = {"acme"};
  out.created = "2026-01-01T00:00:00.000Z";
  return out;
}

} // namespace

TEST_CASE_METHOD(in_state, "box_store: a box is found again as it was made",
                 "[bubblewrap]") {
  auto made = open().create(wanted(lease_1), "").value();
  CHECK(made.fresh);
  CHECK(made.record.id == "box-0a1b2c3d");
  auto found = open().find("box-0a1b2c3d");
  REQUIRE(found);
  REQUIRE(found->record);
  CHECK(found->record->lease == lease_1);
  CHECK(found->record->fence == 7);
  CHECK(found->record->company == company_id{"acme"});
  CHECK(found->record->state == box_state::active);
  for (auto* name : {"home", "tmp", "workspace", "etc/passwd"})
    CHECK(fs::exists(at("boxes/box-0a1b2c3d/") + name));
}

TEST_CASE_METHOD(in_state, "box_store: a lease gets one box", "[bubblewrap]") {
  auto store = open();
  auto first = store.create(wanted(lease_1), "").value();
  auto again = store.create(wanted(lease_1), "").value();
  CHECK_FALSE(again.fresh);
  CHECK(again.record.id == first.record.id);
  CHECK(store.list().size() == 1);
}

TEST_CASE_METHOD(in_state, "box_store: leases that look alike get two boxes",
                 "[bubblewrap]") {
  auto store = open();
  store.create(wanted(lease_1), "").value();
  auto other = store.create(wanted(lease_2), "").value();
  CHECK(other.fresh);
  CHECK(other.record.id == "box-0a1b2c3d99992222");
  // Still found when the shorter name is free again.
  store.discard("box-0a1b2c3d").value();
  CHECK_FALSE(store.create(wanted(lease_2), "").value().fresh);
}

TEST_CASE("box_store: any text can be a lease id", "[bubblewrap]") {
  auto names = box_names({"../../etc"});
  REQUIRE(names.size() == 3);
  CHECK(names[0].size() == 12);
  CHECK(names == box_names({"../../etc"}));
  CHECK(names != box_names({"../../etc2"}));
  CHECK(box_names({}).empty());
}

TEST_CASE_METHOD(in_state, "box_store: without a lease every box is new",
                 "[bubblewrap]") {
  auto store = open();
  auto one = store.create(wanted({}), "").value();
  auto two = store.create(wanted({}), "").value();
  CHECK(one.record.id != two.record.id);
}

TEST_CASE_METHOD(in_state, "box_store: names that are no boxes are not found",
                 "[bubblewrap]") {
  auto store = open();
  auto name
    = GENERATE("", "box-", "box-../trash", "../boxes", "/etc", "box-zz");
  CAPTURE(name);
  // `box-` alone is a well-formed name of no box.
  CHECK_FALSE(store.find(name));
}

TEST_CASE_METHOD(in_state, "box_store: a damaged record is told from none",
                 "[bubblewrap]") {
  auto store = open();
  store.create(wanted(lease_1), "").value();
  auto text = GENERATE("", "{", "[]", "{\"id\":\"box-other\"}");
  test::write_text(at("boxes/box-0a1b2c3d/box.json"), text);
  auto found = store.find("box-0a1b2c3d");
  REQUIRE(found);
  CHECK_FALSE(found->record);
  // It does not take the place of the lease's box.
  CHECK(store.create(wanted(lease_1), "").value().record.id
        == "box-0a1b2c3d11112222");
}

TEST_CASE_METHOD(in_state, "box_store: a start clears away half-made boxes",
                 "[bubblewrap]") {
  open();
  test::write_text(at("new/box-1-x/etc/passwd"), "");
  test::write_text(at("boxes/box-1/home/file"), "");
  // What a failure of power leaves of a record that was just written.
  test::write_text(at("boxes/box-2/home/file"), "");
  test::write_text(at("boxes/box-2/box.json"), "");
  // Whoever asks for it removes it.
  test::write_text(at("boxes/box-3/box.json"), "{");
  auto store = open();
  CHECK(fs::is_empty(at("new")));
  CHECK(store.list().size() == 1);
  CHECK(store.trash().size() == 2);
}

TEST_CASE_METHOD(in_state,
                 "box_store: nothing is cleared while another worker is there",
                 "[bubblewrap]") {
  auto other = open();
  test::write_text(at("new/box-1-x/etc/passwd"), "");
  open();
  CHECK_FALSE(fs::is_empty(at("new")));
}

TEST_CASE_METHOD(in_state, "box_store: a state that cannot be made is an error",
                 "[bubblewrap]") {
  test::write_text(dir / "file", "");
  auto opened = box_store::open(dir / "file/state");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find("Not a directory") != std::string::npos);
}

TEST_CASE_METHOD(in_state, "box_store: a discarded box is gone, then burnt",
                 "[bubblewrap]") {
  auto store = open();
  store.create(wanted(lease_1), "").value();
  auto name = store.discard("box-0a1b2c3d").value();
  CHECK_FALSE(store.find("box-0a1b2c3d"));
  CHECK(store.discard("box-0a1b2c3d").value().empty());
  CHECK(store.trash() == std::vector<std::string>{name});
  CHECK(store.burn(name)());
  CHECK(fs::is_empty(at("trash")));
}

TEST_CASE("remove_tree: takes what is read-only and follows no link",
          "[bubblewrap]") {
  test::temp_dir dir;
  test::write_text(dir / "precious/file", "keep me");
  test::write_text(dir / "trash/x/locked/deep/file", "");
  fs::create_directory_symlink(dir / "precious", dir / "trash/x/locked/link");
  ::chmod((dir / "trash/x/locked/deep").c_str(), 0000);
  ::chmod((dir / "trash/x/locked").c_str(), 0500);
  CHECK(kit::remove_tree(dir / "trash", "x"));
  CHECK(fs::is_empty(dir / "trash"));
  CHECK(test::read_text(dir / "precious/file") == "keep me");
  CHECK(kit::remove_tree(dir / "trash", "x"));
}

TEST_CASE("remove_tree: takes trees deeper than any path", "[bubblewrap]") {
  test::temp_dir dir;
  fs::create_directories(dir / "trash/x");
  auto here = fs::current_path();
  fs::current_path(dir / "trash/x");
  for (int i = 0; i < 2500; ++i)
    if (::mkdir("d", 0700) != 0 || ::chdir("d") != 0)
      break;
  fs::current_path(here);
  CHECK(kit::remove_tree(dir / "trash", "x"));
  CHECK(fs::is_empty(dir / "trash"));
}
