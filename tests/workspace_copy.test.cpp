// How a folder gets into a box.

#include "drivers/bubblewrap/workspace_copy.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

using namespace leasehold;
using namespace leasehold::bubblewrap;

namespace fs = std::filesystem;

namespace {

struct two_folders {
  test::temp_dir dir;
  copy_job job{dir / "from", dir / "to", dir / "state", dir / "trash"};

  two_folders() {
    for (auto* name : {"from", "to", "state", "trash"})
      fs::create_directory(dir / name);
  }
};

} // namespace

TEST_CASE_METHOD(two_folders, "workspace_copy: files keep content, mode, time",
                 "[bubblewrap]") {
  test::write_text(dir / "from/src/main.c", "int main;");
  test::write_text(dir / "from/run.sh", "#!/bin/sh\n");
  test::write_text(dir / "from/empty", "");
  ::chmod((dir / "from/run.sh").c_str(), 04750);
  auto old = fs::file_time_type::clock::now() - std::chrono::hours{100};
  fs::last_write_time(dir / "from/run.sh", old);
  auto report = copy_workspace(job).value();
  CHECK(report.files == 3);
  CHECK(report.bytes == 19);
  CHECK(test::read_text(dir / "to/src/main.c") == "int main;");
  CHECK(fs::file_size(dir / "to/empty") == 0);
  // Without the set-user-id bit.
  CHECK(fs::status(dir / "to/run.sh").permissions() == fs::perms{0750});
  CHECK(fs::last_write_time(dir / "to/run.sh") == old);
}

TEST_CASE_METHOD(two_folders, "workspace_copy: links stay links",
                 "[bubblewrap]") {
  fs::create_symlink("/etc/passwd", dir / "from/link");
  fs::create_directory_symlink("nowhere", dir / "from/dangling");
  CHECK(copy_workspace(job).value().files == 2);
  CHECK(fs::read_symlink(dir / "to/link") == "/etc/passwd");
  CHECK(fs::read_symlink(dir / "to/dangling") == "nowhere");
}

TEST_CASE_METHOD(two_folders, "workspace_copy: pipes and sockets are skipped",
                 "[bubblewrap]") {
  ::mkfifo((dir / "from/pipe").c_str(), 0600);
  auto report = copy_workspace(job).value();
  CHECK(report.files == 0);
  CHECK(report.skipped == 1);
}

TEST_CASE_METHOD(two_folders, "workspace_copy: overwrites, but removes nothing",
                 "[bubblewrap]") {
  test::write_text(dir / "from/a", "new");
  test::write_text(dir / "from/dir/b", "new");
  test::write_text(dir / "to/a", "old and longer");
  test::write_text(dir / "to/dir/c", "kept");
  CHECK(copy_workspace(job));
  CHECK(test::read_text(dir / "to/a") == "new");
  CHECK(test::read_text(dir / "to/dir/b") == "new");
  CHECK(test::read_text(dir / "to/dir/c") == "kept");
}

TEST_CASE_METHOD(two_folders,
                 "workspace_copy: links in the box are never followed",
                 "[bubblewrap]") {
  // What a hostile command could leave in a box that is used again.
  test::write_text(dir / "host/secret", "untouched");
  test::write_text(dir / "from/file", "new");
  test::write_text(dir / "from/sub/secret", "new");
  fs::create_symlink(dir / "host/secret", dir / "to/file");
  fs::create_directory_symlink(dir / "host", dir / "to/sub");
  CHECK(copy_workspace(job));
  CHECK(test::read_text(dir / "host/secret") == "untouched");
  CHECK(test::read_text(dir / "to/file") == "new");
  CHECK(test::read_text(dir / "to/sub/secret") == "new");
}

TEST_CASE_METHOD(two_folders,
                 "workspace_copy: a directory makes way for a file",
                 "[bubblewrap]") {
  test::write_text(dir / "from/a", "file");
  test::write_text(dir / "to/a/b", "old");
  auto report = copy_workspace(job).value();
  REQUIRE(report.replaced.size() == 1);
  CHECK(test::read_text(dir / "trash/" + report.replaced[0] + "/b") == "old");
  CHECK(test::read_text(dir / "to/a") == "file");
}

TEST_CASE_METHOD(two_folders, "workspace_copy: boxes are not copied into boxes",
                 "[bubblewrap]") {
  job.from = dir.path();
  job.to = dir / "state/box";
  fs::create_directory(job.to);
  test::write_text(dir / "from/a", "x");
  CHECK(copy_workspace(job));
  CHECK(fs::exists(dir / "state/box/from/a"));
  CHECK_FALSE(fs::exists(dir / "state/box/state"));
}

TEST_CASE_METHOD(two_folders, "workspace_copy: a missing folder is an error",
                 "[bubblewrap]") {
  job.from = dir / "nowhere";
  auto copied = copy_workspace(job);
  REQUIRE_FALSE(copied);
  CHECK(copied.error().message
        == "cannot read the workspace " + job.from
             + ": No such file or directory");
}

TEST_CASE_METHOD(two_folders, "workspace_copy: a stopped copy says so",
                 "[bubblewrap]") {
  test::write_text(dir / "from/a", "x");
  *job.cancelled = true;
  auto copied = copy_workspace(job);
  REQUIRE_FALSE(copied);
  CHECK(copied.error().code == ec::cancelled);
}
