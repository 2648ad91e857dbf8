#pragma once

// Somebody who uses the real `leasehold` program, with a data directory.

#include "tests/support/catch.hpp"
#include "tests/support/processes.hpp"

#include <nlohmann/json.hpp>

#include <csignal>

namespace leasehold::test {

using nlohmann::json;
using words = std::vector<std::string>;

/// What a program said and how it ended.
struct ending {
  int code = -1;
  std::string out;
  std::string err;

  [[nodiscard]] bool says(const std::string& text) const {
    return err.find(text) != std::string::npos;
  }
};

inline words operator+(words a, const words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A user with a data directory.
struct user {
  /// The command line of the program.
  [[nodiscard]] words command_line(const words& args) const {
    return words{LEASEHOLD_PROGRAM, "--data", data} + args;
  }

  std::shared_ptr<child_process> start(const words& argv, child_watch& watch) {
    launch_spec what;
    what.argv = argv;
    what.env
      = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", dir / "home"}};
    what.cwd = dir.path();
    auto child = world.launcher->start(what, watch.events());
    child->close_stdin();
    return child;
  }

  /// Runs a program to its end.
  ending run(const words& argv) {
    child_watch watch;
    auto child = start(argv, watch);
    ending out{watch.ended().code, {}, {}};
    out.out = watch.out();
    out.err = watch.err();
    return out;
  }

  ending leasehold(const words& args) {
    return run(command_line(args));
  }

  /// What a verb says with `--json`; it must succeed.
  json told(const words& args) {
    auto how = leasehold(words{"--json"} + args);
    CAPTURE(how.err, how.out);
    REQUIRE(how.code == 0);
    return json::parse(how.out);
  }

  /// Adds a plugin whose worker misbehaves as `mode` says.
  json add_rogue(const std::string& mode, const words& options = {}) {
    write_text(dir / "rogue.json",
               R"({"id":"rogue.plugin","apiVersion":1,"version":"1.0.0",
                   "displayName":"Rogue",
                   "capabilities":["environment.drivers.register"],
                   "environmentDrivers":[{"driverKey":"rogue",
                     "kind":"sandbox_provider","displayName":"Rogue"}]})");
    return told(words{"plugin", "add", "--manifest", dir / "rogue.json"}
                + options
                + words{"--", LEASEHOLD_ROGUE_WORKER, mode, dir / "rogue"});
  }

  /// All leases, latest first.
  json leases() {
    return told({"lease", "list", "--all"})["leases"];
  }

  /// What is on disk of boxes.
  [[nodiscard]] words boxes() const {
    words out;
    for (const auto* room : {"boxes", "new", "trash"}) {
      std::error_code missing;
      auto path = data + "/bubblewrap/" + room;
      for (const auto& x : std::filesystem::directory_iterator{path, missing})
        out.push_back(x.path().filename().string());
    }
    return out;
  }

  temp_dir dir;
  std::string data = dir / "data";
  process_world world;
};

inline words shell(const std::string& script) {
  return {"--", "sh", "-c", script};
}

/// `run` in a place of this kind.
inline words run_in(const std::string& kind) {
  if (kind == "local")
    return {"run", "--driver", "local"};
  return {"run", "--provider", "bubblewrap"};
}

} // namespace leasehold::test
