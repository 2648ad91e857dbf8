// Secrets through the engine's public face: what can be done with them, and
// that no value comes out anywhere.

#include "tests/support/engine_host.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

using namespace leasehold;
using namespace leasehold::test;

namespace {

const std::string canary = "canary-93c1-hunter2";
const std::string canary_2 = "canary-5d20-swordfish";

/// A host that looks everywhere for what must not be there.
struct secretive : engine_host {
  secretive() {
    start();
  }

  secret_info put(const std::string& name, const std::string& value = canary,
                  const std::string& company = "default") {
    return value_of(running->put_secret({name, value, company}));
  }

  secret_info only(const std::string& name) {
    for (auto& x : value_of(running->secrets()))
      if (x.name == name)
        return x;
    throw std::runtime_error{"no secret " + name};
  }

  failure refused(new_secret what) {
    return failure_of(running->put_secret(std::move(what)));
  }

  /// No value is in any file of the store, in the log, or in an event.
  void check_silence() {
    for (const auto& value : {canary, canary_2}) {
      for (const auto& entry :
           std::filesystem::recursive_directory_iterator{dir.path()}) {
        CAPTURE(entry.path());
        CHECK((!entry.is_regular_file()
               || read_text(entry.path()).find(value) == std::string::npos));
      }
      for (const auto& line : log.all())
        CHECK(line.find(value) == std::string::npos);
      for (const auto& x : events.all())
        CHECK((x.subject + x.from + x.to + x.note).find(value)
              == std::string::npos);
    }
  }
};

} // namespace

TEST_CASE_METHOD(secretive, "engine: a secret is put, rotated, listed, removed",
                 "[engine][secrets]") {
  auto made = put("api key");
  CHECK(made.name == "api key");
  CHECK(made.company == "default");
  CHECK(made.status == "active");
  CHECK(made.provider == "local");
  CHECK(made.latest_version == 1);
  CHECK(made.created_at_ms > 0);
  auto next = value_of(running->rotate_secret({"api key"}, canary_2));
  CHECK(next.id == made.id);
  CHECK(next.latest_version == 2);
  put("other", canary, "acme");
  CHECK(value_of(running->secrets()).size() == 1);
  CHECK(value_of(running->secrets("acme")).size() == 1);
  CHECK(value_of(running->secrets("nobody")).empty());
  value_of(running->remove_secret({made.id}));
  CHECK(value_of(running->secrets()).empty());
  check_silence();
}

TEST_CASE_METHOD(secretive, "engine: a secret's name is taken once per company",
                 "[engine][secrets]") {
  put("key");
  auto why = refused({"key", canary});
  CHECK(why.code == ec::already_exists);
  CHECK(why.message
        == "Company \"default\" has a secret named \"key\" already.");
  put("key", canary, "acme");
  check_silence();
}

TEST_CASE_METHOD(secretive, "engine: what cannot be a secret is refused",
                 "[engine][secrets]") {
  CHECK(refused({"key", ""}).code == ec::invalid_request);
  CHECK(refused({"", canary}).code == ec::invalid_request);
  CHECK(refused({"a\nb", canary}).code == ec::invalid_request);
  CHECK(refused({std::string(201, 'x'), canary}).code == ec::invalid_request);
  CHECK(refused({"11111111-2222-4333-8444-555555555555", canary}).code
        == ec::invalid_request);
  CHECK(refused({"key", canary + "\xff"}).code == ec::invalid_request);
  CHECK(refused({"key", canary, ""}).code == ec::invalid_request);
  auto long_one = refused({"key", canary + std::string(70'000, 'x')});
  CHECK(long_one.code == ec::too_large);
  CHECK(long_one.message.find(canary) == std::string::npos);
  CHECK(value_of(running->secrets()).empty());
  for (auto value : {std::string{}, std::string{"\xff"}})
    CHECK(failure_of(running->rotate_secret({"key"}, value)).code
          == ec::invalid_request);
  CHECK(failure_of(running->rotate_secret({"key"}, canary)).code
        == ec::unknown_secret);
  check_silence();
}

TEST_CASE_METHOD(secretive, "engine: a secret is bound by names, and in use",
                 "[engine][secrets]") {
  add_local();
  auto made = put("key");
  secret_binding place{"key", "here", {}, "auth.token"};
  value_of(running->bind_secret(place));
  auto where = only("key").bindings;
  REQUIRE(where.size() == 1);
  CHECK(where[0].target == "environment");
  CHECK(where[0].target_id == value_of(running->find_environment("here")).id);
  CHECK(where[0].path == "auth.token");
  CHECK(where[0].version == 0);
  CHECK(failure_of(running->remove_secret({"key"})).code == ec::in_use);
  value_of(running->unbind_secret(place));
  CHECK(failure_of(running->unbind_secret(place)).code == ec::binding_missing);
  place.version = 1;
  value_of(running->bind_secret(place));
  CHECK(only("key").bindings.at(0).version == 1);
  value_of(running->remove_secret({"key"}, true));
  CHECK(value_of(running->secrets()).empty());
}

TEST_CASE_METHOD(secretive, "engine: a binding to what is not there is refused",
                 "[engine][secrets]") {
  add_local();
  put("key");
  auto why = [this](secret_binding what) {
    return failure_of(running->bind_secret(std::move(what))).code;
  };
  CHECK(why({"key", "nowhere", {}, "a"}) == ec::unknown_environment);
  CHECK(why({"key", {}, "nothing", "a"}) == ec::unknown_plugin);
  CHECK(why({"no", "here", {}, "a"}) == ec::unknown_secret);
  CHECK(why({"key", "here", {}, "a", 2}) == ec::unknown_secret);
  CHECK(why({"key", "here", {}, "a", 0, "acme"}) == ec::unknown_secret);
  CHECK(why({"key", "here", {}, ""}) == ec::invalid_request);
  CHECK(why({"key", {}, {}, "a"}) == ec::invalid_request);
  CHECK(why({"key", "here", "both", "a"}) == ec::invalid_request);
}

TEST_CASE_METHOD(secretive, "engine: a removed environment unbinds its secrets",
                 "[engine][secrets]") {
  add_local();
  put("key");
  value_of(running->bind_secret({"key", "here", {}, "a"}));
  value_of(running->remove_environment("here"));
  CHECK(only("key").bindings.empty());
}

TEST_CASE_METHOD(secretive, "engine: a secret is turned off and on",
                 "[engine][secrets]") {
  put("key");
  value_of(running->enable_secret({"key"}, false));
  CHECK(only("key").status == "disabled");
  value_of(running->enable_secret({"key"}, true));
  CHECK(only("key").status == "active");
  value_of(running->enable_secret({"key"}, false, 1));
  CHECK(failure_of(running->enable_secret({"key"}, false, 2)).code
        == ec::unknown_secret);
  CHECK(failure_of(running->enable_secret({"no"}, false)).code
        == ec::unknown_secret);
}

TEST_CASE_METHOD(secretive, "engine: rotations at once all count",
                 "[engine][secrets]") {
  put("key");
  auto one = running->rotate_secret({"key"}, canary);
  auto two = running->rotate_secret({"key"}, canary_2);
  value_of(std::move(one));
  value_of(std::move(two));
  CHECK(only("key").latest_version == 3);
}

// -- the master key -----------------------------------------------------------

TEST_CASE_METHOD(secretive, "engine: the master key is made at first use",
                 "[engine][secrets]") {
  auto file = dir / "master.key";
  CHECK_FALSE(std::filesystem::exists(file));
  put("key");
  struct stat facts = {};
  REQUIRE(::stat(file.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  start();
  CHECK(value_of(running->rotate_secret({"key"}, canary_2)).latest_version
        == 2);
}

TEST_CASE_METHOD(secretive, "engine: a lost master key is not made anew",
                 "[engine][secrets]") {
  put("key");
  auto file = dir / "master.key";
  std::filesystem::rename(file, dir / "elsewhere");
  start();
  for (const auto& why :
       {refused({"next", canary}),
        failure_of(running->rotate_secret({"key"}, canary))}) {
    CHECK(why.code == ec::secret_unusable);
    CHECK(why.message
          == "The master key file \"" + file
               + "\" is missing, and secrets are sealed with it.");
  }
  CHECK_FALSE(std::filesystem::exists(file));
  // It is enough to bring it back.
  std::filesystem::rename(dir / "elsewhere", file);
  put("next");
}

TEST_CASE_METHOD(secretive, "engine: a master key that others may read is none",
                 "[engine][secrets]") {
  put("key");
  std::filesystem::permissions(dir / "master.key",
                               std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  start();
  auto why = refused({"next", canary});
  CHECK(why.code == ec::secret_unusable);
  CHECK(why.message.find("others than its owner") != std::string::npos);
}

TEST_CASE_METHOD(secretive, "engine: a master key can be given, and is kept",
                 "[engine][secrets]") {
  const std::string key(64, 'a');
  opts.master_key = key;
  start();
  put("key");
  CHECK_FALSE(std::filesystem::exists(dir / "master.key"));
  opts.master_key = std::string(64, 'b');
  start();
  auto why = refused({"next", canary});
  CHECK(why.code == ec::secret_unusable);
  CHECK((why.message + why.detail).find(opts.master_key) == std::string::npos);
  opts.master_key = key;
  start();
  put("next");
  check_silence();
}

TEST_CASE_METHOD(secretive, "engine: no command sees the master key",
                 "[engine][secrets]") {
  const std::string key(64, 'c');
  REQUIRE(::setenv("LEASEHOLD_MASTER_KEY", key.c_str(), 1) == 0);
  start();
  ::unsetenv("LEASEHOLD_MASTER_KEY");
  put("key");
  CHECK_FALSE(std::filesystem::exists(dir / "master.key"));
  auto lease = acquire(add_local());
  auto seen = execute(lease, shell("env"));
  CHECK(seen.stdout_text.find("PATH=") != std::string::npos);
  CHECK(seen.stdout_text.find(key) == std::string::npos);
  CHECK(seen.stdout_text.find("LEASEHOLD_MASTER_KEY") == std::string::npos);
}
