#include "bench/load/postgres_cluster.hpp"

#include "bench/load/small_things.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace leasehold::bench {

namespace {

namespace fs = std::filesystem;

/// Where its programs are: of the newest version that is here.
std::string find_programs() {
  std::vector<fs::path> rooms;
  std::error_code missing;
  for (const auto& entry :
       fs::directory_iterator{"/usr/lib/postgresql", missing})
    rooms.push_back(entry.path() / "bin");
  std::sort(rooms.begin(), rooms.end());
  std::string found;
  for (const auto& room : rooms)
    if (fs::exists(room / "initdb") && fs::exists(room / "postgres"))
      found = room.string();
  return found;
}

/// The server refuses to be root.
const passwd* other_user() {
  return geteuid() == 0 ? getpwnam("postgres") : nullptr;
}

pid_t start(std::vector<std::string> command, const std::string& log) {
  const auto* user = other_user();
  auto pid = fork();
  if (pid != 0)
    return pid;
  auto out = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  // A group of its own: Ctrl-C is ours to hear.
  setpgid(0, 0);
  if (user && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
    _exit(126);
  // After the change of users, which would undo it.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  std::vector<char*> args;
  args.reserve(command.size() + 1);
  for (auto& x : command)
    args.push_back(x.data());
  args.push_back(nullptr);
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

bool postgres_cluster::is_here() {
  return !find_programs().empty();
}

postgres_cluster::postgres_cluster(std::string folder)
  : folder_{std::move(folder)} {
  fs::create_directories(folder_);
  if (const auto* user = other_user())
    if (chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error{"cannot give away " + folder_};
  auto log = folder_ + ".log";
  auto made = start({find_programs() + "/initdb", "--pgdata=" + folder_ + "/d",
                     "--username=postgres", "--auth=trust", "--encoding=UTF8",
                     "--locale=C", "--no-sync"},
                    log);
  if (wait_for(made) != 0)
    throw std::runtime_error{"initdb failed: " + read_text(log)};
  pid_ = start({find_programs() + "/postgres", "-D", folder_ + "/d", "-k",
                folder_, "-c", "listen_addresses="},
               log);
  await_ready();
}

void postgres_cluster::await_ready() {
  auto url = "postgresql://postgres@/postgres?host=" + folder_;
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (PQping(url.c_str()) != PQPING_OK) {
    if (std::chrono::steady_clock::now() > end
        || waitpid(pid_, nullptr, WNOHANG) != 0)
      throw std::runtime_error{"PostgreSQL did not start: "
                               + read_text(folder_ + ".log")};
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

postgres_cluster::~postgres_cluster() {
  kill(pid_, SIGINT);
  wait_for(pid_);
}

} // namespace leasehold::bench
