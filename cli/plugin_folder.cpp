#include "cli/plugin_folder.hpp"

#include "cli/child_run.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

namespace leasehold::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Prints the default export of a module as JSON to descriptor 3: what the
/// module prints itself is no part of the answer. Modules that were compiled to
/// CommonJS have their default export one level down.
constexpr auto loader = R"(
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const unwrap = (x) => x?.default ?? x?.manifest ?? x;
const module = await import(pathToFileURL(process.argv[1]).href);
writeFileSync(3, JSON.stringify(unwrap(unwrap(module))) ?? "null");
process.exit(0);
)";

failure wrong(const fs::path& where, const std::string& what,
              std::string detail = {}) {
  return {ec::invalid_request,
          "The plugin package " + where.string() + " cannot be used: " + what
            + ".",
          std::move(detail)};
}

std::optional<std::string> text_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in)
    return std::nullopt;
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

std::string member(const json& x, const char* key) {
  auto pos = x.find(key);
  return pos != x.end() && pos->is_string() ? pos->get<std::string>()
                                            : std::string{};
}

/// A file of the package; none if the path leads out of it.
std::optional<fs::path> inside(const fs::path& folder,
                               const std::string& relative) {
  auto path = fs::path{relative}.lexically_normal();
  if (path.empty() || path.is_absolute() || *path.begin() == "..")
    return std::nullopt;
  return folder / path;
}

/// The file that a package names as its manifest or its worker.
result<fs::path> file_of(const fs::path& folder, const std::string& what,
                         const std::string& named) {
  auto file = inside(folder, named);
  if (!file)
    return wrong(folder, "its " + what + " " + named + " is not inside of it");
  std::error_code ignored;
  if (!fs::is_regular_file(*file, ignored))
    return wrong(folder, "its " + what + " " + named
                           + " is not there. Build the package first, such as "
                             "with `npm run build`");
  return *file;
}

result<json> read_package(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return wrong(folder, "it is no folder");
  auto text = text_of(folder / "package.json");
  if (!text)
    return wrong(folder, "it has no package.json that can be read");
  auto package = json::parse(*text, nullptr, false);
  if (!package.is_object())
    return wrong(folder, "its package.json is no JSON object");
  auto pos = package.find("paperclipPlugin");
  if (pos == package.end() || !pos->is_object()
      || member(*pos, "manifest").empty())
    return wrong(folder, "its package.json names no manifest under "
                         "`paperclipPlugin.manifest`, so it is no plugin. Give "
                         "--manifest FILE -- COMMAND instead");
  return package;
}

result<std::string> load_module(const fs::path& folder, const fs::path& file) {
  child_run what{{"node", "--input-type=module", "-e", loader, file.string()}};
  what.cwd = folder;
  // Its code need not see what we were given.
  for (const auto& [name, value] : passed_on_environment())
    if (name == "PATH" || name == "HOME" || name == "NODE_PATH")
      what.env.emplace(name, value);
  auto how = run_child(what);
  if (!how)
    return wrong(folder,
                 "its manifest " + file.filename().string()
                   + " is a JavaScript module, and there is no Node.js to load "
                     "it. Install Node.js so that `node` is in $PATH",
                 how.error().message);
  if (!how->well() || how->answer.empty())
    return wrong(folder,
                 "Node.js could not load its manifest " + file.string() + " ("
                   + how->how() + ")",
                 how->err);
  return how->answer;
}

result<std::string> read_manifest_of(const fs::path& folder,
                                     const std::string& named) {
  auto file = file_of(folder, "manifest", named);
  if (!file)
    return file.error();
  auto text = file->extension() == ".json"
                ? result<std::string>{text_of(*file).value_or("")}
                : load_module(folder, *file);
  if (text && !json::parse(*text, nullptr, false).is_object())
    return failure{ec::invalid_config,
                   "Plugin manifest: " + file->string()
                     + " holds no manifest: it must be a JSON object, or a "
                       "module whose default export is one."};
  return text;
}

/// Where the worker's program is: what the manifest says, else the package.
result<fs::path> worker_of(const fs::path& folder, const json& manifest,
                           const json& package) {
  auto entrypoints = manifest.value("entrypoints", json::object());
  auto named
    = entrypoints.is_object() ? member(entrypoints, "worker") : std::string{};
  if (named.empty())
    named = member(package["paperclipPlugin"], "worker");
  if (named.empty())
    return wrong(folder, "neither `entrypoints.worker` of its manifest nor "
                         "`paperclipPlugin.worker` of its package.json names "
                         "the worker's program");
  return file_of(folder, "worker", named);
}

} // namespace

result<plugin_info> read_plugin_folder(const fs::path& given) {
  std::error_code problem;
  auto folder = fs::canonical(given, problem);
  if (problem)
    return wrong(given, problem.message());
  auto package = read_package(folder);
  if (!package)
    return package.error();
  auto manifest = read_manifest_of(
    folder, member((*package)["paperclipPlugin"], "manifest"));
  if (!manifest)
    return manifest.error();
  auto worker = worker_of(folder, json::parse(*manifest), *package);
  if (!worker)
    return worker.error();
  plugin_info out;
  out.manifest = *manifest;
  out.command = {"node", worker->string()};
  out.package_name = member(*package, "name");
  out.package_path = folder.string();
  return out;
}

} // namespace leasehold::cli
