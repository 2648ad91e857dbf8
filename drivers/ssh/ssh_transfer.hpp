#pragma once

// Sends what a local program makes to a program on an SSH host.

#include "drivers/child_process.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/ssh/ssh_connections.hpp"
#include "messages/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold::ssh {

/// `producer | ssh host consumer`, through a pipe that the engine only waits
/// for. Tells its outcome exactly once: if it is destroyed before the end, as
/// `outcome_unknown`.
class ssh_transfer : public std::enable_shared_from_this<ssh_transfer> {
public:
  struct request {
    /// Program and arguments; run with the client's environment.
    std::vector<std::string> producer;
    /// What the producer reads.
    std::string input;
    /// For the login shell on the other side. No secrets: it stands in an
    /// argument list.
    std::string consumer;
  };

  /// `loop` and `launcher` must outlive the transfer.
  ssh_transfer(io_loop& loop, process_launcher& launcher, request what,
               completion<> then);

  ~ssh_transfer();

  ssh_transfer(const ssh_transfer&) = delete;

  ssh_transfer& operator=(const ssh_transfer&) = delete;

  /// Starts it, or tells why there is no session. Thread-safe, once.
  void start(result<std::shared_ptr<session>> on);

  /// Ends it soon. Thread-safe.
  void cancel();

private:
  void launch(result<std::shared_ptr<session>> on);

  void on_exit();

  void tell(result<> outcome);

  io_loop& loop_;
  process_launcher& launcher_;
  request what_;
  completion<> then_;
  /// From here on: loop thread only.
  std::shared_ptr<session> session_;
  std::shared_ptr<child_process> child_;
  std::string statuses_;
  std::string words_;
  bool stopping_ = false;
};

} // namespace leasehold::ssh
