#include "drivers/bubblewrap/launch.hpp"

#include <filesystem>
#include <initializer_list>

namespace leasehold::bubblewrap {

namespace {

namespace fs = std::filesystem;

/// Builds the list of options.
class option_list {
public:
  void add(std::initializer_list<std::string> words) {
    options_.insert(options_.end(), words);
  }

  /// Shows a host path where it is, if it is there.
  void show(const std::string& path) {
    add({"--ro-bind-try", path, path});
  }

  std::vector<std::string> take() && {
    return std::move(options_);
  }

private:
  std::vector<std::string> options_;
};

void isolate(option_list& out, const launch_request& what) {
  out.add({"--unshare-all", "--unshare-user"});
  if (what.config.network)
    out.add({"--share-net"});
  out.add({"--die-with-parent", "--new-session"});
  out.add({"--uid", "1000", "--gid", "1000"});
  out.add({"--hostname", what.hostname});
}

void add_system(option_list& out, const launch_request& what) {
  out.add({"--ro-bind", "/usr", "/usr"});
  for (const auto& [name, target] : what.host.links)
    out.add({"--symlink", target, name});
  for (const auto& name : what.host.directories)
    out.add({"--ro-bind", name, name});
  out.add({"--proc", "/proc", "--dev", "/dev"});
  out.add({"--dir", "/run", "--symlink", "/tmp", "/var/tmp"});
}

void add_etc(option_list& out, const launch_request& what) {
  for (const char* path : {"/etc/alternatives", "/etc/ld.so.cache",
                           "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ssl",
                           "/etc/ca-certificates", "/etc/localtime"})
    out.show(path);
  auto own = what.box_path + "/etc/";
  out.add({"--ro-bind", own + "passwd", "/etc/passwd"});
  out.add({"--ro-bind", own + "group", "/etc/group"});
  if (!what.config.network) {
    out.add({"--ro-bind", own + "hosts", "/etc/hosts"});
    return;
  }
  out.show("/etc/resolv.conf");
  out.show("/etc/hosts");
  out.show("/etc/nsswitch.conf");
}

void add_box(option_list& out, const launch_request& what) {
  const auto& box = what.box_path;
  out.add({"--bind", box + "/tmp", "/tmp"});
  out.add({"--bind", box + "/home", home_path});
  const auto& bound = what.bound_workspace;
  out.add(
    {"--bind", bound.empty() ? box + "/workspace" : bound, workspace_path});
  for (const auto& path : what.config.read_only_paths)
    out.add({"--ro-bind", path, path});
  // What is written beside these places would be lost without a word.
  out.add({"--remount-ro", "/"});
}

} // namespace

host_layout look_at_host() {
  host_layout out;
  for (const char* name :
       {"/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"}) {
    std::error_code ignored;
    if (fs::is_symlink(name, ignored))
      out.links.emplace_back(name, fs::read_symlink(name, ignored).string());
    else if (fs::is_directory(name, ignored))
      out.directories.emplace_back(name);
  }
  return out;
}

std::vector<std::string> bubblewrap_options(const launch_request& what) {
  option_list out;
  isolate(out, what);
  add_system(out, what);
  add_etc(out, what);
  add_box(out, what);
  out.add({"--chdir", what.cwd, "--clearenv"});
  for (const auto& [name, value] : what.env)
    out.add({"--setenv", name, value});
  return std::move(out).take();
}

std::string to_args_block(const std::vector<std::string>& options) {
  std::string out;
  for (const auto& option : options) {
    out += option;
    out += '\0';
  }
  return out;
}

std::map<std::string, std::string>
command_env(const box_config& config,
            const std::map<std::string, std::string>& own,
            const std::map<std::string, std::string>& identity) {
  // `merge` keeps what is there, so the strongest comes first.
  auto out = identity;
  auto rest = own;
  out.merge(rest);
  auto configured = config.env;
  out.merge(configured);
  std::map<std::string, std::string> defaults{
    {"HOME", home_path},
    {"LANG", "C.UTF-8"},
    {"LOGNAME", "runner"},
    {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
    {"SHELL", "/bin/sh"},
    {"TMPDIR", "/tmp"},
    {"USER", "runner"}};
  out.merge(defaults);
  return out;
}

} // namespace leasehold::bubblewrap
