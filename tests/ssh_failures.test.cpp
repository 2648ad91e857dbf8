// The ssh driver when something is wrong, and what it leaves behind: nothing.

#include "drivers/ssh/private_folder.hpp"
#include "drivers/ssh/ssh_driver.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/ssh_world.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>

using namespace leasehold;
using namespace leasehold::test;

namespace fs = std::filesystem;

#define NEEDS_SSHD()                                                           \
  if (!ssh_server::available())                                                \
  return

namespace {

/// The names of all files below a folder.
std::vector<std::string> files_below(const fs::path& where) {
  std::vector<std::string> out;
  std::error_code gone;
  for (const auto& entry : fs::recursive_directory_iterator{where, gone})
    if (!entry.is_directory(gone))
      out.push_back(entry.path().filename().string());
  return out;
}

std::string words_of(const failure& why) {
  return why.message + "\n" + why.detail;
}

} // namespace

TEST_CASE("ssh_failures: a host that is not the known one gets no login",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  auto known = json_string(world.server.wrong_known_hosts());
  auto refused = world.acquire(world.place({{"knownHosts", known}}));
  CHECK(refused.error().code == ec::provider_refused);
  CHECK(refused.error().provider_acted == acted::no);
  CHECK(refused.error().message
        == "SSH to " + world.server.user()
             + "@127.0.0.1:" + std::to_string(world.server.port())
             + " failed: the host's key is not known, or is not the one that "
               "is known.");
  CHECK(refused.error().detail.find("Host key verification failed.")
        != std::string::npos);
  CHECK_FALSE(fs::exists(world.work));
  CHECK(world.acquire(
    world.place({{"knownHosts", known}, {"strictHostKeyChecking", "false"}})));
  CHECK(files_below(world.files.path()).size() <= 1);
}

TEST_CASE("ssh_failures: no connection stays of a lease that never was",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  auto refused
    = world.acquire(world.place({{"remoteWorkspacePath", "\"/proc/no\""}}));
  CHECK(refused.error().code == ec::provider_refused);
  CHECK(refused.error().message
        == "The workspace /proc/no on " + world.server.user()
             + "@127.0.0.1 cannot be used.");
  CHECK(refused.error().detail.find("mkdir:") != std::string::npos);
  CHECK(eventually(
    [&] { return processes_with(world.files.path().string()).empty(); }));
}

TEST_CASE("ssh_failures: a key that the host does not know gets no login",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  world.secrets.values[key_id] = world.server.other_key();
  auto refused = world.acquire(world.place());
  CHECK(refused.error().code == ec::provider_refused);
  CHECK(refused.error().message.find("the host refused the login")
        != std::string::npos);
  CHECK(refused.error().detail.find("Permission denied (publickey).")
        != std::string::npos);
  CHECK(files_below(world.files.path()).empty());
}

TEST_CASE("ssh_failures: what is no key is said to be none", "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  world.secrets.values[key_id] = "canary";
  auto refused = world.acquire(world.place());
  CHECK(refused.error().message.find("the private key cannot be read")
        != std::string::npos);
  CHECK(words_of(refused.error()).find("canary") == std::string::npos);
}

TEST_CASE("ssh_failures: without a key only the user's own are tried",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  auto place = world.place({{"privateKeySecretRef", "null"}});
  CHECK(world.acquire(place).error().code == ec::provider_refused);
  CHECK(world.secrets.requests.empty());
}

TEST_CASE("ssh_failures: secrets that cannot be had are named",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  auto place = world.place();
  place.company = {};
  CHECK(world.acquire(place).error().message
        == "Runtime secret resolution requires a companyId context");
  place = world.place();
  place.environment = {};
  CHECK(world.acquire(place).error().message
        == "Runtime secret resolution requires an environment id");
  ssh_driver none{*world.launcher, world.loop, nullptr, world.options};
  answer_watch<resource_ready> answer;
  none.acquire({lease_in(world.place()), {}, {}}, answer.then());
  CHECK(answer.get().error().code == ec::secret_unusable);
}

TEST_CASE("ssh_failures: a port where nobody listens is unreachable",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  auto port = std::to_string(free_port());
  auto refused = world.acquire(world.place({{"port", port}}));
  CHECK(refused.error().code == ec::provider_refused);
  CHECK(refused.error().message.find(":" + port
                                     + " failed: the host cannot be reached.")
        != std::string::npos);
}

TEST_CASE("ssh_failures: a host that says nothing is given up on",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  world.options.client.login_max = milliseconds{200};
  world.uut = world.make();
  // Accepts connections, by its backlog, and never answers.
  auto silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  auto* address = reinterpret_cast<sockaddr*>(&at);
  REQUIRE(::bind(silent, address, size) == 0);
  REQUIRE(::listen(silent, 4) == 0);
  REQUIRE(::getsockname(silent, address, &size) == 0);
  auto port = std::to_string(ntohs(at.sin_port));
  auto refused = world.acquire(world.place({{"port", port}}));
  CHECK(refused.error().message.find("no login within 200 ms")
        != std::string::npos);
  ::close(silent);
  CHECK(
    eventually([] { return processes_with("leasehold-connected").empty(); }));
}

TEST_CASE("ssh_failures: a host without the SSH client says what to install",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  world.options.client.env["PATH"] = world.home.path();
  world.uut = world.make();
  auto refused = world.acquire(world.place());
  CHECK(refused.error().code == ec::command_not_started);
  CHECK(refused.error().message.find("Install the package openssh-client")
        != std::string::npos);
}

TEST_CASE("ssh_failures: a connection that is lost in mid-command leaves the "
          "outcome unknown, and nothing running",
          "[ssh_failures][trap-13][promise-5]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  auto watch
    = world.start(world.shell("echo $$; echo said >&2; sleep 1000"), sink);
  REQUIRE(sink->says("\n"));
  REQUIRE(sink->wait([&] { return !sink->err.empty(); }));
  auto pid = std::stoll(sink->out);
  world.server.drop_connections();
  auto ended = watch.get();
  CHECK(ended.error().code == ec::outcome_unknown);
  CHECK(ended.error().provider_acted == acted::unknown);
  CHECK(process_ends(pid));
  // The next command connects anew.
  CHECK(world.run(world.shell("exit 3")).value().exit_code == 3);
}

TEST_CASE("ssh_failures: a host that is gone is told before anything starts",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  CHECK(world.run(world.shell("exit 0")));
  world.server.stop();
  CHECK(eventually([&] {
    auto ended = world.run(world.shell("exit 0"));
    return ended.error().code == ec::provider_refused;
  }));
}

TEST_CASE("ssh_failures: the end of a lease ends its commands and its "
          "connection",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  auto watch = world.start(world.shell("echo $$; sleep 1000"), sink);
  REQUIRE(sink->says("\n"));
  CHECK(ask<done>([&](auto then) {
    world.uut->release({world.lease(), release_status::released},
                       std::move(then));
  }));
  CHECK(watch.get().value().cancelled);
  CHECK(process_ends(std::stoll(sink->out)));
  CHECK(eventually([&] {
    return processes_with(world.files.path().string()).empty()
           && files_below(world.files.path()).empty();
  }));
}

TEST_CASE("ssh_failures: a client that hears no signal leaves neither itself "
          "nor a file",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto clients = processes_with(world.files.path().string());
  REQUIRE(clients.size() == 1);
  REQUIRE(::kill(static_cast<pid_t>(clients[0].pid), SIGSTOP) == 0);
  CHECK(ask<done>([&](auto then) {
    world.uut->release({world.lease(), release_status::released},
                       std::move(then));
  }));
  CHECK(process_ends(clients[0].pid));
  CHECK(files_below(world.files.path()).empty());
}

TEST_CASE("ssh_failures: a driver that goes takes commands, connections and "
          "files with it",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  REQUIRE(world.acquire(world.place()));
  auto sink = std::make_shared<test_sink>();
  auto watch = world.start(world.shell("echo $$; sleep 1000"), sink);
  REQUIRE(sink->says("\n"));
  world.uut.reset();
  CHECK(watch.get().error().code == ec::outcome_unknown);
  CHECK(watch.count() == 1);
  CHECK(process_ends(std::stoll(sink->out)));
  CHECK(eventually([&] {
    return processes_with(world.files.path().string()).empty()
           && fs::is_empty(world.files.path());
  }));
}

TEST_CASE("ssh_failures: keys and values are in no argument list, and keys in "
          "no file once the login is through",
          "[ssh_failures]") {
  NEEDS_SSHD();
  ssh_world world;
  auto made = world.acquire(world.place());
  REQUIRE(made);
  auto sink = std::make_shared<test_sink>();
  auto what = world.shell("read -r line; echo \"$line\"; sleep 1000");
  what.spec.env = {{"TOKEN", "canary-in-env"}};
  what.spec.stdin_text = "canary-on-stdin\n";
  auto watch = world.start(what, sink);
  REQUIRE(sink->says("canary-on-stdin"));
  auto key = world.server.key();
  auto line = key.substr(key.find('\n') + 1, 60);
  CHECK(processes_with("canary-in-env").empty());
  CHECK(processes_with("canary-on-stdin").empty());
  CHECK(processes_with(line).empty());
  CHECK(made->metadata.text.find(line) == std::string::npos);
  for (const auto& name : files_below(world.files.path()))
    CHECK(name.ends_with(".s"));
  for (const auto& entry : fs::directory_iterator{world.files.path()})
    CHECK((fs::status(entry).permissions() & fs::perms{0077})
          == fs::perms::none);
  world.uut->cancel(world.lease(), {});
  CHECK(watch.get());
}

TEST_CASE("private_folder: what dead engines left is swept, what is in use "
          "stays",
          "[private_folder]") {
  temp_dir place;
  write_text(place / "leasehold-ssh-dead01/1.key", "canary");
  write_text(place / "other/file", "x");
  auto used = ssh::private_folder::make({place.path()});
  REQUIRE(used);
  REQUIRE(used->write("1.key", "k"));
  CHECK_FALSE(used->write("1.key", "again"));
  struct stat info {};
  REQUIRE(::stat((*used / "1.key").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  ssh::sweep_private_folders({place.path(), "/nowhere"});
  CHECK_FALSE(fs::exists(place / "leasehold-ssh-dead01"));
  CHECK(fs::exists(place / "other/file"));
  CHECK(fs::exists(*used / "1.key"));
  used->remove("1.key");
  CHECK_FALSE(fs::exists(*used / "1.key"));
}

TEST_CASE("private_folder: the first place that will do is taken",
          "[private_folder]") {
  temp_dir place;
  {
    auto made = ssh::private_folder::make(
      {"/nowhere", std::string(80, 'x'), place.path()});
    REQUIRE(made);
    CHECK((*made / "x").starts_with(place.path().string()));
  }
  CHECK(fs::is_empty(place.path()));
  CHECK(ssh::private_folder::make({"/nowhere"}).error().message
        == "No place for private files: none of the folders /nowhere can be "
           "written to.");
}
