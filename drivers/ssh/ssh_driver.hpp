#pragma once

// Runs commands on SSH hosts, through the system's OpenSSH client.

#include "drivers/background.hpp"
#include "drivers/driver.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/ssh/ssh_runner.hpp"
#include "drivers/ssh/ssh_upload.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

struct ssh_driver_options {
  ssh::client_setup client;
  ssh::command_limits limits;
};

/// What the SSH client may see of this host's environment: all that the user's
/// own config may need (agents, proxies), and nothing that is ours.
ssh::client_setup
client_setup_of(const std::map<std::string, std::string>& host_env);

/// The `ssh` driver: a lease is a workspace folder on a host that others may
/// use as well, and a connection of its own.
class ssh_driver : public driver {
public:
  /// `loop` and `launcher` must outlive the driver; so must `secrets`, which
  /// may be null.
  ssh_driver(process_launcher& launcher, io_loop& loop, secret_source* secrets,
             ssh_driver_options options);

  /// Ends what still runs, and every connection.
  ~ssh_driver() override;

  /// No login, no workspace: no run gets any.
  [[nodiscard]] bool refusal_is_outage() const noexcept override {
    return true;
  }

  [[nodiscard]] std::string_view key() const noexcept override;

  void validate(const environment_context& place,
                completion<json_text> then) override;

  /// The private key.
  [[nodiscard]] std::vector<secret_field> secret_fields() const override;

  /// Accepts a config that spells out its private key.
  void probe(const environment_context& place,
             completion<probe_report> then) override;

  void plan(const plan_lease& what, completion<lease_plan> then) override;

  void acquire(acquire_resource what, completion<resource_ready> then) override;

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
  /// Makes the workspace; prints its path as the host sees it.
  void make_workspace(ssh::connection_request host,
                      completion<command_result> then);

  void end(const lease_context& lease);

  void upload(ssh::ssh_upload::request what, completion<> then);

  io_loop& loop_;
  ssh_driver_options options_;
  std::shared_ptr<ssh::connections> hosts_;
  std::shared_ptr<ssh::runner> runner_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<ssh::ssh_upload>> uploads_;
  /// Made with the first upload.
  std::shared_ptr<background> worker_;
};

} // namespace leasehold
