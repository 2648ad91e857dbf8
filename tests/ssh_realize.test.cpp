// Bringing a folder to an SSH host, and big things in and out.

#include "drivers/ssh/ssh_driver.hpp"
#include "messages/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/ssh_world.hpp"

#include <sys/stat.h>

using namespace leasehold;
using namespace leasehold::test;

namespace fs = std::filesystem;

#define NEEDS_SSHD()                                                           \
  if (!ssh_server::available())                                                \
  return

namespace {

/// A world with a lease and a local folder.
struct realize_world : ssh_world {
  realize_world() {
    REQUIRE(acquire(place()));
  }

  [[nodiscard]] std::string there(const std::string& name) const {
    return work + "/" + name;
  }

  temp_dir local;
};

/// Which file it is; another one once it was replaced.
ino_t identity(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

} // namespace

TEST_CASE("ssh_realize: the record says where the workspace is",
          "[ssh_realize]") {
  NEEDS_SSHD();
  realize_world world;
  auto realized = world.realize("");
  REQUIRE(realized);
  CHECK(realized->cwd == world.work);
  CHECK(realized->metadata.text.find(R"("workspaceRealization":{)")
        != std::string::npos);
  CHECK(realized->metadata.text.find("SSH workspace realized at ")
        != std::string::npos);
  auto missing = world.realize("/nowhere");
  CHECK(missing.error().code == ec::invalid_request);
  CHECK(missing.error().message
        == "The workspace folder \"/nowhere\" does not exist on this host.");
}

TEST_CASE("ssh_realize: files, folders and links arrive as they are",
          "[ssh_realize]") {
  NEEDS_SSHD();
  realize_world world;
  const std::vector<std::string> names{
    "plain",    "with space", "-rf",      "new\nline",   "sub/deep/file",
    "q'uote\"", "ümläut",     "\xff\xfe", "back\\slash", "*"};
  for (const auto& name : names)
    write_text(world.local / name, "content of " + name);
  fs::create_directory(world.local / "empty");
  fs::create_symlink("plain", world.local / "link");
  fs::create_symlink("/etc", world.local / "outside");
  fs::create_symlink("nowhere", world.local / "dangling");
  fs::permissions(world.local / "plain", fs::perms{0750});
  REQUIRE(::mkfifo((world.local / "pipe").c_str(), 0600) == 0);
  REQUIRE(world.realize(world.local.path()));
  for (const auto& name : names)
    CHECK(read_text(world.there(name)) == "content of " + name);
  CHECK(fs::is_directory(world.there("empty")));
  CHECK(fs::read_symlink(world.there("link")) == "plain");
  CHECK(fs::read_symlink(world.there("outside")) == "/etc");
  CHECK(fs::read_symlink(world.there("dangling")) == "nowhere");
  CHECK(fs::status(world.there("plain")).permissions() == fs::perms{0750});
  CHECK_FALSE(fs::exists(world.there("pipe")));
  CHECK(fs::last_write_time(world.there("plain"))
        == fs::file_time_type{std::chrono::floor<std::chrono::seconds>(
          fs::last_write_time(world.local / "plain").time_since_epoch())});
}

TEST_CASE("ssh_realize: only what has changed is sent again", "[ssh_realize]") {
  NEEDS_SSHD();
  realize_world world;
  for (auto* name : {"same", "changed", "removed", "lost", "spoilt", "a/x"})
    write_text(world.local / name, "first");
  REQUIRE(world.realize(world.local.path()));
  write_text(world.there("own"), "made by a command");
  write_text(world.there("a/own"), "made by a command");
  auto before = identity(world.there("same"));
  REQUIRE(before != 0);
  write_text(world.local / "changed", "second");
  write_text(world.local / "added", "new");
  fs::remove(world.local / "removed");
  fs::remove_all(world.local / "a");
  fs::remove(world.there("lost"));
  write_text(world.there("spoilt"), "by a command");
  REQUIRE(world.realize(world.local.path()));
  CHECK(identity(world.there("same")) == before);
  CHECK(read_text(world.there("changed")) == "second");
  CHECK(read_text(world.there("added")) == "new");
  CHECK(read_text(world.there("lost")) == "first");
  CHECK(read_text(world.there("spoilt")) == "first");
  CHECK_FALSE(fs::exists(world.there("removed")));
  CHECK_FALSE(fs::exists(world.there("a/x")));
  CHECK(read_text(world.there("own")) == "made by a command");
  CHECK(read_text(world.there("a/own")) == "made by a command");
  // A file may become a folder, and the other way round.
  fs::remove(world.local / "same");
  write_text(world.local / "same/inside", "third");
  fs::remove_all(world.local / "added");
  write_text(world.local / "folder/file", "x");
  REQUIRE(world.realize(world.local.path()));
  CHECK(read_text(world.there("same/inside")) == "third");
  fs::remove_all(world.local / "folder");
  write_text(world.local / "folder", "now a file");
  REQUIRE(world.realize(world.local.path()));
  CHECK(read_text(world.there("folder")) == "now a file");
}

TEST_CASE("ssh_realize: a workspace in place is left alone", "[ssh_realize]") {
  NEEDS_SSHD();
  realize_world world;
  write_text(world.local / "file", "x");
  place_workspace what;
  what.lease = world.lease();
  what.lease.metadata = with_member(what.lease.metadata, "workspaceRealization",
                                    json_text{R"({"mode":"in_place"})"});
  what.local_path = world.local.path();
  CHECK(ask<workspace_realized>(
    [&](auto then) { world.uut->realize(what, std::move(then)); }));
  CHECK_FALSE(fs::exists(world.there("file")));
}

TEST_CASE("ssh_realize: what the host refuses is told in its words",
          "[ssh_realize]") {
  NEEDS_SSHD();
  realize_world world;
  write_text(world.local / "file", "x");
  fs::create_directories(world.there("file/in the way"));
  auto refused = world.realize(world.local.path());
  CHECK(refused.error().code == ec::provider_refused);
  CHECK(refused.error().provider_acted == acted::unknown);
  CHECK(refused.error().detail.find("file") != std::string::npos);
  fs::remove_all(world.work);
  CHECK(world.realize(world.local.path()).error().message
        == "The working directory \"" + world.work
             + "\" does not exist on the SSH host.");
}

TEST_CASE("ssh_realize: 100 MiB go in and come out", "[ssh_realize]") {
  NEEDS_SSHD();
  realize_world world;
  constexpr size_t size = size_t{100} << 20;
  // Letters, so that what comes out as text is what went in.
  std::string content(size, 'x');
  for (size_t i = 0; i < size; i += 509)
    content[i] = static_cast<char>('a' + i / 509 % 26);
  write_text(world.local / "big", content);
  REQUIRE(world.realize(world.local.path()));
  CHECK(fs::file_size(world.there("big")) == size);
  auto sink = std::make_shared<test_sink>();
  auto ended = world.run(world.command("cat", {"big"}), sink);
  REQUIRE(ended);
  CHECK(ended->exit_code == 0);
  CHECK((sink->out == content));
  CHECK(ended->stdout_text.size() < 1'100'000);
}

TEST_CASE("ssh_realize: the end of a lease ends a transfer", "[ssh_realize]") {
  NEEDS_SSHD();
  realize_world world;
  // A file that has no end soon.
  write_text(world.local / "huge", "x");
  fs::resize_file(world.local / "huge", uintmax_t{1} << 40);
  place_workspace what;
  what.lease = world.lease();
  what.local_path = world.local.path();
  answer_watch<workspace_realized> watch;
  world.uut->realize(what, watch.then());
  REQUIRE(eventually([&] { return fs::exists(world.there("huge")); }));
  CHECK(ask<done>([&](auto then) {
    world.uut->destroy({world.lease(), true}, std::move(then));
  }));
  CHECK(watch.get().error().code == ec::cancelled);
  CHECK(eventually(
    [&] { return processes_with(world.local.path().string()).empty(); }));
}
