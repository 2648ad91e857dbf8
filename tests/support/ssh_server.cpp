#include "tests/support/ssh_server.hpp"

#include "drivers/child_process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/processes.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <stdexcept>

namespace leasehold::test {

namespace {

constexpr auto path = "/usr/sbin:/usr/bin:/sbin:/bin";

} // namespace

int free_port() {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  auto* address = reinterpret_cast<sockaddr*>(&at);
  auto good
    = ::bind(fd, address, size) == 0 && ::getsockname(fd, address, &size) == 0;
  ::close(fd);
  return good ? ntohs(at.sin_port) : 0;
}

bool ssh_server::available() {
  for (auto* program : {"sshd", "ssh", "ssh-keygen"})
    if (find_program(program, path).empty()) {
      WARN("SKIPPED: this host has no \"" << program
                                          << "\"; install openssh-server and "
                                             "openssh-client.");
      return false;
    }
  return true;
}

ssh_server::ssh_server() {
  if (auto* who = ::getpwuid(::getuid()))
    user_ = who->pw_name;
  for (auto* name : {"host", "user", "other"})
    make_key(name);
  std::filesystem::copy_file(files_ / "user.pub", files_ / "authorized");
  // Not the home of whoever runs the test, whose profile may take its time.
  std::filesystem::create_directory(files_ / "home");
  // Where the server confines its children, when root runs it.
  std::error_code ignored;
  std::filesystem::create_directories("/run/sshd", ignored);
  for (auto i = 0; i < 5; ++i)
    if (start())
      return;
  throw std::runtime_error{"sshd does not start: " + watch_.out()};
}

ssh_server::~ssh_server() {
  stop();
}

bool ssh_server::start() {
  port_ = free_port();
  write_text(files_ / "config",
             "ListenAddress 127.0.0.1\nPort " + std::to_string(port_)
               + "\nHostKey " + files_ / "host" + "\nAuthorizedKeysFile "
               + files_ / "authorized"
               + "\nPidFile none\nUsePAM no\nStrictModes no\n"
                 "PasswordAuthentication no\n"
                 "KbdInteractiveAuthentication no\nPermitRootLogin yes\n"
                 "MaxStartups 100\nSetEnv HOME="
               + files_ / "home" + "\n");
  server_ = world_.start({"/bin/sh", "-c",
                          "PATH=" + std::string{path}
                            + "; exec \"$(command -v sshd)\" -D -e -f \"$0\" "
                              "2>&1",
                          files_ / "config"},
                         watch_);
  auto line = "port " + std::to_string(port_) + ".";
  auto out = watch_.wait_out([&](const std::string& text) {
    return text.find("Server listening") != std::string::npos
           && text.find(line) != std::string::npos;
  });
  return out;
}

void ssh_server::make_key(const std::string& name) {
  child_watch watch;
  auto child = world_.start({"ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                             "-C", name, "-f", files_ / name},
                            watch);
  child->close_stdin();
  if (watch.ended().code != 0)
    throw std::runtime_error{"ssh-keygen failed: " + watch.err()};
}

std::string ssh_server::key() const {
  return read_text(files_ / "user");
}

std::string ssh_server::other_key() const {
  return read_text(files_ / "other");
}

std::string ssh_server::known_as(const std::string& key) const {
  return "[127.0.0.1]:" + std::to_string(port_) + " "
         + read_text(files_ / (key + ".pub"));
}

std::string ssh_server::known_hosts() const {
  return known_as("host");
}

std::string ssh_server::wrong_known_hosts() const {
  return known_as("other");
}

void ssh_server::drop_connections() {
  std::set<int64_t> ours{watch_.pid()};
  // Children of children: the server forks once more per session.
  for (auto round = 0; round < 3; ++round)
    for (const auto& process : processes())
      if (ours.count(process.parent) > 0 && process.words.starts_with("sshd:"))
        ours.insert(process.pid);
  ours.erase(watch_.pid());
  for (auto pid : ours)
    ::kill(static_cast<pid_t>(pid), SIGKILL);
}

void ssh_server::stop() {
  if (!server_)
    return;
  drop_connections();
  server_->signal(SIGTERM);
  watch_.ended();
  server_.reset();
}

} // namespace leasehold::test
