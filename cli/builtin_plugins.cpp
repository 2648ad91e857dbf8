// The provider that ships with Leasehold and registers itself.

#include "cli/builtin_plugins.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace leasehold::cli {

namespace {

namespace fs = std::filesystem;

constexpr auto stamp_name = "LEASEHOLD_HELPER_STAMP";

failure broken(const fs::path& helper, const std::string& why,
               std::string detail = {}) {
  return {ec::internal,
          "The helper " + helper.string() + " is broken: " + why + ".",
          std::move(detail)};
}

/// Starts `helper --manifest` with standard output on `to` and no signal
/// blocked, whatever we block ourselves.
int start(const fs::path& helper, int to, pid_t& child) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
  auto program = helper.string();
  std::string option = "--manifest";
  std::array<char*, 3> words{program.data(), option.data(), nullptr};
  auto problem
    = posix_spawn(&child, program.c_str(), &files, &how, words.data(), environ);
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  return problem;
}

std::string read_all(int fd) {
  std::string result;
  std::array<char, 4096> buffer{};
  for (;;) {
    auto n = read(fd, buffer.data(), buffer.size());
    if (n > 0)
      result.append(buffer.data(), static_cast<size_t>(n));
    else if (n == 0 || errno != EINTR)
      return result;
  }
}

bool ended_well(pid_t child) {
  auto status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const plugin_info* find_bubblewrap(const std::vector<plugin_info>& all) {
  auto pos = std::ranges::find(all, bubblewrap_key, &plugin_info::key);
  return pos == all.end() ? nullptr : &*pos;
}

} // namespace

std::optional<fs::path> find_helper(const fs::path& program,
                                    const std::string& name) {
  auto beside = program.parent_path();
  for (const auto& folder : {beside, beside / ".." / "libexec" / "leasehold"}) {
    auto candidate = (folder / name).lexically_normal();
    if (access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return std::nullopt;
}

std::string stamp_of(const fs::path& helper) {
  struct stat file {};
  if (stat(helper.c_str(), &file) != 0)
    return {};
  return std::to_string(file.st_size) + "-"
         + std::to_string(file.st_mtim.tv_sec) + "."
         + std::to_string(file.st_mtim.tv_nsec);
}

result<std::string> read_manifest(const fs::path& helper) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return broken(helper, std::generic_category().message(errno));
  pid_t child = 0;
  auto problem = start(helper, ends[1], child);
  close(ends[1]);
  auto text = problem == 0 ? read_all(ends[0]) : std::string{};
  close(ends[0]);
  if (problem != 0)
    return broken(helper, std::generic_category().message(problem));
  if (!ended_well(child))
    return broken(helper, "--manifest did not succeed", text);
  if (!nlohmann::json::parse(text, nullptr, false).is_object())
    return broken(helper, "--manifest printed no JSON object", text);
  return text;
}

result<done> register_builtin_plugins(engine& where, const fs::path& data) {
  std::error_code problem;
  auto program = fs::read_symlink("/proc/self/exe", problem);
  auto helper = find_helper(program, "leasehold-bubblewrap");
  if (problem || !helper)
    return done{};
  auto known = where.plugins().get();
  if (!known)
    return known.error();
  plugin_info wanted;
  wanted.command
    = {helper->string(), "--state", (data / "bubblewrap").string()};
  wanted.env = {{stamp_name, stamp_of(*helper)}};
  const auto* row = find_bubblewrap(*known);
  if (row && row->command == wanted.command && row->env == wanted.env)
    return done{};
  auto manifest = read_manifest(*helper);
  if (!manifest)
    return manifest.error();
  wanted.manifest = *manifest;
  auto added = where.put_plugin(std::move(wanted)).get();
  if (!added)
    return added.error();
  return done{};
}

} // namespace leasehold::cli
