#include "tests/support/postgres_server.hpp"

#include "tests/support/catch.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <vector>

namespace leasehold::test {

namespace {

namespace fs = std::filesystem;

using words = std::vector<std::string>;

/// Where `postgres` and `initdb` are: of the newest version that is here.
std::string find_programs() {
  std::vector<fs::path> rooms;
  std::error_code missing;
  for (const auto& entry :
       fs::directory_iterator{"/usr/lib/postgresql", missing})
    rooms.push_back(entry.path() / "bin");
  std::sort(rooms.begin(), rooms.end());
  rooms.emplace_back("/usr/local/bin");
  rooms.emplace_back("/usr/bin");
  std::string found;
  for (const auto& room : rooms)
    if (fs::exists(room / "initdb") && fs::exists(room / "postgres"))
      found = room.string();
  return found;
}

/// Who the server runs as: it refuses to be root.
std::optional<passwd> other_user() {
  if (geteuid() != 0)
    return std::nullopt;
  for (const auto* name : {"postgres", "nobody"})
    if (auto* found = getpwnam(name))
      return *found;
  throw std::runtime_error{"no user to run PostgreSQL as"};
}

/// Runs a program as that user, its output to `out`; it dies with us.
pid_t start_program(const words& command, int out) {
  auto user = other_user();
  auto pid = fork();
  if (pid != 0)
    return pid;
  std::vector<char*> args;
  for (const auto& x : command)
    args.push_back(const_cast<char*>(x.c_str()));
  args.push_back(nullptr);
  if (user && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
    _exit(126);
  // After the change of users, which would undo it.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  setenv("LC_ALL", "C", 1);
  if (chdir("/") == 0)
    execv(args[0], args.data());
  _exit(127);
}

int wait_for(pid_t pid) {
  int status = -1;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

} // namespace

bool postgres_is_missing() {
  static const auto missing = find_programs().empty();
  if (missing)
    std::cerr << "SKIPPED: no PostgreSQL server here. Install it: "
                 "apt-get install postgresql\n";
  return missing;
}

// -- server -------------------------------------------------------------------

postgres_server& postgres_server::shared() {
  static postgres_server it;
  return it;
}

postgres_server::postgres_server() {
  auto data = dir_ / "data";
  if (auto user = other_user())
    if (chown(dir_.path().c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error{"cannot give away " + dir_.path().string()};
  auto log
    = open((dir_ / "initdb.log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  auto status = wait_for(start_program(
    {find_programs() + "/initdb", "--pgdata=" + data, "--username=postgres",
     "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"},
    log));
  close(log);
  if (status != 0)
    throw std::runtime_error{"initdb failed: "
                             + read_text(dir_ / "initdb.log")};
  start();
}

postgres_server::~postgres_server() {
  end(SIGQUIT);
}

void postgres_server::start() {
  if (pid_ > 0)
    return;
  ready_ = gone_ = false;
  words command{find_programs() + "/postgres", "-D", dir_ / "data"};
  for (const auto* option :
       {"listen_addresses=", "fsync=off", "full_page_writes=off",
        "max_connections=60", "shared_buffers=32MB", "log_statement=none",
        "log_min_messages=log", "autovacuum=off"}) {
    command.emplace_back("-c");
    command.emplace_back(option);
  }
  command.emplace_back("-k");
  command.emplace_back(directory());
  listener_ = std::thread{[this, command] { serve(command); }};
  std::unique_lock guard{mutex_};
  changed_.wait(guard, [this] { return ready_ || gone_; });
  if (gone_)
    throw std::runtime_error{"PostgreSQL did not start: " + log_};
}

void postgres_server::serve(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipe"};
  auto pid = start_program(command, ends[1]);
  close(ends[1]);
  {
    std::lock_guard guard{mutex_};
    pid_ = pid;
  }
  char buffer[4096];
  for (;;) {
    auto size = read(ends[0], buffer, sizeof buffer);
    std::lock_guard guard{mutex_};
    if (size <= 0)
      break;
    log_.append(buffer, static_cast<size_t>(size));
    ready_
      = ready_ || log_.find("ready to accept connections") != std::string::npos;
    changed_.notify_all();
  }
  close(ends[0]);
  std::lock_guard guard{mutex_};
  gone_ = true;
  changed_.notify_all();
}

void postgres_server::stop() {
  end(SIGINT);
}

void postgres_server::crash() {
  end(SIGQUIT);
}

void postgres_server::kill() {
  end(SIGKILL);
}

bool postgres_server::kill_backend(const std::string& database) {
  auto backend = number("SELECT coalesce((SELECT pid FROM pg_stat_activity "
                        "WHERE backend_type = 'client backend' AND datname = '"
                        + database + "' ORDER BY random() LIMIT 1), 0)");
  {
    std::lock_guard guard{mutex_};
    ready_ = false;
    log_.clear();
  }
  if (backend == 0 || ::kill(static_cast<pid_t>(backend), SIGKILL) != 0)
    return false;
  // Nothing happens if it was about to end by itself.
  std::unique_lock guard{mutex_};
  return changed_.wait_for(guard, std::chrono::seconds{20}, [this] {
    return ready_ || gone_;
  }) && ready_;
}

void postgres_server::end(int signal) {
  if (pid_ <= 0)
    return;
  ::kill(pid_, signal);
  wait_for(pid_);
  pid_ = -1;
  // Its last child has the pipe until it is gone, too.
  listener_.join();
  log_.clear();
}

std::string postgres_server::url(const std::string& database,
                                 const std::string& user) const {
  return "postgresql://" + user + "@/" + database + "?host=" + directory();
}

void postgres_server::demand_password(const std::string& user) {
  std::string rules = "local all all trust\n";
  if (!user.empty())
    rules = "local all " + user + " scram-sha-256\n" + rules;
  // Keeps its owner: the server must be able to read it.
  write_text(dir_ / "data/pg_hba.conf", rules);
  run("SELECT pg_reload_conf()");
  // The next session may still be let in by the old rules; not this one's
  // successor, which is made after the server has read the new ones.
  while (number("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = "
                "'scram-sha-256'")
         != (user.empty() ? 0 : 1))
    ;
}

void postgres_server::run(const std::string& sql, const std::string& database) {
  postgres::connection{url(database)}.run(sql);
}

int64_t postgres_server::number(const std::string& sql,
                                const std::string& database) {
  return postgres::connection{url(database)}.number(sql);
}

// -- databases ----------------------------------------------------------------

postgres_database::postgres_database(const std::string& options)
  : server_{postgres_server::shared()} {
  static int count = 0;
  name_ = "test_" + std::to_string(++count);
  server_.start();
  server_.run("CREATE DATABASE " + name_ + " " + options);
}

postgres_database::~postgres_database() {
  try {
    server_.start();
    server_.run("DROP DATABASE " + name_ + " WITH (FORCE)");
  } catch (const std::exception& e) {
    std::cerr << "cannot drop " << name_ << ": " << e.what() << "\n";
  }
}

} // namespace leasehold::test
