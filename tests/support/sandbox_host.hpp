#pragma once

// A host that uses the bubblewrap worker, for tests.

#include "tests/support/temp_dir.hpp"
#include "tests/support/worker_pipe.hpp"

#include <memory>
#include <string>
#include <vector>

namespace leasehold::test {

/// A state directory, a worker on it, and short ways to ask for things.
class sandbox_host {
public:
  using json = nlohmann::json;

  /// A lease id that the tests share.
  static constexpr const char* lease_1 = "0a1b2c3d-1111-2222-3333-444455556666";

  sandbox_host() {
    restart();
  }

  /// Kills the worker and starts another on the same state, which finds
  /// programs in `folder` first.
  void restart(const std::string& folder = {}) {
    if (worker) {
      worker->kill();
      worker->await_exit();
    }
    worker = std::make_unique<worker_pipe>(
      std::vector<std::string>{LEASEHOLD_BUBBLEWRAP_PROGRAM, "--state",
                               state()},
      folder);
    worker->result("initialize");
  }

  [[nodiscard]] std::string state() const {
    return dir / "state";
  }

  /// The parameters that every call has.
  [[nodiscard]] json params(json more = json::object()) const {
    json out{{"driverKey", "bubblewrap"}, {"companyId", "acme"},
             {"environmentId", "env-1"},  {"leaseId", lease_1},
             {"leaseFence", fence},       {"config", config}};
    out.update(more);
    return out;
  }

  /// Acquires a box, works in that one from now on, and returns its name.
  std::string acquire() {
    auto lease = worker->result("environmentAcquireLease", params());
    box = lease["providerLeaseId"];
    return box;
  }

  json verb(const std::string& method) {
    return worker->result(method, params({{"providerLeaseId", box}}));
  }

  /// The parameters of an `environmentExecute` of a shell script.
  [[nodiscard]] json script(const std::string& text,
                            json more = json::object()) const {
    json out = params({{"lease", {{"providerLeaseId", box}}},
                       {"command", "sh"},
                       {"args", {"-c", text}}});
    out.update(more);
    return out;
  }

  /// Runs a shell script and waits for its end.
  json run(const std::string& text, json more = json::object()) {
    return worker->result("environmentExecute", script(text, std::move(more)));
  }

  /// Starts a shell script.
  int start(const std::string& text, json more = json::object()) {
    return worker->send("environmentExecute", script(text, std::move(more)));
  }

  /// What is left of boxes on disk.
  [[nodiscard]] std::vector<std::string> leftovers() const {
    std::vector<std::string> out;
    for (auto* room : {"boxes", "new", "trash"})
      for (const auto& entry :
           std::filesystem::directory_iterator{state() + "/" + room})
        out.push_back(entry.path().filename().string());
    return out;
  }

  temp_dir dir;
  std::unique_ptr<worker_pipe> worker;
  json config = json::object();
  int fence = 5;
  std::string box;
};

} // namespace leasehold::test
