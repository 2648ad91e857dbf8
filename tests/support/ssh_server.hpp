#pragma once

// A real SSH server for one test, on a free port of this host.

#include "tests/support/child_watch.hpp"
#include "tests/support/temp_dir.hpp"

#include <memory>
#include <string>
#include <vector>

namespace leasehold::test {

/// Runs `sshd` with keys and a config of its own, as a child of the test.
class ssh_server {
public:
  /// Whether this host has what it takes. Says so if not.
  static bool available();

  ssh_server();

  ssh_server(const ssh_server&) = delete;

  ssh_server& operator=(const ssh_server&) = delete;

  ~ssh_server();

  [[nodiscard]] int port() const {
    return port_;
  }

  /// The only user there is: whoever runs the test.
  [[nodiscard]] const std::string& user() const {
    return user_;
  }

  /// The private key that the server accepts.
  [[nodiscard]] std::string key() const;

  /// One that it does not accept.
  [[nodiscard]] std::string other_key() const;

  /// What a client has to know of the server.
  [[nodiscard]] std::string known_hosts() const;

  /// The same, for a key that is not the server's.
  [[nodiscard]] std::string wrong_known_hosts() const;

  /// Kills the processes that serve connections; new ones are accepted.
  void drop_connections();

  /// Ends the server itself.
  void stop();

  /// What the server has logged.
  [[nodiscard]] std::string log() {
    return watch_.out();
  }

private:
  bool start();

  void make_key(const std::string& name);

  [[nodiscard]] std::string known_as(const std::string& key) const;

  temp_dir files_;
  child_watch watch_;
  process_world world_;
  std::shared_ptr<child_process> server_;
  std::string user_;
  int port_ = 0;
};

/// A port of the loopback interface that nobody listens on.
int free_port();

} // namespace leasehold::test
