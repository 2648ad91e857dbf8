#pragma once

// An ssh driver and the server that it talks to.

#include "drivers/ssh/ssh_driver.hpp"
#include "messages/json.hpp"
#include "tests/driver_contract.hpp"
#include "tests/support/ssh_server.hpp"
#include "tests/support/test_sink.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace leasehold::test {

inline const std::string key_id = "0e8d9d5c-7b0a-4c2e-9d3f-1a2b3c4d5e6f";

/// Secrets that a test knows.
class known_secrets : public secret_source {
public:
  void resolve(std::vector<secret_request> what,
               completion<std::vector<std::string>> then) override {
    std::unique_lock guard{mutex};
    std::vector<std::string> found;
    for (auto& request : what) {
      found.push_back(values[request.secret.value]);
      requests.push_back(std::move(request));
    }
    guard.unlock();
    then(std::move(found));
  }

  std::mutex mutex;
  std::map<std::string, std::string> values;
  std::vector<secret_request> requests;
};

struct ssh_world {
  explicit ssh_world(ssh::command_limits limits = {}) {
    secrets.values[key_id] = server.key();
    options.client = client_setup_of({{"PATH", "/usr/bin:/bin"}});
    // Not whatever the user who runs the test has configured.
    options.client.first_arguments = {"-F", "none"};
    options.client.places = {files.path()};
    options.limits = limits;
    uut = make();
    loop.start();
  }

  ~ssh_world() {
    uut.reset();
    loop.stop();
  }

  std::shared_ptr<ssh_driver> make() {
    return std::make_shared<ssh_driver>(*launcher, loop, &secrets, options);
  }

  /// A config for the server; `more` are members that replace these.
  [[nodiscard]] environment_context
  place(std::map<std::string, std::string> more = {}) const {
    std::map<std::string, std::string> members{
      {"host", "\"127.0.0.1\""},
      {"port", std::to_string(server.port())},
      {"username", json_string(server.user())},
      {"remoteWorkspacePath", json_string(work)},
      {"privateKeySecretRef", json_string(key_id)},
      {"knownHosts", json_string(server.known_hosts())}};
    for (auto& [name, value] : more)
      members[name] = std::move(value);
    std::string text;
    for (const auto& [name, value] : members)
      text += (text.empty() ? "{" : ",") + json_string(name) + ":" + value;
    return {{"company"}, {"env"}, "ssh", json_text{text + "}"}};
  }

  result<resource_ready> acquire(const environment_context& where) {
    return ask<resource_ready>([&](auto then) {
      uut->acquire({lease_in(where), {}, {}}, std::move(then));
    });
  }

  result<probe_report> probe(const environment_context& where) {
    return ask<probe_report>(
      [&](auto then) { uut->probe(where, std::move(then)); });
  }

  [[nodiscard]] lease_context lease() const {
    auto out = lease_in(place());
    out.fence = 7;
    out.metadata.text = R"({"remoteCwd":)" + json_string(work) + "}";
    return out;
  }

  [[nodiscard]] run_command command(std::string name,
                                    std::vector<std::string> args) const {
    run_command what;
    what.lease = lease();
    what.execution.value = "exec-1";
    what.spec.command = std::move(name);
    what.spec.args = std::move(args);
    return what;
  }

  [[nodiscard]] run_command shell(std::string script) const {
    return command("sh", {"-c", std::move(script)});
  }

  answer_watch<command_result> start(run_command what,
                                     std::shared_ptr<test_sink> sink = {}) {
    answer_watch<command_result> watch;
    uut->execute(std::move(what), std::move(sink), watch.then());
    return watch;
  }

  result<command_result> run(run_command what,
                             std::shared_ptr<test_sink> sink = {}) {
    return start(std::move(what), std::move(sink)).get();
  }

  result<workspace_realized> realize(const std::string& local) {
    place_workspace what;
    what.lease = lease();
    what.local_path = local;
    return ask<workspace_realized>(
      [&](auto then) { uut->realize(what, std::move(then)); });
  }

  /// Where private files are while they are needed.
  temp_dir files;
  temp_dir home;
  std::string work = home / "work";
  ssh_server server;
  known_secrets secrets;
  io_loop loop;
  std::unique_ptr<process_launcher> launcher = make_process_launcher(loop);
  ssh_driver_options options;
  std::shared_ptr<ssh_driver> uut;
};

} // namespace leasehold::test
