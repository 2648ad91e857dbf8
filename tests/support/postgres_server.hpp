#pragma once

// A PostgreSQL server for the tests of one program: a private cluster in a
// temporary directory, reached by a socket in it, and ended with the program,
// however that ends.

#include "storage/postgres.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace leasehold::test {

/// Says loudly that a test is skipped, and what to install, where PostgreSQL's
/// programs are missing. Every test asks first.
bool postgres_is_missing();

class postgres_server {
public:
  /// The one of this program; made and started when first asked for.
  static postgres_server& shared();

  ~postgres_server();

  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  /// Starts it, unless it runs. Returns when it takes connections.
  void start();

  /// Stops it, as an operator in a hurry does; or as a power cut does. Returns
  /// when it is gone.
  void stop();
  void crash();

  /// Kills its first process and nothing else; the others notice. Returns when
  /// all are gone.
  void kill();

  /// Kills the process of one session with this database, if there is one, and
  /// waits until the server has recovered from that; says whether it did.
  bool kill_backend(const std::string& database);

  /// Its first process.
  [[nodiscard]] pid_t pid() const {
    return pid_;
  }

  /// Where its socket is.
  [[nodiscard]] std::string directory() const {
    return dir_.path().string();
  }

  /// A URL for this database and, if need be, this user.
  [[nodiscard]] std::string url(const std::string& database,
                                const std::string& user = "postgres") const;

  /// Lets this user in with a password only; nobody if it is empty.
  void demand_password(const std::string& user);

  /// Runs SQL as the superuser.
  void run(const std::string& sql, const std::string& database = "postgres");

  /// The number that SQL answers.
  int64_t number(const std::string& sql,
                 const std::string& database = "postgres");

private:
  postgres_server();

  void end(int signal);

  /// Starts the server and reads what it says until it ends. On one thread: a
  /// child that is to die with its parent dies with the thread that made it.
  void serve(const std::vector<std::string>& command);

  temp_dir dir_;
  pid_t pid_ = -1;
  std::thread listener_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_;
  bool ready_ = false;
  bool gone_ = false;
};

/// An empty database that goes with the test.
class postgres_database {
public:
  explicit postgres_database(const std::string& options = "");
  ~postgres_database();

  postgres_database(const postgres_database&) = delete;
  postgres_database& operator=(const postgres_database&) = delete;

  [[nodiscard]] const std::string& name() const {
    return name_;
  }

  [[nodiscard]] std::string url(const std::string& user = "postgres") const {
    return server_.url(name_, user);
  }

  /// Runs SQL on the tables behind the store's back.
  void run(const std::string& sql) {
    server_.run("SET search_path = leasehold; " + sql, name_);
  }

  int64_t number(const std::string& sql) {
    return server_.number("SET search_path = leasehold; " + sql, name_);
  }

private:
  postgres_server& server_;
  std::string name_;
};

} // namespace leasehold::test
