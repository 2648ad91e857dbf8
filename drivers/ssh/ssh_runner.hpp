#pragma once

// What a driver runs on its SSH hosts, and how it is called off.

#include "drivers/ssh/ssh_command.hpp"
#include "drivers/ssh/ssh_connections.hpp"
#include "messages/ids.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace leasehold::ssh {

/// Everything that runs for a driver's leases. Thread-safe. What still runs
/// when it goes is ended, and told as `outcome_unknown`.
class runner {
public:
  /// `loop` and `launcher` must outlive it.
  runner(io_loop& loop, process_launcher& launcher,
         std::shared_ptr<connections> hosts);

  ~runner();

  runner(const runner&) = delete;

  runner& operator=(const runner&) = delete;

  /// Whom a run belongs to, and where it runs.
  struct owner {
    connection_request host;
    execution_id execution = {};
  };

  /// Runs a command; connects first if need be.
  void run(const owner& who, ssh_command::request what, command_limits limits,
           completion<command_result> then);

  /// Sends a stream that a local program makes of its input: runs
  /// `producer | ssh host consumer`. Completes once both have done it.
  void pipe(const owner& who, std::vector<std::string> producer,
            std::string input, std::string consumer, completion<> then);

  /// Ends what runs for a lease; an empty execution stands for all of it.
  void cancel(const lease_id& lease, const execution_id& execution);

private:
  struct running {
    lease_id lease;
    execution_id execution;
    std::function<void()> cancel;
    std::shared_ptr<void> what;
  };

  /// What runs. Outlives the runner for a completion that is being delivered
  /// when it goes.
  struct table {
    std::mutex mutex;
    uint64_t last = 0;
    std::map<uint64_t, running> rows;
  };

  uint64_t next_number();

  /// `then`, after the run has left the table.
  template <class T>
  completion<T> leaving(uint64_t number, completion<T> then);

  /// Takes a run into the table and starts it on a session.
  template <class T>
  void connect(const owner& who, uint64_t number, std::shared_ptr<T> what);

  io_loop& loop_;
  process_launcher& launcher_;
  std::shared_ptr<connections> hosts_;
  std::shared_ptr<table> running_ = std::make_shared<table>();
};

} // namespace leasehold::ssh
