#include "tests/faults/victim_process.hpp"

#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace leasehold::faults {

namespace {

using std::chrono::steady_clock;

int left_until(steady_clock::time_point end) {
  auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

[[noreturn]] void become(const std::vector<std::string>& argv, int in, int out,
                         const std::string& log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto err = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  std::vector<char*> words;
  for (const auto& x : argv)
    words.push_back(const_cast<char*>(x.c_str()));
  words.push_back(nullptr);
  ::close_range(3, ~0u, 0);
  ::execv(words[0], words.data());
  ::_exit(127);
}

int open_pidfd(int64_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

/// Waits for the end of a process, child or not.
bool await_end(int64_t pid, milliseconds patience) {
  auto fd = open_pidfd(pid);
  if (fd < 0)
    return true;
  pollfd wait{fd, POLLIN, 0};
  auto ended = ::poll(&wait, 1, static_cast<int>(patience.count())) == 1;
  ::close(fd);
  return ended;
}

std::string words_of_process(int64_t pid) {
  auto out = test::read_text("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(out.begin(), out.end(), '\0', ' ');
  return out;
}

/// Our children, ended ones included.
std::vector<pid_t> children() {
  std::vector<pid_t> out;
  for (const auto& task :
       std::filesystem::directory_iterator{"/proc/self/task"}) {
    std::istringstream list{
      test::read_text((task.path() / "children").string())};
    for (pid_t pid = 0; list >> pid;)
      out.push_back(pid);
  }
  return out;
}

} // namespace

victim_process::victim_process(const std::vector<std::string>& argv,
                               const std::string& log,
                               std::function<void(const std::string&)> hear)
  : hear_{std::move(hear)} {
  int to[2];
  int from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipe"};
  pid_ = ::fork();
  if (pid_ == 0)
    become(argv, to[0], from[1], log);
  ::close(to[0]);
  ::close(from[1]);
  in_ = to[1];
  out_ = from[0];
  if (pid_ < 0)
    throw std::runtime_error{"cannot fork"};
}

victim_process::~victim_process() {
  if (pid_ > 0) {
    kill();
    bury();
  }
  ::close(in_);
}

void victim_process::tell(const std::string& line) const {
  auto text = line + "\n";
  // One that is dead does not listen.
  std::ignore = ::write(in_, text.data(), text.size());
}

std::string victim_process::listen(milliseconds patience,
                                   const std::string& until) {
  auto end = steady_clock::now() + patience;
  while (out_ >= 0) {
    pollfd wait{out_, POLLIN, 0};
    if (::poll(&wait, 1, left_until(end)) <= 0)
      return {};
    char bytes[65536];
    auto size = ::read(out_, bytes, sizeof bytes);
    if (size <= 0)
      ::close(std::exchange(out_, -1));
    else
      text_.append(bytes, static_cast<size_t>(size));
    std::string found;
    for (size_t at = 0; (at = text_.find('\n')) != std::string::npos;) {
      auto line = text_.substr(0, at);
      text_.erase(0, at + 1);
      hear_(line);
      if (!until.empty() && line.starts_with(until))
        found = line;
    }
    if (!found.empty())
      return found;
  }
  return {};
}

void victim_process::kill() const {
  ::kill(pid_, SIGKILL);
}

void victim_process::bury() {
  while (!silent())
    listen(milliseconds{1'000});
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    // nop
  }
  pid_ = -1;
}

void adopt_orphans() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Who is told something may be dead.
  ::signal(SIGPIPE, SIG_IGN);
}

std::vector<std::string> await_orphans(const std::vector<pid_t>& ours,
                                       milliseconds patience) {
  auto end = steady_clock::now() + patience;
  for (;;) {
    std::vector<pid_t> left;
    for (auto pid : children()) {
      if (std::find(ours.begin(), ours.end(), pid) != ours.end()
          || words_of_process(pid).starts_with("postgres"))
        continue;
      if (::waitpid(pid, nullptr, WNOHANG) == 0)
        left.push_back(pid);
    }
    std::vector<std::string> out;
    for (auto pid : left)
      if (!await_end(pid, milliseconds{left_until(end)}))
        out.push_back(std::to_string(pid) + " " + words_of_process(pid));
    if (left.empty() || !out.empty())
      return out;
  }
}

bool kill_surely(int64_t pid, const std::string& mark) {
  auto fd = open_pidfd(pid);
  if (fd < 0)
    return false;
  // The descriptor and the words are of one process, if the words are there.
  auto known
    = words_of_process(pid).find(mark) != std::string::npos
      && ::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0) == 0;
  pollfd wait{fd, POLLIN, 0};
  if (known)
    ::poll(&wait, 1, 10'000);
  ::close(fd);
  return known;
}

} // namespace leasehold::faults
