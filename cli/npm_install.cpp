#include "cli/npm_install.hpp"

#include "cli/child_run.hpp"
#include "cli/plugin_folder.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

namespace leasehold::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A slow registry is no failure.
constexpr std::chrono::minutes npm_limit{10};

failure not_installed(const std::string& spec, const std::string& why,
                      std::string detail = {}) {
  return {ec::invalid_request,
          "The npm package \"" + spec + "\" could not be installed: " + why
            + ".",
          std::move(detail)};
}

fs::path plugins_folder(const fs::path& data) {
  return data / "plugins";
}

/// A name that can be a folder's; what is none is told by whoever checks the
/// manifest.
bool is_key(const std::string& x) {
  auto plain
    = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !x.empty() && plain(x.front()) && std::ranges::all_of(x, [&](char c) {
    return plain(c) || c == '.' || c == '_' || c == '-';
  });
}

/// A folder that is removed at the end unless it was put to use.
class new_folder {
public:
  explicit new_folder(const fs::path& parent) {
    std::error_code problem;
    fs::create_directories(parent, problem);
    auto pattern = (parent / ".new-XXXXXX").string();
    if (mkdtemp(pattern.data()))
      path_ = pattern;
  }

  new_folder(const new_folder&) = delete;

  new_folder& operator=(const new_folder&) = delete;

  ~new_folder() {
    std::error_code ignored;
    if (!path_.empty())
      fs::remove_all(path_, ignored);
  }

  [[nodiscard]] const fs::path& path() const {
    return path_;
  }

  /// It is called so from now on, and stays.
  bool keep_as(const fs::path& name) {
    std::error_code problem;
    fs::create_directories(name.parent_path(), problem);
    fs::rename(path_, name, problem);
    if (problem)
      return false;
    path_.clear();
    return true;
  }

private:
  fs::path path_;
};

/// The only thing that was asked for, as npm noted it.
std::string installed_name(const fs::path& folder) {
  std::ifstream in{folder / "package.json"};
  auto package = json::parse(in, nullptr, false);
  auto wanted
    = package.is_object() ? package.value("dependencies", json{}) : json{};
  return wanted.is_object() && !wanted.empty() ? wanted.begin().key()
                                               : std::string{};
}

result<done> run_npm(const fs::path& folder, const std::string& spec) {
  // So that npm does not look for a project further up.
  std::ofstream{folder / "package.json"} << "{\"private\": true}\n";
  child_run what{{"npm", "install", "--ignore-scripts", "--install-links",
                  "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error",
                  "--", spec}};
  what.cwd = folder;
  what.env = passed_on_environment();
  what.limit = npm_limit;
  auto how = run_child(what);
  if (!how)
    return not_installed(spec,
                         "there is no npm. Install npm so that it is in $PATH, "
                         "or add a folder with the plugin",
                         how.error().message);
  if (!how->well())
    return not_installed(spec,
                         "npm failed (" + how->how()
                           + "). Check the name, and that the registry can be "
                             "reached; npm's own words are below",
                         how->err.empty() ? how->out : how->err);
  return done{};
}

/// The same paths once `from` is called `to`.
void move_paths(plugin_info& what, const std::string& from,
                const std::string& to) {
  auto move = [&](std::string& path) {
    if (path.starts_with(from))
      path.replace(0, from.size(), to);
  };
  move(what.package_path);
  for (auto& word : what.command)
    move(word);
}

/// What npm takes for a path is one from where we are.
std::string absolute_spec(const std::string& spec) {
  std::error_code problem;
  auto path = fs::absolute(spec, problem);
  auto looks_so = spec.starts_with('.') || spec.starts_with('/');
  return looks_so && !problem ? path.lexically_normal().string() : spec;
}

} // namespace

bool is_npm_install(const fs::path& data, const plugin_info& what) {
  std::error_code problem;
  auto ours = fs::canonical(plugins_folder(data), problem).string() + "/";
  return !problem && what.package_path.starts_with(ours)
         && what.package_path.find("/node_modules/") != std::string::npos;
}

result<plugin_info> install_npm_plugin(const fs::path& data,
                                       const std::string& given) {
  auto spec = absolute_spec(given);
  new_folder place{plugins_folder(data)};
  if (place.path().empty())
    return not_installed(spec, "there can be no folder below "
                                 + plugins_folder(data).string());
  if (auto ran = run_npm(place.path(), spec); !ran)
    return ran.error();
  auto name = installed_name(place.path());
  if (name.empty())
    return not_installed(spec, "npm installed nothing");
  auto plugin = read_plugin_folder(place.path() / "node_modules" / name);
  if (!plugin)
    return plugin;
  auto id = json::parse(plugin->manifest).value("id", json{});
  if (!id.is_string() || !is_key(id.get<std::string>()))
    return failure{ec::invalid_config,
                   "Plugin manifest: the id that package \"" + name
                     + "\" gives is no plugin id: it must start with a "
                       "lowercase alphanumeric and contain only lowercase "
                       "letters, digits, dots, hyphens, or underscores."};
  std::error_code ignored;
  auto from = fs::canonical(place.path(), ignored);
  auto to = fs::canonical(plugins_folder(data), ignored) / id.get<std::string>()
            / from.filename().string().substr(sizeof ".new");
  if (!place.keep_as(to))
    return not_installed(spec, "it could not be moved to " + to.string());
  move_paths(*plugin, from.string(), to.string());
  return plugin;
}

void undo_npm_install(const fs::path& data, const plugin_info& what) {
  std::error_code ignored;
  auto ours = fs::canonical(plugins_folder(data), ignored);
  // KEY/INSTALLATION/node_modules/NAME
  auto path = fs::path{what.package_path}.lexically_relative(ours);
  std::vector<fs::path> parts{path.begin(), path.end()};
  if (ignored || !is_npm_install(data, what) || parts.size() < 4
      || parts[2] != "node_modules")
    return;
  fs::remove_all(ours / parts[0] / parts[1], ignored);
  // Only if nothing else is in it.
  fs::remove(ours / parts[0], ignored);
}

void remove_npm_installs(const fs::path& data, const std::string& key) {
  std::error_code ignored;
  if (is_key(key))
    fs::remove_all(plugins_folder(data) / key, ignored);
}

} // namespace leasehold::cli
