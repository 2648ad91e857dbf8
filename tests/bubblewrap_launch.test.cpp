// What bubblewrap is told for which config.

#include "drivers/bubblewrap/launch.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace leasehold::bubblewrap;

namespace {

using words = std::vector<std::string>;

launch_request request() {
  return {.host = {.links = {{"/bin", "usr/bin"}}, .directories = {"/lib"}},
          .config = {},
          .box_path = "/state/boxes/box-1",
          .bound_workspace = {},
          .hostname = "box-1",
          .cwd = "/workspace",
          .env = {{"A", "1"}}};
}

/// Whether `options` holds `part` in one piece.
bool has(const words& options, const words& part) {
  return std::search(options.begin(), options.end(), part.begin(), part.end())
         != options.end();
}

} // namespace

TEST_CASE("launch: a command gets namespaces of its own and no network",
          "[bubblewrap]") {
  auto options = bubblewrap_options(request());
  CHECK(has(options, {"--unshare-all"}));
  CHECK(has(options, {"--die-with-parent", "--new-session"}));
  CHECK(has(options, {"--hostname", "box-1"}));
  CHECK_FALSE(has(options, {"--share-net"}));
  CHECK(has(options, {"--ro-bind", "/state/boxes/box-1/etc/hosts"}));
}

TEST_CASE("launch: a network comes with what resolves its names",
          "[bubblewrap]") {
  auto what = request();
  what.config.network = true;
  auto options = bubblewrap_options(what);
  CHECK(has(options, {"--share-net"}));
  CHECK(
    has(options, {"--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"}));
  CHECK_FALSE(has(options, {"/state/boxes/box-1/etc/hosts"}));
}

TEST_CASE("launch: the box is all that can be written to", "[bubblewrap]") {
  auto options = bubblewrap_options(request());
  words writable;
  for (size_t i = 0; i + 2 < options.size(); ++i)
    if (options[i] == "--bind")
      writable.push_back(options[i + 1] + " " + options[i + 2]);
  CHECK(writable
        == words{"/state/boxes/box-1/tmp /tmp",
                 "/state/boxes/box-1/home /home/runner",
                 "/state/boxes/box-1/workspace /workspace"});
  CHECK(has(options, {"--remount-ro", "/"}));
}

TEST_CASE("launch: a bound folder is the workspace", "[bubblewrap]") {
  auto what = request();
  what.bound_workspace = "/home/me/project";
  CHECK(has(bubblewrap_options(what),
            {"--bind", "/home/me/project", "/workspace"}));
}

TEST_CASE("launch: the host's top level is shown as the host has it",
          "[bubblewrap]") {
  auto options = bubblewrap_options(request());
  CHECK(has(options, {"--symlink", "usr/bin", "/bin"}));
  CHECK(has(options, {"--ro-bind", "/lib", "/lib"}));
  CHECK_FALSE(has(options, {"/home"}));
  CHECK_FALSE(has(options, {"/root"}));
}

TEST_CASE("launch: configured paths are read-only", "[bubblewrap]") {
  auto what = request();
  what.config.read_only_paths = {"/opt/tools"};
  CHECK(
    has(bubblewrap_options(what), {"--ro-bind", "/opt/tools", "/opt/tools"}));
}

TEST_CASE("launch: the command's environment is what it was given",
          "[bubblewrap]") {
  auto options = bubblewrap_options(request());
  CHECK(has(options, {"--clearenv", "--setenv", "A", "1"}));
  CHECK(options.back() == "1");
  CHECK(to_args_block({"a", "b c"}) == std::string("a\0b c\0", 6));
}

TEST_CASE("launch: the nearer variable wins", "[bubblewrap]") {
  box_config config;
  config.env = {{"A", "config"}, {"B", "config"}, {"HOME", "/config"}};
  auto env = command_env(config, {{"A", "own"}}, {{"LEASEHOLD_LEASE_ID", "l"}});
  CHECK(env["A"] == "own");
  CHECK(env["B"] == "config");
  CHECK(env["HOME"] == "/config");
  CHECK(env["LEASEHOLD_LEASE_ID"] == "l");
  CHECK(env["TMPDIR"] == "/tmp");
  CHECK(env["PATH"].find("/usr/bin") != std::string::npos);
}

TEST_CASE("config: an empty config gets its defaults", "[bubblewrap]") {
  auto [config, errors] = read_config(nlohmann::json::object());
  CHECK(errors.empty());
  CHECK(to_json(config)
        == nlohmann::json{{"network", false},
                          {"reuseLease", false},
                          {"workspaceMode", "copy"},
                          {"readOnlyPaths", nlohmann::json::array()},
                          {"env", nlohmann::json::object()},
                          {"outputLimitBytes", 1048576}});
}

TEST_CASE("config: every error says where and why", "[bubblewrap]") {
  auto errors = read_config({{"network", "yes"},
                             {"timeoutMs", 0},
                             {"workspaceMode", "move"},
                             {"readOnlyPaths", {"/ok", "rel"}},
                             {"env", {{"A=B", "x"}, {"C", 1}}},
                             {"hostname", "Not A Host"},
                             {"outputLimitBytes", 12},
                             {"colour", "red"}})
                  .errors;
  CHECK(errors
        == words{"network: must be true or false",
                 "timeoutMs: must be a whole number from 1 to 86400000",
                 "workspaceMode: must be \"copy\" or \"bind\"",
                 "readOnlyPaths/1: must be an absolute path",
                 "env/A=B: is not a variable name",
                 "env/C: must be a string without NUL",
                 "hostname: must be 1 to 63 of a-z, 0-9 and -",
                 "outputLimitBytes: must be a whole number from 1024 to "
                 "67108864",
                 "colour: is not a known field"});
}
