// Where plugins come from: folders with a plugin of the SDK, npm packages, and
// what is said if they are not right.

#include "cli/plugin_source.hpp"

#include "cli/arguments.hpp"
#include "cli/child_run.hpp"
#include "cli/npm_install.hpp"
#include "cli/plugin_folder.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace leasehold;
using namespace leasehold::cli;
using namespace std::literals;
using leasehold::test::temp_dir;
using nlohmann::json;

namespace fs = std::filesystem;

namespace {

/// Whether there is such a program; says loudly if not.
bool there_is(const std::string& program) {
  child_run what{{program, "--version"}};
  what.env = passed_on_environment();
  auto how = run_child(what);
  if (how && how->well())
    return true;
  WARN("SKIPPED: there is no " << program
                               << "; install Node.js and npm to run this test");
  return false;
}

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream{path} << text;
}

const std::string manifest
  = R"({"id":"acme.boxes","apiVersion":1,"version":"1.0.0",
       "displayName":"Boxes","description":"Makes boxes.","author":"Acme",
       "categories":["automation"],
       "capabilities":["environment.drivers.register"],
       "entrypoints":{"worker":"./dist/worker.js"},
       "environmentDrivers":[{"driverKey":"boxes",
         "kind":"sandbox_provider","displayName":"Boxes",
         "configSchema":{"type":"object"}}]})";

/// A folder with a plugin, and a data directory.
struct packages {
  /// `says` goes under `paperclipPlugin`.
  void make(const std::string& says
            = R"({"manifest":"./dist/manifest.json","worker":"./dist/w.js"})") {
    write(folder / "package.json",
          R"({"name":"@acme/boxes","version":"1.0.0","type":"module",)"
          R"("files":["dist"],"paperclipPlugin":)"
            + says + "}");
    write(folder / "dist/manifest.json", manifest);
    write(folder / "dist/worker.js", "// works\n");
  }

  /// The same with a module for a manifest.
  void make_module(const std::string& code,
                   const std::string& name = "manifest.js") {
    make(R"({"manifest":"./dist/)" + name + R"("})");
    write(folder / ("dist/" + name), code);
  }

  failure refused() {
    auto out = read_plugin_folder(folder);
    if (out)
      throw std::runtime_error{"it was accepted"};
    return out.error();
  }

  /// What is below the data directory's `plugins`.
  std::vector<std::string> installed() {
    std::vector<std::string> out;
    std::error_code missing;
    for (const auto& x : fs::directory_iterator{data / "plugins", missing})
      out.push_back(x.path().filename().string());
    return out;
  }

  temp_dir place;
  fs::path folder = fs::path{place.path()} / "boxes";
  fs::path data = fs::path{place.path()} / "data";
};

} // namespace

// -- running programs ---------------------------------------------------------

TEST_CASE("child_run: keeps what a program says", "[child_run]") {
  child_run what{{"sh", "-c", "echo out; echo err >&2; echo $A >&3; exit 3"}};
  what.env = {{"A", "answer"}};
  auto how = run_child(what);
  REQUIRE(how);
  CHECK(how->out == "out\n");
  CHECK(how->err == "err\n");
  CHECK(how->answer == "answer\n");
  CHECK(how->exit_code == 3);
  CHECK_FALSE(how->well());
  CHECK(how->how() == "exit code 3");
}

TEST_CASE("child_run: a program that takes too long is killed", "[child_run]") {
  child_run what{{"/bin/sh", "-c", "exec tail -f /dev/null"}};
  what.limit = 100ms;
  auto how = run_child(what);
  REQUIRE(how);
  CHECK(how->timed_out);
  CHECK(how->how() == "it took too long");
}

TEST_CASE("child_run: a program that does not exist", "[child_run]") {
  auto how = run_child({{"no-such-program-here"}});
  REQUIRE_FALSE(how);
  CHECK(how.error().code == ec::command_not_started);
}

TEST_CASE("child_run: the master key is not passed on", "[child_run]") {
  ::setenv("LEASEHOLD_MASTER_KEY", "secret", 1);
  auto all = passed_on_environment();
  ::unsetenv("LEASEHOLD_MASTER_KEY");
  CHECK_FALSE(all.contains("LEASEHOLD_MASTER_KEY"));
  CHECK(all.contains("PATH"));
}

// -- folders ------------------------------------------------------------------

TEST_CASE_METHOD(packages, "plugin folder: a package names all there is to it",
                 "[plugin_folder]") {
  make();
  auto plugin = read_plugin_folder(folder);
  REQUIRE(plugin);
  CHECK(json::parse(plugin->manifest) == json::parse(manifest));
  CHECK(plugin->command
        == std::vector<std::string>{"node", folder / "dist/worker.js"});
  CHECK(plugin->package_name == "@acme/boxes");
  CHECK(plugin->package_path == folder);
}

TEST_CASE_METHOD(packages,
                 "plugin folder: the package names the worker if the manifest "
                 "does not",
                 "[plugin_folder]") {
  make(R"({"manifest":"dist/manifest.json","worker":"dist/other.js"})");
  write(folder / "dist/other.js", "");
  auto plain = json::parse(manifest);
  plain.erase("entrypoints");
  write(folder / "dist/manifest.json", plain.dump());
  CHECK(read_plugin_folder(folder).value().command.back()
        == folder / "dist/other.js");
}

TEST_CASE_METHOD(packages, "plugin folder: a manifest may be a module",
                 "[plugin_folder]") {
  if (!there_is("node"))
    return;
  auto loads = [&](const std::string& code, const std::string& name) {
    make_module(code, name);
    auto out = read_plugin_folder(folder);
    CAPTURE(name, out.error().message, out.error().detail);
    REQUIRE(out);
    CHECK(json::parse(out->manifest) == json::parse(manifest));
  };
  loads("export default " + manifest, "manifest.js");
  // What it prints and leaves open is no part of the answer.
  loads("console.log('{}'); setInterval(() => {}, 1000);\nexport default "
          + manifest,
        "noisy.mjs");
  loads("module.exports = " + manifest, "plain.cjs");
  loads("Object.defineProperty(exports, '__esModule', {value: true});\n"
        "exports.default = "
          + manifest,
        "compiled.cjs");
}

TEST_CASE_METHOD(packages, "plugin folder: a module that does not load",
                 "[plugin_folder]") {
  if (!there_is("node"))
    return;
  make_module("throw new Error('out of order')");
  auto why = refused();
  CHECK(why.code == ec::invalid_request);
  CHECK(why.message.find("Node.js could not load its manifest")
        != std::string::npos);
  CHECK(why.message.find("(exit code 1)") != std::string::npos);
  CHECK(why.detail.find("out of order") != std::string::npos);
  make_module("export default 7");
  why = refused();
  CHECK(why.code == ec::invalid_config);
  CHECK(why.message.find("holds no manifest") != std::string::npos);
}

TEST_CASE_METHOD(packages, "plugin folder: what is wrong is said",
                 "[plugin_folder]") {
  auto says = [&](const std::string& text) {
    auto why = refused();
    CAPTURE(why.message, text);
    CHECK(why.message.find(folder.string()) != std::string::npos);
    CHECK(why.message.find(text) != std::string::npos);
  };
  says("No such file or directory.");
  fs::create_directories(folder);
  says("it has no package.json that can be read.");
  write(folder / "package.json", "nonsense");
  says("its package.json is no JSON object.");
  write(folder / "package.json", R"({"name":"left-pad"})");
  says("its package.json names no manifest under `paperclipPlugin.manifest`");
  make(R"({"manifest":"../elsewhere.json"})");
  says("its manifest ../elsewhere.json is not inside of it.");
  make(R"({"manifest":"dist/none.js"})");
  says("its manifest dist/none.js is not there. Build the package first");
  make();
  fs::remove(folder / "dist/worker.js");
  says("its worker ./dist/worker.js is not there. Build the package first");
  auto other = json::parse(manifest);
  other["entrypoints"]["worker"] = "/bin/sh";
  write(folder / "dist/manifest.json", other.dump());
  says("its worker /bin/sh is not inside of it.");
  write(folder / "dist/manifest.json", "nonsense");
  says("holds no manifest");
}

// -- npm ----------------------------------------------------------------------

TEST_CASE_METHOD(packages, "npm: a package is installed and removed again",
                 "[npm]") {
  if (!there_is("npm"))
    return;
  make();
  // Its scripts are not run.
  auto package = json::parse(std::ifstream{folder / "package.json"});
  package["scripts"]["postinstall"] = "touch " + (data / "ran").string();
  write(folder / "package.json", package.dump());
  auto plugin = install_npm_plugin(data, folder.string());
  CAPTURE(plugin.error().message, plugin.error().detail);
  REQUIRE(plugin);
  CHECK(plugin->package_name == "@acme/boxes");
  CHECK(is_npm_install(data, *plugin));
  CHECK(fs::exists(plugin->command.back()));
  CHECK(plugin->command.back().starts_with((data / "plugins").string()));
  CHECK_FALSE(fs::exists(data / "ran"));
  CHECK(installed() == std::vector<std::string>{"acme.boxes"});
  // The next one lies beside it.
  auto next = install_npm_plugin(data, folder.string());
  REQUIRE(next);
  CHECK(next->package_path != plugin->package_path);
  undo_npm_install(data, *next);
  CHECK_FALSE(fs::exists(next->package_path));
  CHECK(fs::exists(plugin->command.back()));
  remove_npm_installs(data, "acme.boxes");
  CHECK(installed().empty());
}

TEST_CASE_METHOD(packages, "npm: what cannot be installed leaves nothing",
                 "[npm]") {
  if (!there_is("npm"))
    return;
  auto refusal = [&](const std::string& spec) {
    auto out = install_npm_plugin(data, spec);
    REQUIRE_FALSE(out);
    CHECK(installed().empty());
    return out.error();
  };
  auto why = refusal(folder / "none.tgz");
  CHECK(why.code == ec::invalid_request);
  CHECK(why.message.find("none.tgz\" could not be installed: npm failed (exit "
                         "code ")
        != std::string::npos);
  CHECK_FALSE(why.detail.empty());
  make();
  write(folder / "package.json", R"({"name":"left-pad","version":"1.0.0"})");
  why = refusal(folder.string());
  CHECK(why.message.find("names no manifest") != std::string::npos);
}

TEST_CASE_METHOD(packages, "npm: what was not installed is not removed",
                 "[npm]") {
  make();
  auto plugin = read_plugin_folder(folder).value();
  fs::create_directories(data / "plugins");
  CHECK_FALSE(is_npm_install(data, plugin));
  undo_npm_install(data, plugin);
  plugin.package_path = (data / "plugins/mine").string();
  undo_npm_install(data, plugin);
  remove_npm_installs(data, "..");
  remove_npm_installs(data, "");
  CHECK(fs::exists(data / "plugins"));
  CHECK(fs::exists(folder / "package.json"));
}

// -- sources ------------------------------------------------------------------

TEST_CASE_METHOD(packages, "plugin source: what npm is asked for",
                 "[plugin_source]") {
  make();
  CHECK(npm_spec_of("acme-boxes") == "acme-boxes");
  CHECK(npm_spec_of("@acme/boxes@1.0.0") == "@acme/boxes@1.0.0");
  CHECK(npm_spec_of("npm:acme-boxes") == "acme-boxes");
  CHECK(npm_spec_of("npm:" + folder.string()) == folder);
  for (const auto& path : {folder.string(), "./boxes"s, "../x"s, "/no/such"s})
    CHECK(npm_spec_of(path).empty());
}

TEST_CASE_METHOD(packages, "plugin source: a folder, with variables",
                 "[plugin_source]") {
  make();
  plugin_offer_arguments what;
  what.source = folder;
  what.env = {{"LOG", "debug"}};
  auto plugin = offered_plugin(what, data);
  REQUIRE(plugin);
  CHECK(plugin->env == what.env);
  CHECK(source_of(*plugin, data).value() == folder);
  plugin->package_path.clear();
  plugin->key = "acme.boxes";
  CHECK(source_of(*plugin, data).error().message
        == "Plugin \"acme.boxes\" came with a manifest and a command, so there "
           "is nowhere to look for a later version. Give --manifest FILE -- "
           "COMMAND, or a source.");
}

TEST_CASE("arguments: what a plugin is added with", "[arguments]") {
  using words = std::vector<std::string>;
  auto read = [](const words& line) { return parse_arguments(line); };
  auto source = std::get<arguments>(read({"plugin", "add", "./here"}));
  CHECK(std::get<plugin_add_arguments>(source.verb).source == "./here");
  auto up = std::get<arguments>(read(
    {"plugin", "upgrade", "acme.boxes", "npm:acme@2", "--env-var", "A=b"}));
  const auto& upgrade = std::get<plugin_upgrade_arguments>(up.verb);
  CHECK(upgrade.key == "acme.boxes");
  CHECK(upgrade.source == "npm:acme@2");
  CHECK(upgrade.env.at("A") == "b");
  CHECK(std::holds_alternative<arguments>(
    read({"plugin", "upgrade", "acme.boxes"})));
  for (const auto& line :
       {words{"plugin", "add"}, words{"plugin", "add", "./here", "--", "node"},
        words{"plugin", "add", "./here", "--manifest", "m.json", "--", "node"},
        words{"plugin", "add", "--manifest", "m.json"},
        words{"plugin", "upgrade"}, words{"plugin", "disable"},
        words{"plugin", "show"}})
    CHECK(std::holds_alternative<usage_error>(read(line)));
  for (const auto* verb : {"show", "drivers", "upgrade", "disable", "enable"}) {
    auto help = std::get<help_wanted>(read({"plugin", verb, "--help"})).text;
    CHECK(help.find("Example") != std::string::npos);
    std::istringstream lines{help};
    for (std::string line; std::getline(lines, line);)
      CHECK(line.size() <= 80);
  }
}
