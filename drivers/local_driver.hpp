#pragma once

// Runs commands on this host.

#include "drivers/driver.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/local_command.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace leasehold {

/// What the local driver knows of the host it is on.
struct local_host {
  std::string hostname;
  std::string cwd;
  /// The whole environment; commands get the part of it that is harmless.
  std::map<std::string, std::string> env;
};

/// The host that this process runs on.
local_host this_host();

/// The `local` driver: leases are rows only, nothing is made for them. Every
/// command runs under leasehold-guard, so that none of its processes stays.
class local_driver : public driver {
public:
  /// `guard` is the path of the helper program. `loop` and `launcher` must
  /// outlive the driver.
  local_driver(process_launcher& launcher, io_loop& loop, std::string guard,
               local_host host, local_limits limits = {});

  /// Ends what still runs.
  ~local_driver() override;

  [[nodiscard]] std::string_view key() const noexcept override;

  void validate(const environment_context& place,
                completion<json_text> then) override;

  void probe(const environment_context& place,
             completion<probe_report> then) override;

  void plan(const plan_lease& what, completion<lease_plan> then) override;

  void release(release_resource what, completion<> then) override;

  void destroy(destroy_resource what, completion<> then) override;

  void realize(place_workspace what,
               completion<workspace_realized> then) override;

  void execute(run_command what, std::shared_ptr<output_sink> output,
               completion<command_result> then) override;

  /// An empty execution stands for all of the lease's.
  void cancel(const lease_context& lease,
              const execution_id& execution) override;

private:
  /// Everything that can be wrong is found here, before a process starts.
  result<local_command::request> prepare(run_command& what) const;

  struct running {
    lease_id lease;
    execution_id execution;
    std::shared_ptr<local_command> command;
  };

  /// The running commands. Outlives the driver for a completion that is being
  /// delivered when it goes.
  struct table {
    std::mutex mutex;
    uint64_t last = 0;
    std::map<uint64_t, running> rows;
  };

  process_launcher& launcher_;
  io_loop& loop_;
  std::string guard_;
  local_host host_;
  local_limits limits_;
  std::shared_ptr<table> running_ = std::make_shared<table>();
};

} // namespace leasehold
