#pragma once

// An engine's actors on a stage: the shipped supervisor, janitor and store, a
// driver and worker processes that do as the test says, a real database, and
// time that passes when the test says so.

#include "actors/janitor_actor.hpp"
#include "actors/store_actor.hpp"
#include "actors/supervisor_actor.hpp"
#include "actors/worker_gate.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/sandbox_driver.hpp"
#include "drivers/secret_source.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_process.hpp"
#include "tests/support/scripted_driver.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/world.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace leasehold::test {

/// Secrets as a test has them; what was asked for is kept.
struct scripted_secrets : secret_source {
  std::map<std::string, std::string> values;
  std::vector<secret_request> asked;
  size_t checked = 0;

  void check(std::vector<secret_request> what, completion<> then) override {
    ++checked;
    for (const auto& x : what)
      if (!values.contains(x.secret.value))
        return then(failure{ec::unknown_secret, "Secret not found"});
    then(done{});
  }

  void resolve(std::vector<secret_request> what,
               completion<std::vector<std::string>> then) override {
    std::vector<std::string> out;
    for (auto& x : what) {
      if (!values.contains(x.secret.value))
        return then(failure{ec::unknown_secret, "Secret not found"});
      out.push_back(values.at(x.secret.value));
      asked.push_back(std::move(x));
    }
    then(std::move(out));
  }
};

/// Opens the database of a play for this engine, with the play's clock. Called
/// once; what it needs must outlive the stage.
using stage_database
  = std::function<std::shared_ptr<store>(const instance_id&, store_clock)>;

/// What a play may have beside what every play has.
struct stage_parts {
  /// None: an SQLite file in the stage's folder.
  stage_database open = {};
  /// Who writes and reads; none: the store's actor itself.
  std::function<std::shared_ptr<store_runner>(std::shared_ptr<store>)> run = {};
  /// Adds drivers.
  std::function<void(driver_table&)> add_drivers = {};
};

/// The play: environment `box` of the scripted driver, and `sandbox` of the
/// provider `boxes`, which the plugin `boxes.plugin` serves. Its drivers are
/// the shipped ones but for `ssh`, and `scripted`.
class stage : public world {
public:
  explicit stage(supervisor_options setup = {}, const stage_parts& parts = {});

  ~stage();

  // -- in words ---------------------------------------------------------------

  /// Asks for a lease on `box`; the answer fills in when it arrives.
  std::shared_ptr<answer<lease_granted>>
  acquire(const std::string& run, const std::string& environment = "box");

  std::shared_ptr<answer<lease_ended>> release(const lease_granted& lease,
                                               release_status how
                                               = release_status::released);

  std::shared_ptr<answer<command_result>> execute(const lease_granted& lease,
                                                  const std::string& command);

  /// The row of a lease.
  lease_row row(const lease_id& id);

  /// Every row, oldest first.
  std::vector<lease_row> rows();

  /// A lease's history as texts such as `acquiring -> active: fresh`.
  std::vector<std::string> history(const lease_id& id);

  /// What has to be there before leases are taken.
  void write(store_write what);

  supervisor_options options;
  driver_script script;
  fake_launcher processes;
  scripted_secrets secrets;
  temp_dir folder;
  worker_gate gate;
  /// Transitions.
  std::vector<std::string> log;
  /// Called by the actor that makes one, if it is set.
  std::function<void(const transition&)> on_transition;
  /// What the engine would tell people.
  std::vector<std::string> logged;
  std::shared_ptr<store> database;
  services_ptr with;
  store_actor store_of_play;
  janitor_actor janitor;
  supervisor_actor supervisor;

private:
  services_ptr make_services(const stage_parts& parts);
  void set_the_stage();

  /// Not running: nobody starts local commands here.
  io_loop loop_;
  int last_id_ = 0;
};

} // namespace leasehold::test
