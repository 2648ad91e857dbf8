#pragma once

// Makes a remote workspace hold what a local folder does.

#include "drivers/background.hpp"
#include "drivers/ssh/ssh_runner.hpp"
#include "drivers/ssh/workspace_listing.hpp"
#include "messages/result.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace leasehold::ssh {

/// One transfer: asks what is there, lists what is here, removes, sends, and
/// leaves a note of what was placed. Tells its outcome exactly once.
class ssh_upload : public std::enable_shared_from_this<ssh_upload> {
public:
  struct request {
    runner::owner who;
    /// A folder on this host.
    std::string local;
    /// An absolute path on the other.
    std::string remote;
  };

  ssh_upload(std::weak_ptr<runner> hosts, std::weak_ptr<background> worker,
             request what, completion<> then);

  ~ssh_upload();

  ssh_upload(const ssh_upload&) = delete;

  ssh_upload& operator=(const ssh_upload&) = delete;

  /// Starts it. Once; it keeps itself alive until it has told its outcome.
  void start();

  /// Ends it soon. Thread-safe.
  void cancel();

  [[nodiscard]] const lease_id& lease() const {
    return what_.who.host.lease;
  }

private:
  using step = void (ssh_upload::*)();

  void on_listed(result<command_result> there);

  void compare(remote_state there);

  void remove_files();

  void remove_folders();

  void send();

  void take_note();

  void finish();

  /// Runs a script in the remote workspace; what comes next follows if it
  /// succeeds.
  void run(const std::string& script, std::string input, step next);

  /// Starts a script; everything but its end is the caller's.
  void run(const std::string& script, std::string input, size_t output_max,
           completion<command_result> then);

  void tell(result<> outcome);

  std::weak_ptr<runner> hosts_;
  std::weak_ptr<background> worker_;
  request what_;
  completion<> then_;
  std::atomic<bool> cancelled_ = false;
  listing here_;
  upload_plan plan_;
};

} // namespace leasehold::ssh
