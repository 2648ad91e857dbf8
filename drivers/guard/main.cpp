// leasehold-guard: runs one command and ends with it, and with everything that
// it started, daemons included.
//
//   leasehold-guard [--grace-ms N] -- PROGRAM ARGS...
//
// The guard is a subreaper: whatever loses its parent below it becomes its own
// child. Once the command has ended, whatever is left is killed, and the guard
// ends the way the command did. SIGTERM, SIGINT and SIGHUP are passed on to the
// command as SIGTERM; what is still there after the grace period is killed.
// SIGQUIT kills at once. The guard's launcher has the kernel send one of these
// when the launcher itself dies.
//
// There are two guards, one inside the other, so that nothing survives a guard
// that is killed itself: the outer one ends what an inner one leaves, and the
// kernel tells the inner one when the outer one dies.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// -- the command --------------------------------------------------------------

[[noreturn]] void say_and_exit(const char* program) {
  auto error = errno;
  std::fprintf(stderr, "leasehold-guard: cannot run \"%s\": %s\n", program,
               std::strerror(error));
  std::fflush(stderr);
  ::_exit(error == ENOENT ? 127 : 126);
}

/// Makes a process that leads a group of its own and gets `death_signal` when
/// its guard dies. The streams stay with it.
pid_t start(int death_signal, const char* what,
            const std::function<void()>& become) {
  auto guard = ::getpid();
  auto pid = ::fork();
  if (pid < 0)
    say_and_exit(what);
  // Both sides do this, so that it is done whoever comes first.
  ::setpgid(pid, pid);
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, death_signal);
    // A guard that died before the line above sends no signal any more.
    if (::getppid() != guard)
      ::_exit(EXIT_FAILURE);
    become();
  }
  // They end when those that use them close them.
  for (auto fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::close(fd);
  return pid;
}

[[noreturn]] void become_command(char** argv) {
  for (auto number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // execvp would have a shell run what the kernel does not recognise.
  if (std::strchr(argv[0], '/'))
    ::execv(argv[0], argv);
  else
    ::execvp(argv[0], argv);
  say_and_exit(argv[0]);
}

// -- everything below ---------------------------------------------------------

/// What a file of /proc says; nothing if it cannot be read.
std::string read_file(const std::string& path) {
  std::string out;
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return out;
  char piece[4096];
  for (ssize_t count = 0; (count = ::read(fd, piece, sizeof(piece))) > 0;)
    out.append(piece, static_cast<size_t>(count));
  ::close(fd);
  return out;
}

/// The parent of a process; 0 if there is no such process.
pid_t parent_of(const std::string& pid) {
  auto text = read_file("/proc/" + pid + "/stat");
  // `pid (name) state parent ...`, and a name may hold anything.
  auto at = text.rfind(')');
  if (at == std::string::npos || at + 4 > text.size())
    return 0;
  return static_cast<pid_t>(std::strtol(text.c_str() + at + 4, nullptr, 10));
}

/// Our children, dead ones included, separated by spaces.
std::string list_children() {
  constexpr auto list = "/proc/thread-self/children";
  if (::access(list, R_OK) == 0)
    return read_file(list);
  // Not every kernel has that file.
  std::string out;
  auto* all = ::opendir("/proc");
  for (dirent* entry = nullptr; all && (entry = ::readdir(all));)
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0]))
        && parent_of(entry->d_name) == ::getpid())
      out.append(entry->d_name).append(" ");
  if (all)
    ::closedir(all);
  return out;
}

/// Kills all children; returns whether any could be.
bool kill_children() {
  auto any = false;
  auto text = list_children();
  for (auto* at = text.c_str(); *at != '\0';) {
    char* end = nullptr;
    auto pid = static_cast<pid_t>(std::strtol(at, &end, 10));
    if (end == at)
      break;
    at = end;
    // Still our child, alive or not, since only we reap it.
    any = (pid > 0 && ::kill(pid, SIGKILL) == 0) || any;
  }
  return any;
}

/// Kills and reaps until nothing is left below: children of those that die
/// become ours. Gives up on what we may not kill.
void kill_all(pid_t command, int& status) {
  for (auto killed = kill_children();; killed = kill_children()) {
    auto now = 0;
    auto pid = ::waitpid(-1, &now, killed ? 0 : WNOHANG);
    if (pid == command)
      status = now;
    if (pid == 0 || (pid < 0 && errno == ECHILD))
      return;
    // Whoever died along with it needs no look at the list of its own.
    while ((pid = ::waitpid(-1, &now, WNOHANG)) > 0)
      if (pid == command)
        status = now;
  }
}

// -- the wait -----------------------------------------------------------------

class guard {
public:
  guard(int signals, pid_t command, milliseconds grace)
    : signals_{signals}, command_{command}, grace_{grace} {
    // nop
  }

  /// Waits for the command's end, and sees to everybody else's.
  int run() {
    auto over = false;
    while (!over) {
      pollfd wait{signals_, POLLIN, 0};
      auto ready = ::poll(&wait, 1, time_left());
      over = ready == 0 || (ready > 0 && on_signal());
    }
    kill_all(command_, status_);
    return status_;
  }

private:
  /// Milliseconds until the grace period is over; -1 if it has not begun.
  [[nodiscard]] int time_left() const {
    if (!ending_)
      return -1;
    auto left
      = std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now());
    return left.count() > 0 ? static_cast<int>(left.count()) : 0;
  }

  /// Returns whether the rest is to be killed now.
  bool on_signal() {
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof(info)) != sizeof(info))
      return false;
    if (info.ssi_signo == SIGCHLD)
      return reap();
    if (info.ssi_signo == SIGQUIT)
      return true;
    if (!ending_) {
      ending_ = true;
      deadline_ = steady_clock::now() + grace_;
      ::kill(-command_, SIGTERM);
    }
    return false;
  }

  /// Reaps whoever has ended; returns whether the command has.
  bool reap() {
    for (;;) {
      auto status = 0;
      auto pid = ::waitpid(-1, &status, WNOHANG);
      if (pid <= 0)
        return false;
      if (pid == command_) {
        status_ = status;
        return true;
      }
    }
  }

  int signals_;
  pid_t command_;
  milliseconds grace_;
  bool ending_ = false;
  steady_clock::time_point deadline_;
  int status_ = 0;
};

/// Blocks the signals that the guard waits for.
int watch_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (auto number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT})
    sigaddset(&watched, number);
  ::sigprocmask(SIG_SETMASK, &watched, nullptr);
  return ::signalfd(-1, &watched, SFD_CLOEXEC);
}

/// Ends as the command did.
int end_like(int status) {
  if (!WIFSIGNALED(status))
    return WEXITSTATUS(status);
  auto number = WTERMSIG(status);
  // The command has dumped its core; ours is of no interest.
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::raise(number);
  return 128 + number;
}

/// Has a process become something, and ends with it and like it.
int stand_guard(char** command, milliseconds grace, int death_signal,
                const std::function<void()>& become) {
  auto signals = watch_signals();
  if (signals < 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    say_and_exit(command[0]);
  auto pid = start(death_signal, command[0], become);
  return end_like(guard{signals, pid, grace}.run());
}

int usage() {
  std::fputs("usage: leasehold-guard [--grace-ms N] -- PROGRAM ARGS...\n",
             stderr);
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  auto grace = milliseconds{2000};
  auto at = 1;
  if (at + 1 < argc && std::string_view{argv[at]} == "--grace-ms") {
    char* end = nullptr;
    auto count = std::strtol(argv[at + 1], &end, 10);
    if (*end != '\0' || count < 0 || count > 3'600'000)
      return usage();
    grace = milliseconds{count};
    at += 2;
  }
  if (at + 1 >= argc || std::string_view{argv[at]} != "--")
    return usage();
  // An ignored SIGCHLD, which exec passes on, would lose the status.
  ::signal(SIGCHLD, SIG_DFL);
  auto* command = argv + at + 1;
  auto inner = [&] {
    std::exit(stand_guard(command, grace, SIGKILL,
                          [command] { become_command(command); }));
  };
  // The inner one has its time first.
  return stand_guard(command, grace + milliseconds{1000}, SIGQUIT, inner);
}
