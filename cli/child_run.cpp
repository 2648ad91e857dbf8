#include "cli/child_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace leasehold::cli {

namespace {

using steady = std::chrono::steady_clock;

constexpr size_t kept_max = 1u << 20;

std::string words_of(int number) {
  return std::generic_category().message(number);
}

/// The two ends of a pipe; those that are still open are closed at the end.
class pipe_pair {
public:
  pipe_pair() = default;

  pipe_pair(const pipe_pair&) = delete;

  pipe_pair& operator=(const pipe_pair&) = delete;

  ~pipe_pair() {
    close_end(0);
    close_end(1);
  }

  bool open() {
    return pipe2(ends_.data(), O_CLOEXEC) == 0;
  }

  [[nodiscard]] int from() const {
    return ends_[0];
  }

  [[nodiscard]] int to() const {
    return ends_[1];
  }

  void close_end(size_t which) {
    if (auto fd = std::exchange(ends_[which], -1); fd >= 0)
      close(fd);
  }

  /// Reads what there is; false once nothing more will come.
  bool read_some(std::string& into) {
    std::array<char, 65'536> buffer{};
    auto n = read(from(), buffer.data(), buffer.size());
    if (n < 0)
      return errno == EINTR;
    auto room = kept_max - std::min(kept_max, into.size());
    into.append(buffer.data(), std::min(room, static_cast<size_t>(n)));
    return n > 0;
  }

private:
  std::array<int, 2> ends_{-1, -1};
};

/// Standard output, standard error and the answer.
using pipes = std::array<pipe_pair, 3>;

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (auto& word : words)
    out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

int start(const child_run& what, pipes& ends, pid_t& child) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  for (size_t i = 0; i < ends.size(); ++i)
    posix_spawn_file_actions_adddup2(&files, ends[i].to(),
                                     STDOUT_FILENO + static_cast<int>(i));
  if (!what.cwd.empty())
    posix_spawn_file_actions_addchdir_np(&files, what.cwd.c_str());
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
  auto words = what.argv;
  std::vector<std::string> variables;
  for (const auto& [name, value] : what.env) {
    variables.push_back(name);
    variables.back().append("=").append(value);
  }
  auto problem
    = posix_spawnp(&child, words.front().c_str(), &files, &how,
                   pointers_to(words).data(), pointers_to(variables).data());
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  return problem;
}

/// Reads until every stream has ended, or time is up; whether they ended.
bool read_all(pipes& ends, child_end& into, steady::time_point deadline) {
  const std::array<std::string*, 3> texts{&into.out, &into.err, &into.answer};
  std::array<pollfd, 3> watched{};
  for (size_t i = 0; i < ends.size(); ++i)
    watched[i] = {ends[i].from(), POLLIN, 0};
  auto open = ends.size();
  while (open > 0) {
    auto left
      = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now());
    if (left.count() <= 0)
      return false;
    poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    for (size_t i = 0; i < ends.size(); ++i)
      if (watched[i].revents != 0 && !ends[i].read_some(*texts[i])) {
        // `poll` leaves negative ones out.
        watched[i] = {-1, 0, 0};
        --open;
      }
  }
  return true;
}

void wait_for(pid_t child, child_end& into) {
  auto status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return;
  if (WIFEXITED(status))
    into.exit_code = WEXITSTATUS(status);
  else if (WIFSIGNALED(status))
    into.signal = WTERMSIG(status);
}

} // namespace

std::string child_end::how() const {
  if (timed_out)
    return "it took too long";
  return signal != 0 ? "signal " + std::to_string(signal)
                     : "exit code " + std::to_string(exit_code);
}

result<child_end> run_child(const child_run& what) {
  auto not_started = [&](int number) {
    return failure{ec::command_not_started,
                   what.argv.front()
                     + " could not be started: " + words_of(number) + "."};
  };
  pipes ends;
  for (auto& pair : ends)
    if (!pair.open())
      return not_started(errno);
  pid_t child = 0;
  auto deadline = steady::now() + what.limit;
  if (auto problem = start(what, ends, child); problem != 0)
    return not_started(problem);
  for (auto& pair : ends)
    pair.close_end(1);
  child_end out;
  out.timed_out = !read_all(ends, out, deadline);
  if (out.timed_out)
    kill(child, SIGKILL);
  wait_for(child, out);
  if (out.timed_out)
    out.signal = 0;
  return out;
}

std::map<std::string, std::string> passed_on_environment() {
  std::map<std::string, std::string> out;
  for (auto** entry = environ; *entry; ++entry) {
    std::string text = *entry;
    auto middle = text.find('=');
    if (middle != std::string::npos)
      out.emplace(text.substr(0, middle), text.substr(middle + 1));
  }
  out.erase("LEASEHOLD_MASTER_KEY");
  return out;
}

} // namespace leasehold::cli
