// Secret values at rest, and the key that they are sealed with.

#include "storage/secret_box.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <thread>
#include <vector>

using namespace leasehold;
using namespace leasehold::test;

namespace {

const sealed_place here{{"acme"}, {"s-1"}, 1};

const std::string canary = "canary-7f3a-value";

const std::string hex_key
  = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A data directory, and boxes whose key lies in it.
struct key_folder {
  [[nodiscard]] std::string file() const {
    return dir / "master.key";
  }

  [[nodiscard]] master_key_place place() const {
    return {{}, file()};
  }

  /// A sealed value, by a box that may make its key.
  [[nodiscard]] std::string sealed() const {
    secret_box box{place()};
    REQUIRE(box.prepare({}).has_value());
    return box.seal(here, canary).value();
  }

  void set_mode(mode_t mode) const {
    REQUIRE(::chmod(file().c_str(), mode) == 0);
  }

  temp_dir dir;
};

void check_silent(const failure& why, const std::string& key = {}) {
  CHECK(why.code == ec::secret_unusable);
  for (const auto& text : {why.message, why.detail}) {
    CHECK(text.find(canary) == std::string::npos);
    CHECK((key.empty() || text.find(key) == std::string::npos));
  }
}

} // namespace

TEST_CASE("secret_box: what was sealed opens again, also for another box",
          "[secret_box]") {
  key_folder folder;
  auto value
    = GENERATE(as<std::string>{}, canary, std::string{},
               std::string("nul\0in it", 9), std::string(100'000, 'x'));
  secret_box box{folder.place()};
  REQUIRE(box.prepare({}).has_value());
  auto sealed = box.seal(here, value).value();
  CHECK(box.unseal(here, sealed).value() == value);
  secret_box other{folder.place()};
  REQUIRE(other.prepare(sealed).has_value());
  CHECK(other.unseal(here, sealed).value() == value);
}

TEST_CASE("secret_box: a sealed value says nothing, and never twice the same",
          "[secret_box]") {
  key_folder folder;
  secret_box box{folder.place()};
  REQUIRE(box.prepare({}).has_value());
  auto one = box.seal(here, canary).value();
  auto two = box.seal(here, canary).value();
  CHECK(one != two);
  CHECK(one.find(canary) == std::string::npos);
  for (auto c : one)
    CHECK((c > ' ' && c < 127));
}

TEST_CASE("secret_box: a sealed value opens at its place only",
          "[secret_box]") {
  key_folder folder;
  secret_box box{folder.place()};
  REQUIRE(box.prepare({}).has_value());
  auto sealed = box.seal(here, canary).value();
  auto elsewhere = GENERATE(
    sealed_place{{"acme"}, {"s-1"}, 2}, sealed_place{{"acme"}, {"s-2"}, 1},
    sealed_place{{"umbrella"}, {"s-1"}, 1}, sealed_place{});
  auto moved = box.unseal(elsewhere, sealed);
  REQUIRE_FALSE(moved.has_value());
  check_silent(moved.error());
}

TEST_CASE("secret_box: a sealed value that was changed does not open",
          "[secret_box]") {
  key_folder folder;
  secret_box box{folder.place()};
  REQUIRE(box.prepare({}).has_value());
  auto sealed = box.seal(here, canary).value();
  std::vector<std::string> bad{"",
                               "x1.",
                               "plain text",
                               sealed.substr(0, sealed.size() / 2),
                               sealed.substr(0, 13),
                               "x2" + sealed.substr(2),
                               sealed + "AAAA",
                               sealed.substr(0, 12) + "!!!!"};
  auto flipped = sealed;
  auto& c = flipped[sealed.size() / 2];
  c = c == 'A' ? 'B' : 'A';
  bad.push_back(flipped);
  for (const auto& text : bad) {
    CAPTURE(text);
    auto opened = box.unseal(here, text);
    REQUIRE_FALSE(opened.has_value());
    check_silent(opened.error());
  }
}

// -- the key file -------------------------------------------------------------

TEST_CASE("secret_box: the key file is made at first use, for its owner only",
          "[secret_box]") {
  key_folder folder;
  secret_box box{folder.place()};
  CHECK_FALSE(std::filesystem::exists(folder.file()));
  REQUIRE(box.prepare({}).has_value());
  struct stat facts = {};
  REQUIRE(::stat(folder.file().c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0600);
  CHECK(read_text(folder.file()).size() == 65);
  // Nothing else is left there.
  CHECK(
    std::distance(std::filesystem::directory_iterator{folder.dir.path()}, {})
    == 1);
}

TEST_CASE("secret_box: a missing key is not made anew while it is needed",
          "[secret_box]") {
  key_folder folder;
  auto sealed = folder.sealed();
  std::filesystem::remove(folder.file());
  secret_box box{folder.place()};
  auto why = box.prepare(sealed).error();
  CHECK(why.code == ec::secret_unusable);
  CHECK(why.message
        == "The master key file \"" + folder.file()
             + "\" is missing, and secrets are sealed with it.");
  CHECK(why.detail.find("Restore it from a backup") != std::string::npos);
  CHECK(box.unseal(here, sealed).error() == why);
  CHECK(box.seal(here, canary).error() == why);
  CHECK_FALSE(std::filesystem::exists(folder.file()));
}

TEST_CASE("secret_box: a key file that others may use is refused",
          "[secret_box]") {
  key_folder folder;
  auto sealed = folder.sealed();
  auto mode = GENERATE(as<mode_t>{}, 0640, 0604, 0660, 0644, 0610);
  folder.set_mode(mode);
  secret_box box{folder.place()};
  auto why = box.unseal(here, sealed).error();
  check_silent(why, read_text(folder.file()));
  CHECK(why.message.find("others than its owner may use it")
        != std::string::npos);
  CHECK(why.message.find("chmod 600") != std::string::npos);
  // A box that was refused works once that is repaired.
  folder.set_mode(0400);
  CHECK(box.unseal(here, sealed).value() == canary);
}

TEST_CASE("secret_box: a key file without a key is refused, and stays",
          "[secret_box]") {
  key_folder folder;
  auto text
    = GENERATE(as<std::string>{}, "short", "", hex_key + "00",
               hex_key.substr(2), std::string(64, 'z'), std::string(5000, 'a'));
  write_text(folder.file(), text);
  folder.set_mode(0600);
  secret_box box{folder.place()};
  auto why = box.prepare({}).error();
  check_silent(why, text);
  CHECK(why.message.find(folder.file()) != std::string::npos);
  CHECK(read_text(folder.file()) == text);
}

TEST_CASE("secret_box: what is no file is no key file", "[secret_box]") {
  key_folder folder;
  SECTION("a directory") {
    std::filesystem::create_directory(folder.file());
  }
  SECTION("a pipe") {
    REQUIRE(::mkfifo(folder.file().c_str(), 0600) == 0);
  }
  secret_box box{folder.place()};
  auto why = box.prepare({}).error();
  CHECK(why.code == ec::secret_unusable);
  CHECK(why.message.find("it is not a file") != std::string::npos);
}

TEST_CASE("secret_box: a directory that is missing is named", "[secret_box]") {
  key_folder folder;
  secret_box box{{{}, folder.dir / "missing/master.key"}};
  auto why = box.prepare({}).error();
  CHECK(why.code == ec::secret_unusable);
  CHECK(why.message.find("missing/master.key") != std::string::npos);
}

TEST_CASE("secret_box: several first users end up with one key",
          "[secret_box]") {
  key_folder folder;
  std::vector<std::string> sealed(8);
  std::vector<std::thread> users;
  for (auto& mine : sealed)
    users.emplace_back([&] {
      secret_box box{folder.place()};
      if (box.prepare({}))
        mine = box.seal(here, canary).value();
    });
  for (auto& user : users)
    user.join();
  secret_box box{folder.place()};
  for (const auto& text : sealed)
    CHECK(box.unseal(here, text).value() == canary);
}

TEST_CASE("secret_box: another key is told from a damaged row",
          "[secret_box]") {
  key_folder folder;
  auto sealed = folder.sealed();
  secret_box other{{hex_key, folder.file()}};
  for (const auto& why :
       {other.prepare(sealed).error(), other.unseal(here, sealed).error()}) {
    check_silent(why, hex_key);
    CHECK(why.message.find("is not the one that the secrets were sealed with")
          != std::string::npos);
    CHECK(why.detail.find("Restore the key") != std::string::npos);
  }
}

// -- the key in the environment -----------------------------------------------

TEST_CASE("secret_box: a key can be given as text, in two spellings",
          "[secret_box]") {
  auto text = GENERATE(
    as<std::string>{}, hex_key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "  AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
  key_folder folder;
  secret_box box{{text, folder.file()}};
  REQUIRE(box.prepare({}).has_value());
  auto sealed = box.seal(here, canary).value();
  secret_box same{{hex_key, {}}};
  CHECK(same.unseal(here, sealed).value() == canary);
  CHECK_FALSE(std::filesystem::exists(folder.file()));
}

TEST_CASE("secret_box: a text that is no key is refused, and not repeated",
          "[secret_box]") {
  auto text = GENERATE(as<std::string>{}, "hunter2-hunter2", "zz" + hex_key,
                       "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd");
  secret_box box{{text, {}}};
  auto why = box.prepare({}).error();
  check_silent(why, text);
  CHECK(why.message.find(master_key_variable) != std::string::npos);
  CHECK(why.message.find("wrong length") != std::string::npos);
}

TEST_CASE("secret_box: without any place for a key there are no secrets",
          "[secret_box]") {
  secret_box box{{}};
  auto why = box.prepare({}).error();
  CHECK(why.code == ec::secret_unusable);
  CHECK(why.message.find(master_key_variable) != std::string::npos);
}

TEST_CASE("secret_box: a wiped text is empty", "[secret_box]") {
  auto text = canary;
  wipe(text);
  CHECK(text.empty());
}
