#include "drivers/child_process.hpp"

#include "drivers/running_process.hpp"

// The one place that knows Boost.Process; its sources are compiled here, too.
#define BOOST_PROCESS_V2_SEPARATE_COMPILATION
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/src.hpp>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>

namespace leasehold {

namespace {

namespace asio = boost::asio;
namespace bp = boost::process::v2;

using boost::system::error_code;

error_code last_error() {
  return {errno, boost::system::system_category()};
}

/// Makes a pipe that no other child inherits. Its ends are clear of the numbers
/// that the child's own standard streams will take.
bool open_pipe(unique_fd& read_end, unique_fd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return false;
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  for (auto* end : {&read_end, &write_end})
    if (end->get() <= STDERR_FILENO)
      end->reset(::fcntl(end->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  return read_end && write_end;
}

/// Has exec close all but the standard streams. Boost's launcher means to, but
/// 1.81 skips the descriptors below its own error pipe.
void close_rest_on_exec() {
  constexpr auto first = STDERR_FILENO + 1;
  constexpr auto cloexec = 4u; // CLOSE_RANGE_CLOEXEC
  if (::syscall(SYS_close_range, first, ~0u, cloexec) == 0)
    return;
  auto end = std::min<long>(::sysconf(_SC_OPEN_MAX), 65'536);
  for (auto fd = first; fd < end; ++fd)
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/// Nothing of the host's signal handling reaches the child.
void reset_signals() {
  for (auto number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// What the child does to itself between fork and exec.
struct child_setup {
  const launch_spec& what;
  pid_t parent;
  int in;
  int out;
  int err;

  template <class Launcher, class Path>
  error_code on_exec_setup(Launcher&, const Path&, const char* const*) {
    reset_signals();
    if (::setpgid(0, 0) != 0
        || ::prctl(PR_SET_PDEATHSIG, what.parent_death_signal) != 0)
      return last_error();
    // A parent that died before the line above sends no signal any more.
    if (::getppid() != parent)
      ::_exit(EXIT_FAILURE);
    if (::dup2(in, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0
        || ::dup2(err, STDERR_FILENO) < 0)
      return last_error();
    close_rest_on_exec();
    for (auto fd : what.inherited)
      if (::fcntl(fd, F_SETFD, 0) != 0)
        return last_error();
    if (!what.cwd.empty() && ::chdir(what.cwd.c_str()) != 0)
      return last_error();
    return {};
  }

  /// Leaves without running the host's exit handlers in its copy. Variadic
  /// because Boost looks for one signature and calls another.
  template <class... Args>
  void on_exec_error(Args&&...) {
    ::_exit(EXIT_FAILURE);
  }
};

/// Keeps the host's signal handlers from running in the child before exec.
class signals_blocked {
public:
  signals_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }

  signals_blocked(const signals_blocked&) = delete;

  signals_blocked& operator=(const signals_blocked&) = delete;

  ~signals_blocked() {
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

private:
  sigset_t before_{};
};

/// Forks and executes. `forks` is a context of its own, since Boost has the
/// child set up the whole reactor of that context anew. Whatever goes wrong,
/// no child is left.
error_code fork_and_exec(const std::string& program, const launch_spec& what,
                         child_setup& setup, asio::io_context& forks,
                         spawned& out) {
  std::vector<const char*> argv;
  for (const auto& arg : what.argv)
    argv.push_back(arg.c_str());
  argv.push_back(nullptr);
  std::vector<std::string> env_texts;
  for (const auto& [key, value] : what.env)
    env_texts.push_back(std::string{key}.append("=").append(value));
  std::vector<const char*> env;
  env.reserve(env_texts.size() + 1);
  for (const auto& text : env_texts)
    env.push_back(text.c_str());
  env.push_back(nullptr);
  bp::posix::default_launcher launcher;
  launcher.env = env.data();
  launcher.fd_whitelist.insert(launcher.fd_whitelist.end(),
                               what.inherited.begin(), what.inherited.end());
  error_code error;
  try {
    signals_blocked quiet;
    launcher(forks.get_executor(), error, program, argv.data(), setup).detach();
  } catch (const boost::system::system_error& err) {
    if (::getpid() != setup.parent)
      ::_exit(EXIT_FAILURE);
    error = err.code();
  }
  if (!error && launcher.pid > 0) {
    out.watch.reset(
      static_cast<int>(::syscall(SYS_pidfd_open, launcher.pid, 0)));
    if (!out.watch)
      error = last_error();
  }
  if (error && launcher.pid > 0) {
    ::kill(launcher.pid, SIGKILL);
    while (::waitpid(launcher.pid, nullptr, 0) < 0 && errno == EINTR) {
      // nop
    }
  }
  out.pid = launcher.pid;
  return error;
}

failure not_started(const launch_spec& what, const error_code& error) {
  auto text = "Cannot start \""
              + (what.argv.empty() ? std::string{} : what.argv[0]) + "\"";
  struct stat info {};
  if (!what.cwd.empty()
      && (::stat(what.cwd.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)))
    text += " in \"" + what.cwd + "\"";
  auto why = std::generic_category().message(error.value());
  return {ec::command_not_started, text + ": " + why + "."};
}

result<spawned> spawn(const launch_spec& what, asio::io_context& forks) {
  auto fail = [&what](int number) {
    return not_started(what, {number, boost::system::system_category()});
  };
  if (what.argv.empty())
    return fail(EINVAL);
  auto program = what.argv[0];
  if (program.find('/') == std::string::npos) {
    auto path = what.env.find("PATH");
    program = find_program(
      program, path == what.env.end() ? "/usr/bin:/bin" : path->second,
      what.cwd);
    if (program.empty())
      return fail(ENOENT);
    program = std::filesystem::absolute(program);
  }
  spawned out;
  unique_fd child_in;
  unique_fd child_out;
  unique_fd child_err;
  if (!open_pipe(child_in, out.in) || !open_pipe(out.out, child_out)
      || !open_pipe(out.err, child_err))
    return fail(errno);
  for (auto* ours : {&out.in, &out.out, &out.err})
    ::fcntl(ours->get(), F_SETFL, O_NONBLOCK);
  child_setup setup{what, ::getpid(), child_in.get(), child_out.get(),
                    child_err.get()};
  if (auto error = fork_and_exec(program, what, setup, forks, out))
    return not_started(what, error);
  return out;
}

class launcher final : public process_launcher {
public:
  explicit launcher(io_loop& loop) : context_{loop.internals().context} {
    // nop
  }

  std::shared_ptr<child_process> start(launch_spec what,
                                       process_events tell) override {
    auto child = std::make_shared<running_process>(
      context_, what.abandon_signal, std::move(tell));
    context_->submit([child, forks = forks_, what = std::move(what)] {
      if (!child->abandoned())
        child->start(spawn(what, *forks));
    });
    return {child.get(), [child](child_process*) { child->abandon(); }};
  }

private:
  std::shared_ptr<loop_context> context_;
  std::shared_ptr<asio::io_context> forks_
    = std::make_shared<asio::io_context>();
};

} // namespace

std::unique_ptr<process_launcher> make_process_launcher(io_loop& loop) {
  return std::make_unique<launcher>(loop);
}

} // namespace leasehold
