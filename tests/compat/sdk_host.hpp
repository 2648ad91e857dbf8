#pragma once

// An engine and plugins that are written with @paperclipai/plugin-sdk. They
// know nothing of us, and run as npm and Node have them.

#include "tests/support/engine_host.hpp"

#include <filesystem>
#include <iostream>
#include <string>

namespace leasehold::test {

/// The first line of what a program prints.
inline std::string line_of(const std::string& command_line) {
  auto text = output_of(command_line);
  return text.substr(0, text.find('\n'));
}

/// Whether there are Node and the SDK. Says so if not, so that the test counts
/// as skipped.
inline bool sdk_is_missing() {
  static const auto said = line_of("sh " LEASEHOLD_COMPAT "/install_sdk.sh");
  if (said.starts_with('/'))
    return false;
  std::cout << (said.empty() ? "SKIPPED: there is no SDK" : said) << '\n';
  return true;
}

/// An engine with one of the plugins of tests/compat/plugins.
struct sdk_host : engine_host {
  sdk_host() {
    opts.worker_ready_grace = patience;
    opts.worker_initialize_timeout = patience;
    opts.worker_call_timeout = patience;
    // Node's modules are found where its program lies.
    auto sdk = line_of("sh " LEASEHOLD_COMPAT "/install_sdk.sh");
    std::filesystem::create_directories(home());
    std::filesystem::create_directory_symlink(sdk + "/node_modules",
                                              home() + "/node_modules");
  }

  /// Adds a plugin, with this config, and an environment of its provider.
  std::string add_plugin(const std::string& name,
                         const std::string& config = "",
                         const std::string& more = "") {
    put_plugin(name, config);
    return add(name, "sandbox", R"({"provider":")" + name + "\"" + more + "}");
  }

  plugin_info put_plugin(const std::string& name,
                         const std::string& config = "") {
    const std::string source = LEASEHOLD_COMPAT "/plugins/" + name;
    auto program = home() + "/" + name + ".mjs";
    std::filesystem::copy_file(
      source + ".mjs", program,
      std::filesystem::copy_options::overwrite_existing);
    plugin_info what;
    what.manifest = read_text(source + ".json");
    what.command = {line_of("command -v node"), program};
    what.env = {{"SDK_PROVIDER_ROOT", root()}, {"MOODY_ROOT", root()}};
    what.config = config;
    return value_of(running->put_plugin(what));
  }

  /// A command of a plugin's own making.
  static command own(const std::string& name,
                     std::vector<std::string> args = {}) {
    command out;
    out.command = name;
    out.args = std::move(args);
    return out;
  }

  /// Where the plugins' programs lie.
  [[nodiscard]] std::string home() const {
    return dir / "node";
  }

  /// Where they keep their boxes.
  [[nodiscard]] std::string root() const {
    return dir / "sdk";
  }
};

} // namespace leasehold::test
